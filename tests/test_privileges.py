"""Each function may do what it does, and nothing else.

What a function does is what botocore is asked for while it answers every kind of call; what it
may do is its role in the template.
"""

from collections.abc import Callable, Iterator
from typing import Any

import argon2
import pytest

from functions.publish_events.app import _events as events
from sessions import endpoint, rotation, store, tokens
from tests.support.calls import call, handler_of, invoke
from tests.support.contract import TEMPLATE
from tests.support.forgery import sign, signing_key
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_sessions
from tests.support.streams import follow_streams

pytestmark = pytest.mark.usefixtures("aws")

Grants = set[tuple[str, str]]
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
    """What is done from here on, by functions whose key ring is cold."""
    done: Grants = set()

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        done.update(resources(model.name, params))

    clients = [store._dynamodb, endpoint._secrets_client(), rotation._secretsmanager, events]
    for client in clients:
        client.meta.events.register("provide-client-params", record, unique_id="privileges")
    monkeypatch.setattr(endpoint.signing_keys, "_ring", None)
    yield done
    for client in clients:
        client.meta.events.unregister("provide-client-params", unique_id="privileges")


def granted(folder: str) -> Grants:
    """Return what the function's role allows, beside its log and its trace."""
    name = "".join(map(str.capitalize, folder.split("_"))) + "Function"
    role = TEMPLATE.resources_of("AWS::IAM::Role")[f"{name}Role"]
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


def log_in_with_an_outdated_hash() -> Callable[[], object]:
    person = new_person()
    login = store.find_login(person.username)
    assert login is not None
    outdated = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    store.replace_password_hash(login, outdated)
    return lambda: log_in(person)


def with_session(folder: str, **request: Any) -> Callable[[], Callable[[], object]]:
    def prepare() -> Callable[[], object]:
        person = new_person()
        token = log_in(person)
        log_in(person)
        listed = call("list_sessions", token, query=None).body["items"]
        other = listed[0]["iat"]
        body = {"sessions": [other]} if folder == "delete_sessions" else None
        session = other if folder in {"get_session", "delete_session"} else None

        def act() -> None:
            answer = call(folder, token, session=session, body=body, **request)
            assert answer.status == 200, answer

        return act

    return prepare


def authorize_an_unknown_key() -> Callable[[], object]:
    claims = {**tokens.Claims("u", 1, 2, "j")._asdict(), "iss": endpoint.ISSUER}
    token = sign({"alg": "HS256", "typ": "JWT", "kid": "unknown"}, claims, signing_key())
    event = {"httpMethod": "GET", "headers": {"Authorization": token}}
    return lambda: invoke("authorize", event)


def log_in_once_too_often() -> Callable[[], object]:
    outdated = log_in_with_an_outdated_hash()
    crowded = new_person()
    add_sessions(crowded, range(1, 200))  # more than may live, and once ended, than may lie about
    log_in(crowded)
    return lambda: (outdated(), log_in(crowded))


def on_somebody(folder: str, **given: Any) -> Callable[[], Callable[[], object]]:
    def prepare() -> Callable[[], object]:
        person = new_person()
        log_in(person)
        return lambda: invoke(folder, {"user": person.email, **given})

    return prepare


def revoke_some_and_all() -> Callable[[], object]:
    person = new_person()
    log_in(person)
    some = {"user": person.email, "sessions": list(stored_sessions(person))}
    everything = {"user": person.email, "all": True}
    return lambda: [invoke("revoke_user_sessions", asked) for asked in (some, everything)]


def rename_somebody() -> Callable[[], object]:
    person = new_person()
    return lambda: invoke("rename_user", {"user": person.email, "username": f"not-{person.id}"})


def publish_a_revocation() -> Callable[[], object]:
    person = new_person()
    log_in(person)
    records = follow_streams()
    invoke("revoke_user_sessions", {"user": person.email, "all": True})
    return lambda: invoke("publish_events", {"Records": records(endpoint.epoch_seconds())})


SCENARIOS: dict[str, Callable[[], Callable[[], object]]] = {
    "create_session": log_in_once_too_often,
    "get_current_session": with_session("get_current_session"),
    "get_session": with_session("get_session"),
    "list_sessions": with_session("list_sessions"),
    "delete_session": with_session("delete_session"),
    "delete_sessions": with_session("delete_sessions"),
    "delete_all_sessions": with_session("delete_all_sessions"),
    "authorize": authorize_an_unknown_key,
    "create_user": lambda: new_person,
    "ban_user": on_somebody("ban_user"),
    "unban_user": on_somebody("unban_user", revoke_sessions=True),
    "set_password": on_somebody("set_password", password="another"),
    "list_user_sessions": on_somebody("list_user_sessions"),
    "revoke_user_sessions": revoke_some_and_all,
    "revoke_everyone": lambda: lambda: invoke("revoke_everyone", {"everyone": True}),
    "delete_user": on_somebody("delete_user"),
    "export_user": on_somebody("export_user"),
    "rename_user": rename_somebody,
    "rotate_signing_key": lambda: lambda: invoke("rotate_signing_key", {"when": "due"}),
    "publish_events": publish_a_revocation,
    "list_signing_keys": lambda: lambda: invoke("list_signing_keys", {}),
}


def test_there_is_a_scenario_for_every_function():
    functions = TEMPLATE.resources_of("AWS::Lambda::Function")
    names = {"".join(map(str.capitalize, folder.split("_"))) for folder in SCENARIOS}
    assert {f"{name}Function" for name in names} == set(functions)


@pytest.mark.parametrize("folder", SCENARIOS)
def test_a_function_may_do_just_what_it_does(folder, done):
    handler_of(folder)
    act = SCENARIOS[folder]()
    endpoint.signing_keys._ring = None
    done.clear()
    act()
    assert done == granted(folder)


def test_only_who_logs_in_or_finds_users_by_name_touches_the_names_and_hashes():
    allowed = {folder for folder in SCENARIOS if "LoginsTable" in {t for _, t in granted(folder)}}
    assert allowed == {
        "create_session",
        "create_user",
        "set_password",
        "ban_user",
        "unban_user",
        "list_user_sessions",
        "revoke_user_sessions",
        "delete_user",
        "export_user",
        "rename_user",
    }


def test_only_the_rotation_may_write_the_secret():
    writers = {
        f for f in SCENARIOS if ("secretsmanager:PutSecretValue", "SigningKeys") in granted(f)
    }
    assert writers == {"rotate_signing_key"}
    actions = {action for folder in SCENARIOS for action, _ in granted(folder)}
    assert {action for action in actions if action.startswith("secretsmanager")} == {
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
    }
