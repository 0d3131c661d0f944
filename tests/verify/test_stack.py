"""What stands behind a stack's API: logs, metrics, alarms, streams, tables, and its parameters."""

import json
import secrets
import time
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from sessionctl.account_functions import OperationError, invoke
from tests.support.answers import assert_may_be_read
from tests.support.contract import CANONICAL, SHORT, TEMPLATE
from tests.support.events import event_for
from tests.support.operations import ROUTES
from tests.verify.deployment import METRIC_SECONDS, counted, eventually, needed

CURRENT = ROUTES["get_current_session"].paths[SHORT]
CHANGE_SECONDS = 900


@pytest.fixture
def stack(deployment):
    return needed(deployment.stack, "a stack: STACK=...")


@pytest.fixture
def resources(stack):
    """The names of the stack's resources of a type, by logical ID."""
    return lambda kind: {
        name: stack.resources[name]
        for name in TEMPLATE.resources_of(kind)
        if name in stack.resources
    }


# ---------------------------------------------------------------------------- logs


@pytest.mark.assumption(8)
def test_each_request_is_a_line_of_json_in_the_access_log(deployment):
    """Whatever the client says."""
    accessed = needed(deployment.accessed, "the access log: STACK=...")
    odd = {"User-Agent": 'a"b\\c{', "Origin": 'https://"evil"'}
    ids = [
        deployment.http.request(method, path, headers=odd).headers["x-request-id"]
        for method, path in (("GET", "/"), ("PATCH", '/a"b\\c'), ("GET", CURRENT))
    ]
    assert eventually(lambda: all(map(accessed, ids)))
    lines = [line for each in ids for line in accessed(each)]
    assert [line["status"] for line in lines] == ["200", "404", "401"]
    (service,) = {line["service"] for line in lines}
    assert service == (deployment.stack.name if deployment.stack else "sessions")


@pytest.mark.assumption(9)
def test_each_call_is_a_line_of_the_functions_log_and_shows_no_secret(deployment, user):
    logged = needed(deployment.logged, "the functions' log: STACK=...")
    here = user.log_in()
    answer = deployment.http.get(CURRENT, headers=here)
    lines = eventually(lambda: logged(answer.headers["x-request-id"]))
    assert {line["operation"] for line in lines} >= {"get_current_session"}
    about = lines + logged(answer.json()["sub"])
    token = here["Authorization"]
    for secret in (token, *token.split("."), user.password, "$argon2"):
        assert secret not in json.dumps(about)


# ----------------------------------------------------------------- streams and events


@pytest.fixture(scope="module")
def follower(deployment, new_user):
    """Three sessions that have ended: why each did, by its ID; and their user's name and ID."""
    user, http = new_user(), deployment.http
    here, *_ = [user.log_in() for _ in range(3)]
    mine = http.get(CURRENT, headers=here).json()
    listed = http.get(ROUTES["list_sessions"].paths[SHORT], headers=here).json()["items"]
    newest, *others = sorted((item["iat"] for item in listed), reverse=True)
    one = ROUTES["delete_session"].paths[CANONICAL].format(id=newest)
    assert http.delete(one, headers=here).status_code == 200
    answer = http.delete(ROUTES["delete_all_sessions"].paths[SHORT], headers=here)
    assert answer.json()["count"] == 2
    return {newest: "deleted", **dict.fromkeys(others, "all")}, user.name, mine["sub"]


@pytest.mark.assumption(10)
def test_rows_of_revoked_sessions_are_purged(deployment, follower):
    """By the function that reads the tables' streams."""
    _, name, _ = follower
    assert eventually(lambda: not deployment.operate("export_user", login=name)["sessions"])


@pytest.mark.assumption(10)
def test_the_beginning_and_the_end_of_each_session_are_published(deployment, follower):
    logged = needed(deployment.logged, "the functions' log: STACK=...")
    reasons, _, user = follower

    def published(kind):
        events = [event for line in logged(user) for event in line.get("published", [])]
        return [event for event in events if (event["user"], event["type"]) == (user, kind)]

    assert eventually(lambda: len(published("SessionEnded")) >= len(reasons))
    assert {event["session"] for event in published("SessionCreated")} == reasons.keys()
    assert {event["session"]: event["reason"] for event in published("SessionEnded")} == reasons


