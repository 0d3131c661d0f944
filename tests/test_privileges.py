"""Each function may do what it does, and nothing else.

What a function does is what botocore is asked for while it answers every kind of call; what it
may do is its role in the template.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.functions import logical_id
from sessions import dynamodb, event_bus, signing_keys
from sessions.dynamodb import SESSIONS, USERS
from sessions.errors import InvalidSession
from sessions.model import Session, Standing, User
from sessions.proof import read_token
from sessions.verifier import SESSIONS_ATTRIBUTES, USERS_ATTRIBUTES, Verifier
from tests.support.calls import call, invoke
from tests.support.contract import TEMPLATE
from tests.support.forgery import sign, signing_key
from tests.support.operations import ON_A_USER, OPERATIONS
from tests.support.people import log_in, new_person, statuses
from tests.support.rows import limit_idleness, stored_rows, tables
from tests.support.scenarios import prepare

pytestmark = pytest.mark.usefixtures("aws")

Grants = set[tuple[str, str]]
FUNCTIONS = {"attribute_exists", "attribute_not_exists"}  # of condition expressions, in use
WRITES = {"Put": "PutItem", "Delete": "DeleteItem", "Update": "UpdateItem"}


def resources(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the IAM actions that an operation needs, each with what it is done to.

    Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
    DynamoDB": a transaction needs the rights of its parts.
    """
    if "SecretId" in parameters:
        yield f"secretsmanager:{operation}", parameters["SecretId"]
    elif operation == "TransactWriteItems":
        for part in parameters["TransactItems"]:
            ((kind, write),) = part.items()
            yield f"dynamodb:{WRITES[kind]}", write["TableName"]
    elif operation == "PutEvents":
        for entry in parameters["Entries"]:
            yield f"events:{operation}", entry["EventBusName"]
    elif "RequestItems" in parameters:
        for table in parameters["RequestItems"]:
            yield f"dynamodb:{operation}", table
    else:
        yield f"dynamodb:{operation}", parameters["TableName"]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Iterator[Grants]:
    """What is done from here on, by functions whose key set is cold."""
    done: Grants = set()

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        done.update(resources(model.name, params))

    clients = [dynamodb.client, signing_keys.secretsmanager, event_bus.eventbridge]
    for client in clients:
        client.meta.events.register("provide-client-params", record, unique_id="privileges")
    monkeypatch.setattr(signing_keys.signing_keys, "_key_set", None)
    yield done
    for client in clients:
        client.meta.events.unregister("provide-client-params", unique_id="privileges")


def granted(folder: str) -> Grants:
    """Return what the function's role allows, beside its log and its trace."""
    role = TEMPLATE.resources_of("AWS::IAM::Role")[f"{logical_id(folder)}Role"]
    grants = set()
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            found = statement["Resource"]
            for resource in found if isinstance(found, list) else [found]:
                # A table's ARN ends with its name; a secret is named by its reference.
                target = resource.rpartition("/")[2]
                grants |= {(action, target) for action in statement["Action"]}
    return grants


@pytest.mark.parametrize("folder", OPERATIONS)
def test_a_function_may_do_just_what_it_does(folder, done):
    act = prepare(folder)
    signing_keys.signing_keys._key_set = None
    done.clear()
    act()
    assert done == granted(folder)


def test_only_operations_that_take_a_name_of_a_user_touch_names_and_hashes():
    allowed = {name for name in OPERATIONS if "LoginsTable" in {t for _, t in granted(name)}}
    many = {"create_user", "import_users", "export_users"}
    assert allowed == {"create_session", *many, *ON_A_USER}


def test_only_the_rotation_may_write_the_secret():
    writers = {
        name
        for name in OPERATIONS
        if ("secretsmanager:PutSecretValue", "SigningKeys") in granted(name)
    }
    assert writers == {"rotate_signing_key"}
    actions = {action for name in OPERATIONS for action, _ in granted(name)}
    assert {action for action in actions if action.startswith("secretsmanager")} == {
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
    }


# ------------------------------------------------------ other services of the product

