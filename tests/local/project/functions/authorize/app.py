calls = []


def handler(event, context):
    calls.append(event)
    headers = {name.lower(): value for name, value in event["headers"].items()}
    token = headers["authorization"]
    if token == "unauthorized":
        raise PermissionError("Unauthorized")
    if token == "broken":
        raise RuntimeError("something else")
    if token == "malformed":
        return {"principalId": "x"}
    effect = "Deny" if token == "denied" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": "*"}
    return {
        "principalId": "user-" + token,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "usageIdentifierKey": "unknown" if token == "keyless" else "sessions-key",
        "context": {"number": 1, "truth": True},
    }