@pytest.mark.assumption(11)
def test_the_schedule_has_looked_after_the_signing_keys(deployment, stack):
    """Its first run is at once, and publishes the key that is next."""
    assert deployment.operate("list_signing_keys")["next_since"] is not None


# ------------------------------------------------------------------ metrics and alarms


@pytest.mark.timeout(METRIC_SECONDS + 60)
@pytest.mark.assumption(12)
def test_what_functions_log_is_counted(stack, user):
    user.log_in()
    of = {"service": stack.name, "operation": "create_session"}
    assert eventually(lambda: counted(stack, "SessionCreated", **of), METRIC_SECONDS)


@pytest.mark.assumption(13)
def test_every_alarm_tells_the_topic_and_who_subscribed_to_it(stack, resources):
    cloudwatch = stack.client("cloudwatch")
    names = resources("AWS::CloudWatch::Alarm")
    assert names.keys() == TEMPLATE.resources_of("AWS::CloudWatch::Alarm").keys()
    found = cloudwatch.describe_alarms(AlarmNames=list(names.values()))["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in found} == set(names.values())
    (topic,) = resources("AWS::SNS::Topic").values()
    for alarm in found:
        assert alarm["ActionsEnabled"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]


@pytest.mark.assumption(13)
def test_whoever_asked_for_alarms_has_confirmed_it(deployment, stack, resources):
    if not deployment.parameters["AlarmEmail"]:
        pytest.skip("the parameter AlarmEmail is empty: nobody hears of alarms")
    (topic,) = resources("AWS::SNS::Topic").values()
    listed = stack.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [each["SubscriptionArn"] for each in listed if each["Protocol"] == "email"] != [
        "PendingConfirmation"
    ]


@pytest.mark.assumption(14)
def test_the_saved_queries_and_the_dashboard_are_there(stack, resources):
    queries = resources("AWS::Logs::QueryDefinition")
    assert queries.keys() == TEMPLATE.resources_of("AWS::Logs::QueryDefinition").keys()
    logs = stack.client("logs")
    found = logs.describe_query_definitions(queryDefinitionNamePrefix=f"{stack.name}/")
    ids = {each["queryDefinitionId"] for each in found["queryDefinitions"]}
    assert ids >= set(queries.values())
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    body = stack.client("cloudwatch").get_dashboard(DashboardName=dashboard)["DashboardBody"]
    assert json.loads(body)["widgets"]


# -------------------------------------------------------------------------- tables


@pytest.mark.assumption(15)
def test_tables_forget_what_has_expired(stack, resources):
    dynamodb, tables = stack.client("dynamodb"), TEMPLATE.resources_of("AWS::DynamoDB::Table")
    for logical_id, name in resources("AWS::DynamoDB::Table").items():
        wanted = tables[logical_id].get("TimeToLiveSpecification")
        found = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        is_on = found["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}
        assert is_on is (wanted is not None)
        assert found.get("AttributeName") == (wanted or {}).get("AttributeName")


@pytest.mark.assumption(15)
@pytest.mark.parametrize("table", ["SessionsTable", "UsersTable", "LoginsTable"])
def test_a_table_can_be_restored_to_any_moment(stack, table):
    """Also one that the stack took over."""
    backups = stack.client("dynamodb").describe_continuous_backups(TableName=stack.outputs[table])
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.assumption(27)
def test_a_verifier_may_read_what_its_policy_names_and_store_a_use(stack, user):
    """The authorizer of other APIs has the rights of that policy, and no others."""

    def ask(header):
        event = event_for("verify_session", header["Authorization"])
        return invoke(stack.client("lambda"), stack.outputs["VerifySessionFunctionArn"], event)

    here = user.log_in()
    answer = ask(here)
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    named = answer["context"]
    row = {
        "TableName": stack.outputs["SessionsTable"],
        "Key": {"user": {"S": named["user"]}, "iat": {"N": named["session"]}},
    }
    dynamodb = stack.client("dynamodb")
    long_ago = {":long_ago": {"N": "1"}}  # so that a use is due
    dynamodb.update_item(
        **row, UpdateExpression="SET used_at = :long_ago", ExpressionAttributeValues=long_ago
    )
    ask(here)
    stored = dynamodb.get_item(**row, ConsistentRead=True)["Item"]
    assert int(stored["used_at"]["N"]) > time.time() - 300
    user.log_out_everywhere()
    with pytest.raises(OperationError, match="Unauthorized"):
        ask(here)


# ---------------------------------------------------------------------- parameters


def change_set(stack, **parameters):
    """Return a change set of other values of parameters alone, as `sam deploy` makes them."""
    return {
        "StackName": stack.name,
        "ChangeSetName": f"verify-{secrets.token_hex(6)}",
        "UsePreviousTemplate": True,
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": parameters[key]}
            if key in parameters
            else {"ParameterKey": key, "UsePreviousValue": True}
            for key in stack.parameters
        ],
    }


def change(stack, **parameters):
    """Deploy other values of parameters."""
    cloudformation, made = stack.client("cloudformation"), change_set(stack, **parameters)
    named = {key: made[key] for key in ("StackName", "ChangeSetName")}
    cloudformation.create_change_set(**made)
    cloudformation.get_waiter("change_set_create_complete").wait(**named)
    cloudformation.execute_change_set(**named)
    time.sleep(1)  # until it has begun
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=stack.name, WaiterConfig={"Delay": 5, "MaxAttempts": CHANGE_SECONDS // 5}
    )


@pytest.fixture
def may_change(request, stack):
    if not request.config.getoption("change", default=False):
        pytest.skip("changes a parameter, and changes it back: CHANGE=1")


@contextmanager
def changed(stack, **parameters):
    """Have other values of parameters for as long as the block lasts."""
    try:
        change(stack, **parameters)
        yield
    finally:
        change(stack, **{name: stack.parameters[name] for name in parameters})


@pytest.mark.usefixtures("may_change")
@pytest.mark.timeout(2 * CHANGE_SECONDS)
@pytest.mark.assumption(16)
def test_a_parameter_that_changed_alone_reaches_functions(stack, user):
    """Sessions that begin meanwhile last an hour longer. Clocks differ, by minutes at most."""
    usual = int(stack.parameters["SessionSeconds"])

    def lasts(seconds):
        session = user.http.get(CURRENT, headers=user.log_in()).json()
        return abs(session["exp"] - time.time() - seconds) < 600

    with changed(stack, SessionSeconds=str(usual + 3600)):
        assert eventually(lambda: lasts(usual + 3600))
    assert eventually(lambda: lasts(usual))


@pytest.mark.usefixtures("may_change")
@pytest.mark.timeout(2 * CHANGE_SECONDS)
@pytest.mark.assumption(16)
def test_a_parameter_that_changed_alone_reaches_functions_and_mocks(deployment, stack):
    """An origin that can be nobody's: there are no hosts under `.invalid` (RFC 6761, 6.4)."""
    origin = f"https://{secrets.token_hex(6)}.invalid"
    headers = {"Authorization": "x", "Origin": origin}
    with changed(stack, AllowedOrigins=f"{stack.parameters['AllowedOrigins']},{origin}"):
        for path in (CURRENT, "/nope"):
            answer = eventually(lambda path=path: named(deployment.http.get(path, headers=headers)))
            assert_may_be_read(answer, origin)


def named(answer):
    """Return an answer if it names an origin. A stage answers as before for some seconds."""
    return answer if "access-control-allow-origin" in answer.headers else None


@pytest.mark.assumption(17)
@pytest.mark.parametrize(
    "given",
    [
        {"DomainName": "accounts.example.com", "CertificateArn": ""},
        {"PageDomainName": "", "PageCertificateArn": "arn:aws:acm:us-east-1:1:certificate/1"},
        {"Page": "true", "AddressRateLimit": "100"},
    ],
    ids=str,
)
def test_parameters_that_contradict_each_other_are_refused(stack, given):
    """Before anything is changed: no change set comes of them."""
    made = change_set(stack, **given)
    cloudformation = stack.client("cloudformation")
    try:
        with pytest.raises(ClientError):
            cloudformation.create_change_set(**made)
    finally:
        cloudformation.delete_change_set(
            **{key: made[key] for key in ("StackName", "ChangeSetName")}
        )