POLICY = TEMPLATE.resources["VerifySessionsPolicy"]["Properties"]
STATEMENT, OF_A_USE = POLICY["PolicyDocument"]["Statement"]
READABLE = STATEMENT["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
WRITABLE = OF_A_USE["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]


def is_allowed(action: str, read: dict[str, Any]) -> bool:
    """Say whether the policy allows a read of one of its tables.

    Source: DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control":
    the keys of a table count among the attributes, and `Select` always has a value.
    """
    names = read.get("ExpressionAttributeNames", {})
    projected = [name for name in read.get("ProjectionExpression", "").split(", ") if name]
    attributes = {names.get(name, name) for name in projected} | {*read["Keys"][0]}
    select = "SPECIFIC_ATTRIBUTES" if projected else "ALL_ATTRIBUTES"
    assert STATEMENT["Condition"].keys() == {"ForAllValues:StringEquals", "StringEquals", "Null"}
    assert STATEMENT["Condition"]["Null"] == {"dynamodb:Attributes": "false"}
    return (
        action in STATEMENT["Action"]
        and attributes <= set(READABLE)
        and STATEMENT["Condition"]["StringEquals"] == {"dynamodb:Select": select}
    )


def test_a_verifier_may_read_two_tables_and_of_them_what_it_reads(dynamodb_calls):
    assert STATEMENT["Effect"] == "Allow"
    assert {arn.rpartition("/")[2] for arn in STATEMENT["Resource"]} == {
        "UsersTable",
        "SessionsTable",
    }
    assert sorted(READABLE) == sorted({*USERS_ATTRIBUTES, *SESSIONS_ATTRIBUTES})
    act = prepare("verify_session")
    dynamodb_calls.clear()
    act()
    (action, parameters), _ = dynamodb_calls
    for read in parameters["RequestItems"].values():
        assert is_allowed(f"dynamodb:{action}", read)
        assert not is_allowed("dynamodb:Query", read)
        everything = {"Keys": read["Keys"]}
        assert not is_allowed(f"dynamodb:{action}", everything)
        assert not is_allowed(
            f"dynamodb:{action}", everything | {"ProjectionExpression": "id, email"}
        )


def test_a_verifier_reads_nothing_that_names_a_user_or_that_the_other_table_hides():
    """One list is for both tables."""
    assert set(READABLE) & {*User._fields} == {*Standing._fields, "created_at"}
    assert set(READABLE) & {*Session._fields} == set(SESSIONS_ATTRIBUTES)
    assert not {*READABLE} & {"address", "country", "known"}
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id, "reason": "a reason for operators"})
    rows = stored_rows(person)
    for row in (rows["user"], *rows["sessions"]):
        seen = json.dumps({name: row[name] for name in READABLE if name in row}, default=str)
        for hidden in (person.username, person.email, "reason for operators", "203.0.113.7"):
            assert hidden not in seen
            assert hidden in json.dumps(rows["user"])


def attributes_of(update: dict[str, Any]) -> set[str]:
    """Return the attributes that an update names: in its key, the update and its condition.

    Source: DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control".
    """
    text = f"{update['UpdateExpression']} {update['ConditionExpression']}"
    words = set(re.findall(r"(?<!:)#?\b[a-z_]\w*", text)) - FUNCTIONS
    return {update["ExpressionAttributeNames"].get(word, word) for word in words} | {*update["Key"]}


def test_a_verifier_may_write_just_what_a_use_changes(clock, dynamodb_calls):
    """Of the table of sessions alone, and an answer shows it nothing of a row."""
    named = set()
    for address in ("203.0.113.7", "", None):
        for limit in (None, 10_000):
            token = log_in(new_person())
            claims = read_token(token)[2]
            if limit:
                limit_idleness(claims.sub, claims.iat, limit, clock.now)
            clock.now += 3_600
            dynamodb_calls.clear()
            own = Verifier(dynamodb.client, sessions_table=SESSIONS, users_table=USERS)
            own.verify(token, address=address)
            _, (action, update) = dynamodb_calls
            assert f"dynamodb:{action}" in OF_A_USE["Action"]
            assert OF_A_USE["Resource"].endswith(f"/{update['TableName']}")
            assert "ReturnValues" not in update
            named |= attributes_of(update)
    assert named == {*WRITABLE}
    assert OF_A_USE["Effect"] == "Allow"
    assert OF_A_USE["Action"] == ["dynamodb:UpdateItem"]
    assert OF_A_USE["Condition"].keys() == {"ForAllValues:StringEquals", "StringEqualsIfExists"}
    assert OF_A_USE["Condition"]["StringEqualsIfExists"] == {"dynamodb:ReturnValues": "NONE"}


@pytest.mark.parametrize("end", ["delete_session", "revoke_user_sessions", "revoke_everyone"])
def test_who_may_store_uses_can_revive_and_prove_no_session(clock, end):
    """What is written here is all that such a role may write, as a thief of it would."""
    person = new_person()
    token = log_in(person)
    if end == "delete_session":
        call(end, token, session=clock.now)
    elif end == "revoke_user_sessions":
        invoke(end, {"id": person.id, "all": True})
    else:
        invoke(end, {"everyone": True})
    (row,) = stored_rows(person)["sessions"]
    for iat in (row["iat"], {"N": "7"}):
        tables().update_item(
            TableName=SESSIONS,
            Key={"user": row["user"], "iat": iat},
            UpdateExpression="SET exp = :later, used_at = :later REMOVE revoked_reason",
            ExpressionAttributeValues={":later": {"N": str(clock.now + 999_999)}},
        )
        claims = {**read_token(token)[2]._asdict(), "iat": int(iat["N"])}
        header = {"alg": "HS256", "typ": "JWT", "kid": "initial"}
        forged = sign(header, {**claims, "iss": "sessions"}, signing_key())
        assert statuses(token, forged) == [401, 401]
        own = Verifier(tables(), sessions_table=SESSIONS, users_table=USERS)
        for shown in (token, forged):
            with pytest.raises(InvalidSession):
                own.verify(shown)
    assert not {"jti_sha256", "session_epoch", "until"} & {*WRITABLE}


def test_the_authorizer_of_other_apis_has_the_rights_of_any_verifier():
    role = TEMPLATE.resources_of("AWS::IAM::Role")["VerifySessionFunctionRole"]
    (policy,) = role["Policies"]
    assert policy["PolicyDocument"]["Statement"] == [STATEMENT, OF_A_USE]
    assert "ManagedPolicyName" not in POLICY, "two stacks of an account would want the same"


def test_a_back_end_that_issues_sessions_may_do_nothing_else():
    policy = TEMPLATE.resources["IssueSessionsPolicy"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    function = statement["Resource"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["lambda:InvokeFunction"],
        "Resource": function,
    }
    assert function.endswith(":IssueSessionFunction"), function
    assert "ManagedPolicyName" not in policy
