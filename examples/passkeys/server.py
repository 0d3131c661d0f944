"""A product's own back end that registers passkeys and logs in by them, in FastAPI.

    .venv/bin/python examples/local.py -m hypercorn --bind 127.0.0.1:8000 examples/passkeys/server:app

It needs `make run` and `make .venv/examples`. In an account of AWS the environment names ORIGIN,
SESSIONS_TABLE, USERS_TABLE and ISSUE_SESSION_FUNCTION. The numbered lines begin a session.
docs/log-in-with-anything.md has the part of the page, and what else a product does.
"""  # noqa: E501 - a command is one line

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple

import webauthn
from account_operations import ONCE, call  # 1
from botocore.session import Session
from fastapi import Body, Depends, FastAPI, HTTPException, Response
from webauthn import helpers
from webauthn.helpers import structs
from webauthn.helpers.exceptions import WebAuthnException

from sessions.guards.fastapi import VerifiedSession, Verifier, answer_refusals, protect

ORIGIN = os.environ.get("ORIGIN", "http://localhost:8000")
DOMAIN = ORIGIN.split("/")[2].split(":")[0]  # every passkey is bound to it
VERIFIED = structs.UserVerificationRequirement.REQUIRED  # by PIN or finger: nothing else is asked
DISCOVERABLE = structs.AuthenticatorSelectionCriteria(
    resident_key=structs.ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
)
EXPECTED = {"expected_origin": ORIGIN, "expected_rp_id": DOMAIN, "require_user_verification": True}
CHALLENGE_SECONDS = 300


class Passkey(NamedTuple):
    """What is kept of a passkey; `uses` is what its authenticator had counted at the last one."""

    user: str
    public_key: bytes
    uses: int


# The product's own database: a real one outlives this process, and all processes share it.
passkeys: dict[str, Passkey] = {}  # by the credential's ID
challenges: dict[bytes, tuple[str, float]] = {}  # whose it is, "" at a log-in; until when it counts

app = FastAPI()
tables = {"sessions_table": os.environ["SESSIONS_TABLE"], "users_table": os.environ["USERS_TABLE"]}
verifier = Verifier(Session().create_client("dynamodb", config=ONCE), **tables)
answer_refusals(app)
Fresh = Annotated[VerifiedSession, Depends(protect(verifier, max_age=300))]
Credential = Annotated[dict[str, Any], Body()]


@app.post("/passkeys/options")
def begin_registration(session: Fresh) -> dict[str, Any]:
    """Tell the page what to give to `navigator.credentials.create`."""
    options = webauthn.generate_registration_options(
        rp_id=DOMAIN,
        rp_name="The product",
        user_id=session.user.encode(),
        user_name="What the product calls this user",
        authenticator_selection=DISCOVERABLE,
    )
    keep_challenge(options.challenge, session.user)
    return helpers.options_to_json_dict(options)


@app.post("/passkeys", status_code=201)
def register(session: Fresh, credential: Credential) -> dict[str, str]:
    """Keep a new passkey of a user who has just logged in: it outlives every session."""
    if session.by is not None:
        raise HTTPException(403, "Whoever acts for the user may not do this")
    with refusing():
        answer = helpers.parse_registration_credential_json(credential)
        challenge = take_challenge(answer.response.client_data_json, session.user)
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, **EXPECTED
        )
        passkey = Passkey(session.user, made.credential_public_key, made.sign_count)
        if passkeys.setdefault(answer.id, passkey) is not passkey:
            raise WebAuthnException("a passkey with this ID is there already")
    return {"id": answer.id}


@app.post("/login/options")
def begin_log_in() -> dict[str, Any]:
    """Tell the page what to give to `navigator.credentials.get`; it names no user."""
    options = webauthn.generate_authentication_options(rp_id=DOMAIN, user_verification=VERIFIED)
    keep_challenge(options.challenge, "")
    return helpers.options_to_json_dict(options)


@app.post("/login", status_code=201)
def log_in(credential: Credential, response: Response) -> dict[str, Any]:
    """Answer a passkey with the token of a new session."""
    with refusing():
        answer = helpers.parse_authentication_credential_json(credential)
        challenge = take_challenge(answer.response.client_data_json, "")
        passkey = passkeys.get(answer.id)
        if passkey is None or answer.response.user_handle != passkey.user.encode():
            raise WebAuthnException("this is no passkey of this user")
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.uses,
            **EXPECTED,
        )
    passkeys[answer.id] = passkey._replace(uses=verified.new_sign_count)
    # The user is the passkey's owner, whatever else the page has sent.
    issued = call("ISSUE_SESSION_FUNCTION", id=passkey.user, method="passkey")  # 2
    response.headers["Cache-Control"] = "no-store"  # 3
    return {"token": issued["token"], "exp": issued["exp"]}  # 4


def keep_challenge(challenge: bytes, user: str) -> None:
    """Keep a challenge for some minutes."""
    now = time.time()
    for old in [each for each, (_, until) in challenges.copy().items() if until < now]:
        challenges.pop(old, None)
    challenges[challenge] = (user, now + CHALLENGE_SECONDS)


def take_challenge(client_data: bytes, user: str) -> bytes:
    """Return the challenge that a passkey answers; it is used up, whatever comes of it."""
    challenge = helpers.parse_client_data_json(client_data).challenge
    whose, until = challenges.pop(challenge, ("", 0.0))
    if whose != user or until < time.time():
        raise WebAuthnException("the challenge is used up, or too old, or another user's")
    return challenge


@contextmanager
def refusing() -> Iterator[None]:
    """Answer what is wrong about a passkey, without a word on what it is."""
    try:
        yield
    except (WebAuthnException, ValueError) as error:
        raise HTTPException(401, "Passkey refused") from error
