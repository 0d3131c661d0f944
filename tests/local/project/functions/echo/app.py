import json
import threading

go_on = threading.Event()


def handler(event, context):
    wish = (event["queryStringParameters"] or {}).get("wish")
    if wish == "raise":
        raise ValueError("a secret of ours")
    if wish == "exit":
        raise SystemExit(3)
    if wish == "hang":
        go_on.wait(20)
    if wish == "flood":
        return {"statusCode": 200, "body": "x" * (6 * 1024 * 1024 + 100)}
    if wish == "malformed":
        return {"body": "a secret of ours"}
    return {"statusCode": 200, "headers": {"X-A": "1"}, "body": json.dumps(event)}
