"""Users of a test's own, seen from outside the browser."""

import time
from typing import Any, NamedTuple

import httpx
from boto3.dynamodb.types import TypeSerializer

from local.functions import functions_of, shared_environment
from tests.support.contract import SESSION_SECONDS, TEMPLATE
from tests.support.service import Service

SESSIONS = shared_environment(functions_of(TEMPLATE).values())["SESSIONS_TABLE"]

PASSWORD = "a long sentence of their own"

http = httpx.Client(timeout=60)  # one for all: to make one takes longer than most answers


class Person(NamedTuple):
    """A user of one test."""

    service: Service
    id: str
    username: str

    def log_in(self, name: str, **more: object) -> dict[str, Any]:
        """Log in on another device of this name; return that session, with its `token`."""
        body = {"user": self.username, "pass": PASSWORD, **more}
        url = f"{self.service.url}/session"
        answer = http.post(url, json=body, headers={"X-Session-Name": name})
        assert answer.status_code == 201, answer.text
        token = answer.json()["token"]
        return {**http.get(url, headers={"Authorization": token}).json(), "token": token}

    def store(self, name: str, began_ago: int, used_ago: int, **more: object) -> int:
        """Store a session that nobody has the token of, and return its ID; times in seconds."""
        now = int(time.time())
        session = {
            "user": self.id,
            "iat": now - began_ago,
            "exp": now - began_ago + SESSION_SECONDS,
            "jti_sha256": bytes(32),
            "name": name,
            "used_at": now - used_ago,
            **more,
        }
        row = {key: TypeSerializer().serialize(value) for key, value in session.items()}
        self.service.client("dynamodb").put_item(TableName=SESSIONS, Item=row)
        return now - began_ago

    def log_out(self, session: dict[str, Any]) -> None:
        """Revoke a session from the device that it is on."""
        url = f"{self.service.url}/session/{session['iat']}"
        answer = http.delete(url, headers={"Authorization": session["token"]})
        assert answer.status_code == 200, answer.text

    def status_of(self, token: str) -> int:
        """Return what the service answers to a token."""
        return http.get(f"{self.service.url}/session", headers={"Authorization": token}).status_code

    def sessions(self) -> list[dict[str, Any]]:
        """Return the live sessions, newest first."""
        items: list[dict[str, Any]] = self.operate("list_user_sessions")["items"]
        return items

    def names(self) -> list[str]:
        """Return the names of the live sessions, newest first."""
        return [session["name"] for session in self.sessions()]

    def operate(self, operation: str, **given: object) -> Any:
        """Do what an operator does to this user."""
        return self.service.operate(operation, id=self.id, **given)


def new_person(service: Service, username: str) -> Person:
    """Create a user of this name."""
    email = f"{username}@example.com"
    made = service.operate("create_user", username=username, email=email, password=PASSWORD)
    return Person(service, made["id"], username)
