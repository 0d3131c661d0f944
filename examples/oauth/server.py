"""A product's own back end that logs in by OpenID Connect, here by Google, in FastAPI.

    .venv/bin/python examples/local.py -m hypercorn --bind 127.0.0.1:8000 examples/oauth/server:app

It needs `make run` and `make .venv/examples`, and a CLIENT_ID and CLIENT_SECRET of the provider, to
which ORIGIN/callback is known. In an account of AWS the environment also names ORIGIN,
COOKIE_SECRET, SESSIONS_TABLE, USERS_TABLE, CREATE_USER_FUNCTION and ISSUE_SESSION_FUNCTION. The
numbered lines begin a session. docs/log-in-with-anything.md says what else a product does.
"""

import os
import secrets
from typing import Annotated, Any

import httpx2
from account_operations import ONCE, call  # 1
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from botocore.session import Session
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from joserfc.errors import JoseError
from starlette.middleware.sessions import SessionMiddleware

from sessions.guards.fastapi import VerifiedSession, Verifier, answer_refusals, protect

ORIGIN = os.environ.get("ORIGIN", "http://localhost:8000")
METHOD = "google"  # what sessions show
ISSUER = os.environ.get("ISSUER", "https://accounts.google.com")
CLIENT_ID, CLIENT_SECRET = os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]
COOKIE = "__Host-session"
PAGE = """<!doctype html><title>The product</title><pre></pre><script type="module">
const answer = await fetch("/me");
document.querySelector("pre").textContent = await answer.text();
</script>"""

# The product's own database: a real one outlives this process, and all processes share it.
users: dict[tuple[str, str], str] = {}  # our user's ID, by the provider and its own name for a user

app = FastAPI()
# State, nonce and the code's verifier go into a signed cookie: what one browser began, no other can
# end. It is Lax, since the provider's page leads back.
app.add_middleware(
    SessionMiddleware,
    secret_key=os.environ.get("COOKIE_SECRET") or secrets.token_urlsafe(32),
    session_cookie="__Host-login",
    max_age=600,
    https_only=True,
)
provider = OAuth().register(
    METHOD,
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "timeout": 5},
)
tables = {"sessions_table": os.environ["SESSIONS_TABLE"], "users_table": os.environ["USERS_TABLE"]}
verifier = Verifier(Session().create_client("dynamodb", config=ONCE), **tables)
answer_refusals(app)


@app.get("/login")
async def begin_log_in(request: Request) -> Response:
    """Send the browser to the provider."""
    try:
        answer: Response = await provider.authorize_redirect(request, f"{ORIGIN}/callback")
    except httpx2.HTTPError as error:
        raise HTTPException(503, "Try again") from error
    return answer


@app.get("/callback")
async def end_log_in(request: Request) -> Response:
    """Begin a session of whom the provider names, and hand its token on in a cookie."""
    claims = await proved_claims(request)
    token = await run_in_threadpool(log_in, claims)
    answer = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
    answer.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="strict")  # 2
    return answer


async def proved_claims(request: Request) -> dict[str, Any]:
    """Return what the provider's ID token says, once all of it has been checked."""
    # Authlib compares the state and the nonce, and sends the code's verifier. By itself it would
    # take a token for another audience that was made at our request, and the provider's word for
    # which algorithms are safe.
    expected = {
        "iss": {"essential": True, "value": ISSUER},
        "aud": {"essential": True, "value": CLIENT_ID},
    }
    try:
        metadata = await provider.load_server_metadata()
        metadata["id_token_signing_alg_values_supported"] = ["RS256"]
        answer = await provider.authorize_access_token(request, claims_options=expected)
        claims: dict[str, Any] = answer["userinfo"]
    except httpx2.HTTPError as error:
        raise HTTPException(503, "Try again") from error
    except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
        raise HTTPException(401, "Log-in refused") from error
    return claims


def log_in(claims: dict[str, Any]) -> str:
    """Return the token of a new session; the first log-in creates the user."""
    # A user is known by the provider and its subject, which never changes owner. An e-mail address
    # does, and providers let people claim others' addresses: it links nobody to a user of ours, and
    # without the provider's word that it is proved it is not even written down.
    known = (ISSUER, claims["sub"])
    user = users.get(known)
    if user is None:
        if claims.get("email_verified") is not True:
            raise HTTPException(403, "Have your e-mail address verified by the provider first")
        name = f"{METHOD}-{secrets.token_hex(8)}"
        user = call("CREATE_USER_FUNCTION", username=name, email=claims["email"])["id"]  # 3
        users[known] = user
    issued = call("ISSUE_SESSION_FUNCTION", id=user, method=METHOD)  # 4
    return str(issued["token"])


@app.get("/")
def show_page() -> HTMLResponse:
    """Show a page that needs no session: what the provider's page leads to is not same-origin."""
    return HTMLResponse(PAGE)


@app.get("/me")
def show_session(
    session: Annotated[VerifiedSession, Depends(protect(verifier, cookie=COOKIE))],
) -> dict[str, Any]:
    """Return the session."""
    return session._asdict()
