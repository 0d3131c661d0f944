"""The database on this machine."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import httpx
import pytest

from local.engine import engine
from local.state import StateError, claim

SECRET = "the-signing-keys"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engine(tmp_path_factory.mktemp("engine")) as endpoint:
        client(endpoint).create_secret(Name="keys", SecretString=SECRET)
        yield endpoint


def client(endpoint: str) -> Any:
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client("secretsmanager", endpoint_url=endpoint, region_name="us-east-1", **keys)


def ask(endpoint: str, action: str, **headers: str) -> httpx.Response:
    """Ask for the secret as whoever needs no signature."""
    target = {"X-Amz-Target": f"secretsmanager.{action}"}
    return httpx.post(
        endpoint,
        headers={"Content-Type": "application/x-amz-json-1.1"} | target | headers,
        json={"SecretId": "keys", "SecretString": "of the page"},
        trust_env=False,
    )


def assert_is_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 403
    assert SECRET not in answer.text
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:3000", "http://localhost", ""]
)
def test_no_page_reads_or_changes_what_the_database_holds(endpoint, origin):
    for action in ("GetSecretValue", "PutSecretValue", "DeleteSecret"):
        assert_is_refused(ask(endpoint, action, Origin=origin))
    asks = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-amz-target",
    }
    assert_is_refused(httpx.options(endpoint, headers={"Origin": origin, **asks}, trust_env=False))
    reset = httpx.post(f"{endpoint}/_ministack/reset", headers={"Origin": origin}, trust_env=False)
    assert_is_refused(reset)
    assert client(endpoint).get_secret_value(SecretId="keys")["SecretString"] == SECRET


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]"],
)
@pytest.mark.parametrize("port", ["", ":4566"])
def test_no_page_whose_name_leads_to_this_machine_reads_the_database(endpoint, host, port):
    assert_is_refused(ask(endpoint, "GetSecretValue", Host=host + port))
    answer = httpx.get(f"{endpoint}/_ministack/health", headers={"Host": host}, trust_env=False)
    assert_is_refused(answer)


@pytest.mark.parametrize("host", ["127.0.0.1", "LocalHost:4566", "127.1.2.3:1", "[::1]:4566"])
def test_programs_of_this_machine_read_the_database(endpoint, host):
    answer = ask(endpoint, "GetSecretValue", Host=host)
    assert answer.json()["SecretString"] == SECRET


@pytest.mark.parametrize("text", ["", '{"payl', "[]", "{}", '{"__ministack_format__": 99}', "\xff"])
def test_a_damaged_state_is_refused_kept_and_explained(tmp_path, text):
    claim(tmp_path)
    file = tmp_path / "state/secretsmanager.json"
    file.parent.mkdir()
    file.write_text(text, encoding="latin-1")
    with pytest.raises(StateError) as refused, engine(tmp_path):
        pass
    assert f"damaged: {file}" in str(refused.value)
    assert "--fresh" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert file.read_text(encoding="latin-1") == text


def test_a_fresh_start_deletes_the_state_and_nothing_else(tmp_path):
    claim(tmp_path)
    others = [tmp_path / "notes", tmp_path / "state/of others/notes"]
    for file in (*others, tmp_path / "state/dynamodb.json"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{")
    with engine(tmp_path, fresh=True):
        assert [file.read_text() for file in others] == ["{", "{"]


def test_engines_that_start_at_once_have_each_a_port_of_its_own(tmp_path):
    begin, end = threading.Barrier(2), threading.Barrier(2)

    def run(name: str) -> str:
        begin.wait()
        with engine(tmp_path / name) as endpoint:
            end.wait()
            return endpoint

    with ThreadPoolExecutor(2) as threads:
        endpoints = list(threads.map(run, ["one", "other"]))
    assert len(set(endpoints)) == 2
