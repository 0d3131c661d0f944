"""The programs of examples/ that log in by passkeys and by OpenID Connect.

The test plays the browser, its authenticator and the provider. Sources: Web Authentication Level 3,
sections 6.1 "Authenticator Data" and 7 "Relying Party Operations"; OpenID Connect Core 1.0,
section 3.1 "Authentication using the Authorization Code Flow"; RFC 7636.
"""

import base64
import hashlib
import json
import os
import runpy
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import cbor2
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn.helpers.exceptions import WebAuthnException

from tests.examples.conftest import NOWHERE, Start, checkout
from tests.support.events import ROOT
from tests.support.leaks import PASSWORD
from tests.support.service import Service

PASSKEYS = ROOT / "examples" / "passkeys" / "server.py"
OAUTH = ROOT / "examples" / "oauth" / "server.py"
ORIGIN, DOMAIN = "http://localhost:8000", "localhost"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
CLIENT_ID, CLIENT_SECRET = "the-product", "the secret of the product at its provider"


def text64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Person(NamedTuple):
    """A user who has just logged in by a password."""

    service: Service
    id: str
    token: str

    def register(self, http: httpx.Client, made: dict[str, Any]) -> httpx.Response:
        return http.post("/passkeys", json=made, headers={"Authorization": self.token})

    def options(self, http: httpx.Client) -> Any:
        answer = http.post("/passkeys/options", headers={"Authorization": self.token})
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def methods(self) -> list[str]:
        """How each of the user's sessions began, the newest first."""
        listed = self.service.operate("list_user_sessions", id=self.id)["items"]
        return [session["method"] for session in listed]


class Authenticator:
    """A passkey of a device that counts no uses, as those that are kept in an account do."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.user = ""

    def create(self, options: dict[str, Any], origin: str = ORIGIN) -> dict[str, Any]:
        self.user = options["user"]["id"]
        public = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (public.x, public.y))
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})  # RFC 9053, section 7.1.1
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = authenticator_data(PRESENT | VERIFIED | ATTESTED) + attested
        made = {"fmt": "none", "attStmt": {}, "authData": data}
        client_data = client_data_of("webauthn.create", options["challenge"], origin)
        return self._credential(client_data, attestationObject=cbor2.dumps(made))

    def get(
        self,
        options: dict[str, Any],
        *,
        origin: str = ORIGIN,
        kind: str = "webauthn.get",
        user: str | None = None,
        flags: int = PRESENT | VERIFIED,
        domain: str = DOMAIN,
    ) -> dict[str, Any]:
        data = authenticator_data(flags, domain)
        client_data = client_data_of(kind, options["challenge"], origin)
        signed = data + hashlib.sha256(client_data).digest()
        return self._credential(
            client_data,
            authenticatorData=data,
            signature=self.key.sign(signed, ec.ECDSA(SHA256())),
            userHandle=base64.urlsafe_b64decode(f"{user or self.user}=="),
        )

    def _credential(self, client_data: bytes, **response: bytes) -> dict[str, Any]:
        shown = {"clientDataJSON": client_data, **response}
        return {
            "id": text64(self.id),
            "rawId": text64(self.id),
            "type": "public-key",
            "response": {name: text64(value) for name, value in shown.items()},
        }


def authenticator_data(flags: int, domain: str = DOMAIN) -> bytes:
    return hashlib.sha256(domain.encode()).digest() + bytes([flags]) + bytes(4)


def client_data_of(kind: str, challenge: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()


@pytest.fixture(scope="module")
def passkeys(here: Path, start_program: Start) -> httpx.Client:
    return start_program(PASSKEYS, here)


@pytest.fixture
def person(service: Service) -> Person:
    return new_person(service)


def new_person(service: Service) -> Person:
    name = f"u{secrets.token_hex(8)}"
    made = service.operate(
        "create_user", username=name, email=f"{name}@example.com", password=PASSWORD
    )
    answer = httpx.post(f"{service.url}/session", json={"user": name, "pass": PASSWORD})
    return Person(service, made["id"], answer.json()["token"])


@pytest.fixture
def passkey(passkeys: httpx.Client, person: Person) -> Authenticator:
    device = Authenticator()
    answer = person.register(passkeys, device.create(person.options(passkeys)))
    assert (answer.status_code, answer.json()) == (201, {"id": text64(device.id)})
    return device


def challenge_of(http: httpx.Client) -> Any:
    return http.post("/login/options").json()


def session_of(service: Service, token: str) -> httpx.Response:
    return httpx.get(f"{service.url}/session", headers={"Authorization": token})


def test_a_passkey_begins_a_session_that_shows_how(passkeys, service, person, passkey):
    answer = passkeys.post("/login", json=passkey.get(challenge_of(passkeys)))
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json().keys() == {"token", "exp"}
    session = session_of(service, answer.json()["token"])
    assert session.status_code == 200
    assert session.json()["sub"] == person.id
    assert session.json()["method"] == "passkey"
    assert session.json()["exp"] == answer.json()["exp"]
    assert person.methods == ["passkey", "password"]


def test_a_revocation_of_it_counts_at_once(passkeys, service, person, passkey):
    token = passkeys.post("/login", json=passkey.get(challenge_of(passkeys))).json()["token"]
    begun = Person(service, person.id, token)
    assert begun.options(passkeys)["user"]["id"] == passkey.user
    service.operate("revoke_user_sessions", id=person.id, all=True)
    assert session_of(service, token).status_code == 401
    refused = passkeys.post("/passkeys/options", headers={"Authorization": token})
    assert refused.status_code == 401


def another_signature(passkey: Authenticator, options: dict[str, Any], _: str) -> dict[str, Any]:
    other = Authenticator()
    other.id, other.user = passkey.id, passkey.user
    return other.get(options)


def without_a_handle(passkey: Authenticator, options: dict[str, Any], _: str) -> dict[str, Any]:
    answer = passkey.get(options)
    del answer["response"]["userHandle"]
    return answer


def unknown(passkey: Authenticator, options: dict[str, Any], _: str) -> dict[str, Any]:
    other = Authenticator()
    other.user = passkey.user
    return other.get(options)


def other_challenge(passkey: Authenticator, _: dict[str, Any], __: str) -> dict[str, Any]:
    return passkey.get({"challenge": text64(secrets.token_bytes(64))})


WRONG: dict[str, Callable[[Authenticator, dict[str, Any], str], dict[str, Any]]] = {
    "another key's signature": another_signature,
    "a challenge that is none of ours": other_challenge,
    "another origin": lambda key, options, _: key.get(options, origin="https://localhost.evil"),
    "another port": lambda key, options, _: key.get(options, origin="http://localhost:8001"),
    "another domain": lambda key, options, _: key.get(options, domain="example.com"),
    "a registration": lambda key, options, _: key.get(options, kind="webauthn.create"),
    "no PIN and no finger": lambda key, options, _: key.get(options, flags=PRESENT),
    "nobody at the device": lambda key, options, _: key.get(options, flags=VERIFIED),
    "another user's name": lambda key, options, other: key.get(options, user=other),
    "no user's name": without_a_handle,
    "a passkey that nobody has": unknown,
    "no passkey": lambda *_: {},
    "text": lambda *_: {"id": "a", "rawId": "b", "type": "public-key", "response": {"x": "y"}},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_a_passkey_has_not_signed_for_us_begins_no_session(
    passkeys, service, person, passkey, wrong
):
    other = new_person(service)
    answer = WRONG[wrong](passkey, challenge_of(passkeys), text64(other.id.encode()))
    refused = passkeys.post("/login", json=answer)
    assert (refused.status_code, refused.json()) == (401, {"detail": "Passkey refused"})
    assert (person.methods, other.methods) == (["password"], ["password"])


def test_an_answer_counts_once(passkeys, person, passkey):
    answer = passkey.get(challenge_of(passkeys))
    assert passkeys.post("/login", json=answer).status_code == 201
    assert passkeys.post("/login", json=answer).status_code == 401
    assert person.methods == ["passkey", "password"]


def test_a_challenge_that_met_a_wrong_answer_is_used_up(passkeys, person, passkey):
    options = challenge_of(passkeys)
    assert passkeys.post("/login", json=passkey.get(options, flags=PRESENT)).status_code == 401
    assert passkeys.post("/login", json=passkey.get(options)).status_code == 401
    assert person.methods == ["password"]


def test_a_challenge_counts_for_five_minutes(monkeypatch):
    monkeypatch.syspath_prepend(PASSKEYS.parents[1])  # as examples/local.py does
    server = runpy.run_path(str(PASSKEYS))
    now = time.time()
    for challenge, seconds in ((b"in time", 299), (b"too late", 301)):
        monkeypatch.setattr(time, "time", lambda: now)
        server["keep_challenge"](challenge, "")
        monkeypatch.setattr(time, "time", lambda late=seconds: now + late)
        answer = client_data_of("webauthn.get", text64(challenge), ORIGIN)
        if seconds < 300:
            assert server["take_challenge"](answer, "") == challenge
        else:
            with pytest.raises(WebAuthnException):
                server["take_challenge"](answer, "")


def test_a_challenge_of_a_registration_begins_no_session(passkeys, person, passkey):
    refused = passkeys.post("/login", json=passkey.get(person.options(passkeys)))
    assert refused.status_code == 401
    assert person.methods == ["password"]


def test_nobody_registers_for_or_over_another_user(passkeys, service, person, passkey):
    thief = new_person(service)
    options = person.options(passkeys)
    assert thief.register(passkeys, Authenticator().create(options)).status_code == 401
    same = Authenticator()
    same.id = passkey.id
    assert thief.register(passkeys, same.create(thief.options(passkeys))).status_code == 401
    assert passkeys.post("/login", json=same.get(challenge_of(passkeys))).status_code == 401
    assert passkeys.post("/login", json=passkey.get(challenge_of(passkeys))).status_code == 201
    assert (person.methods, thief.methods) == (["passkey", "password"], ["password"])


def test_only_the_user_registers_and_only_just_after_a_login(passkeys, service, person):
    assert passkeys.post("/passkeys/options").status_code == 401
    by = {"method": "support", "by": "anna@example.com"}
    issued = service.operate("issue_session", id=person.id, **by)
    agent = Person(service, person.id, issued["token"])
    made = Authenticator().create(agent.options(passkeys))
    assert agent.register(passkeys, made).status_code == 403
    made = Authenticator().create(person.options(passkeys), origin="https://evil.example")
    assert person.register(passkeys, made).status_code == 401
    made = Authenticator().create(person.options(passkeys))
    session = session_of(service, person.token).json()
    service.client("dynamodb").update_item(
        TableName=os.environ["SESSIONS_TABLE"],
        Key={"user": {"S": person.id}, "iat": {"N": str(session["iat"])}},
        UpdateExpression="SET created_at = :earlier",
        ExpressionAttributeValues={":earlier": {"N": str(session["createdAt"] - 301)}},
    )
    stale = person.register(passkeys, made)
    assert (stale.status_code, stale.json()["code"]) == (401, "STALE_SESSION_ERROR")


def test_a_banned_user_gets_no_session(passkeys, service, person, passkey):
    service.operate("ban_user", id=person.id)
    refused = passkeys.post("/login", json=passkey.get(challenge_of(passkeys)))
    assert (refused.status_code, "token" in refused.text) == (403, False)
    assert person.methods == ["password"]


def test_a_deleted_users_passkey_begins_none(passkeys, service, person, passkey):
    service.operate("delete_user", id=person.id)
    assert passkeys.post("/login", json=passkey.get(challenge_of(passkeys))).status_code == 401


def test_where_no_session_can_be_issued_nobody_is_refused(
    here, person, start_program, tmp_path_factory
):
    told = json.loads((here / ".local" / "sessions-service.json").read_text())
    told["Service"]["url"] = NOWHERE
    place = checkout(tmp_path_factory.mktemp("without_operations"), json.dumps(told))
    http, device = start_program(PASSKEYS, place), Authenticator()
    assert person.register(http, device.create(person.options(http))).status_code == 201
    assert http.post("/login", json=device.get(challenge_of(http))).status_code == 503


class Provider(ThreadingHTTPServer):
    """A provider that plays OpenID Connect, or plays false.

    It says of whoever comes what `says` has, and signs it by `sign`.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ProviderPages)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = rsa.generate_private_key(65537, 2048)
        self.codes: dict[str, dict[str, str]] = {}
        self.says: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str | None] = self.sign_well

    def sign_well(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.key, "RS256", {"kid": "1"})

    def id_token(self, asked: dict[str, str]) -> str | None:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.says,
        }
        return self.sign({name: value for name, value in claims.items() if value is not None})


class ProviderPages(BaseHTTPRequestHandler):
    """What a provider answers; a client that breaks the protocol gets no code and no token."""

    server: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            pages = {name: f"{self.server.url}/{name}" for name in names}
            algorithms = ["RS256", "HS256", "none"]
            self._show(
                {
                    "issuer": self.server.url,
                    "id_token_signing_alg_values_supported": algorithms,
                    **pages,
                }
            )
        elif url.path == "/jwks_uri":
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.server.key.public_key(), as_dict=True)
            self._show({"keys": [{**public, "kid": "1", "use": "sig"}]})
        else:
            asked = dict(parse_qsl(url.query))
            assert asked["response_type"] == "code"
            assert asked["client_id"] == CLIENT_ID
            assert asked["code_challenge_method"] == "S256"
            assert {"openid", "email"} == set(asked["scope"].split())
            code = secrets.token_urlsafe(16)
            self.server.codes[code] = asked
            back = urlencode({"code": code, "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = dict(parse_qsl(body))
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.server.codes.pop(sent["code"], None)
        verifier = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if (
            self.headers["Authorization"] != f"Basic {known}"
            or asked is None
            or asked["redirect_uri"] != sent["redirect_uri"]
            or asked["code_challenge"] != text64(verifier)
        ):
            self._show({"error": "invalid_grant"}, 400)
            return
        token = {"access_token": "a", "token_type": "Bearer"}
        if (signed := self.server.id_token(asked)) is not None:
            token["id_token"] = signed
        self._show(token)

    def _show(self, value: object, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Page(NamedTuple):
    """What the product has answered to a browser."""

    status: int
    headers: Message
    body: bytes


class Browser:
    """One browser, which keeps the cookies of the product and goes where it is sent.

    Its answers have tokens in cookies, which the watch over the service's answers and over what is
    logged must not see: so it asks by http.client, which logs nothing.
    """

    def __init__(self, http: httpx.Client, provider: Provider) -> None:
        self.http, self.provider = http, provider
        self.cookies: dict[str, str] = {}
        self.last: Page

    def get(self, path: str, **headers: str) -> Page:
        shown = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        product = HTTPConnection(self.http.base_url.host, self.http.base_url.port, timeout=30)
        with closing(product):
            product.request("GET", path, headers={"Cookie": shown, **headers})
            answer = product.getresponse()
            self.last = Page(answer.status, answer.headers, answer.read())
        for cookie in self.last.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return self.last

    def begin(self) -> str:
        """Return the way back from the provider's page, where the user has said yes."""
        to_provider = self.get("/login")
        assert to_provider.status == 302
        url = to_provider.headers["Location"]
        assert url.startswith(f"{self.provider.url}/authorization_endpoint?")
        back = httpx.get(url).headers["Location"]
        assert back.startswith(f"{ORIGIN}/callback?")
        return back.removeprefix(ORIGIN)

    def log_in(self) -> str | None:
        """Return the token that the browser has afterwards."""
        self.get(self.begin())
        return self.cookies.get("__Host-session")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        thread = threading.Thread(target=provider.serve_forever)
        thread.start()
        yield provider
        provider.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def oauth(here: Path, start_program: Start, provider: Provider) -> httpx.Client:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISSUER", provider.url)
        patch.setenv("CLIENT_ID", CLIENT_ID)
        patch.setenv("CLIENT_SECRET", CLIENT_SECRET)
        return start_program(OAUTH, here)


@pytest.fixture
def browser(oauth: httpx.Client, provider: Provider) -> Browser:
    subject = secrets.token_hex(8)
    provider.says = {
        "sub": subject,
        "email": f"{subject}@example.com",
        "email_verified": True,
    }
    provider.sign = provider.sign_well
    return Browser(oauth, provider)


@pytest.fixture
def known(browser: Browser, service: Service) -> Person:
    """A user who has logged in by the provider before, in another browser."""
    token = Browser(browser.http, browser.provider).log_in()
    return Person(service, session_of(service, token).json()["sub"], token)


def refused(browser: Browser, status: int = 401) -> bool:
    return (browser.last.status, "__Host-session" in browser.cookies) == (status, False)


def test_the_first_login_creates_the_user_and_each_begins_a_session(browser, service):
    token = browser.log_in()
    assert (browser.last.status, browser.last.headers["Location"]) == (303, "/")
    assert token not in browser.last.headers["Location"]
    assert browser.last.headers["Cache-Control"] == "no-store"
    (cookie,) = (
        each
        for each in browser.last.headers.get_all("Set-Cookie")
        if each.startswith("__Host-session=")
    )
    assert {each.strip().lower() for each in cookie.split(";")[1:]} == {
        "httponly",
        "path=/",
        "samesite=strict",
        "secure",
    }
    session = session_of(service, token)
    assert (session.status_code, session.json()["method"]) == (200, "google")
    user = service.operate("export_user", id=session.json()["sub"])["user"]
    assert user["email"] == browser.provider.says["email"]
    again = Browser(browser.http, browser.provider).log_in()
    assert session_of(service, again).json()["sub"] == user["id"]
    assert Person(service, user["id"], again).methods == ["google", "google"]


def test_the_products_routes_take_its_cookie_until_it_is_revoked(browser, service):
    token = browser.log_in()
    shown = browser.get("/me", **{"Sec-Fetch-Site": "same-origin"})
    assert (shown.status, json.loads(shown.body)["method"]) == (200, "google")
    service.operate("revoke_user_sessions", id=json.loads(shown.body)["user"], all=True)
    assert browser.get("/me", **{"Sec-Fetch-Site": "same-origin"}).status == 401
    assert session_of(service, token).status_code == 401


def test_a_user_stays_the_same_whatever_becomes_of_the_address(browser, known):
    browser.provider.says |= {"email": "another@example.com", "email_verified": False}
    assert browser.log_in() is not None
    assert known.methods == ["google", "google"]


@pytest.mark.parametrize(
    ("verified", "status"), [(False, 403), (None, 403), ("true", 403), (True, 409)]
)
@pytest.mark.parametrize("beginning", ["password", "google"])
def test_an_email_address_makes_nobody_its_user(
    browser, service, person, known, beginning, verified, status
):
    owner = person if beginning == "password" else known
    email = service.operate("export_user", id=owner.id)["user"]["email"]
    thief = secrets.token_hex(8)
    browser.provider.says = {"sub": thief, "email": email, "email_verified": verified}
    assert browser.log_in() is None
    assert refused(browser, status)
    assert owner.methods == [beginning]


NO_MORE = int(time.time()) - 3600
WRONG_CLAIMS: list[dict[str, Any]] = [
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "another"},
    {"aud": "another", "azp": CLIENT_ID},
    {"aud": ["another"], "azp": CLIENT_ID},
    {"aud": None},
    {"azp": "another"},
    {"iss": "https://another.example"},
    {"iss": None},
    {"exp": NO_MORE},
    {"exp": None},
    {"iat": None},
    {"sub": None},
]


@pytest.mark.parametrize("wrong", WRONG_CLAIMS, ids=str)
def test_claims_that_are_not_for_this_login_begin_no_session(browser, known, wrong):
    browser.provider.says |= wrong
    assert browser.log_in() is None
    assert refused(browser)
    assert known.methods == ["google"]


def signed_by_another_key(_: Provider, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256", {"kid": "1"})


def signed_by_our_secret(_: Provider, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, CLIENT_SECRET, "HS256", {"kid": "1"})


def signed_by_the_public_key(provider: Provider, claims: dict[str, Any]) -> str:
    """Sign with HMAC and what everybody knows, as RFC 8725, section 2.1 has it."""
    public = provider.key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head, body = ({"alg": "HS256", "kid": "1"}, claims)
    signed = ".".join(text64(json.dumps(part).encode()) for part in (head, body))
    return f"{signed}.{text64(signer.sign(signed.encode(), pem))}"


WRONG_SIGNATURES: dict[str, Callable[[Provider, dict[str, Any]], str | None]] = {
    "none": lambda _, claims: jwt.encode(claims, None, "none", {"kid": "1"}),
    "none without kid": lambda _, claims: jwt.encode(claims, None, "none"),
    "another key": signed_by_another_key,
    "our secret": signed_by_our_secret,
    "the public key": signed_by_the_public_key,
    "no ID token": lambda *_: None,
    "no token at all": lambda *_: "a.b.c",
}


@pytest.mark.parametrize("wrong", WRONG_SIGNATURES)
def test_what_the_provider_has_not_signed_begins_no_session(browser, known, wrong):
    provider = browser.provider
    provider.sign = lambda claims: WRONG_SIGNATURES[wrong](provider, claims)
    assert browser.log_in() is None
    assert refused(browser)
    assert known.methods == ["google"]


def test_what_another_browser_began_is_not_ended_here(browser, known):
    """A page must not log its visitor in as somebody else (RFC 9700, section 4.7)."""
    thief = Browser(browser.http, browser.provider)
    way_back = thief.begin()
    browser.get(way_back)
    assert refused(browser)
    browser.begin()
    browser.get(way_back)
    assert refused(browser)
    assert known.methods == ["google"]


@pytest.mark.parametrize("state", ["&state=made-up", "&state=", ""])
def test_a_way_back_without_its_state_begins_no_session(browser, known, state):
    own = dict(parse_qsl(urlsplit(browser.begin()).query))
    browser.get(f"/callback?code={own['code']}{state}")
    assert refused(browser)
    assert known.methods == ["google"]


def test_a_code_of_another_login_is_of_no_use(browser, known):
    """The code of a victim does not fit the verifier of whoever stole it (RFC 7636)."""
    stolen = dict(parse_qsl(urlsplit(Browser(browser.http, browser.provider).begin()).query))
    own = dict(parse_qsl(urlsplit(browser.begin()).query))
    browser.get(f"/callback?{urlencode({**own, 'code': stolen['code']})}")
    assert refused(browser)
    assert known.methods == ["google"]


def test_a_way_back_leads_in_once(browser, known):
    way_back = browser.begin()
    before = dict(browser.cookies)
    browser.get(way_back)
    assert browser.last.status == 303
    for cookies in (browser.cookies, before):
        browser.cookies = {**cookies}
        browser.cookies.pop("__Host-session", None)
        browser.get(way_back)
        assert refused(browser)
    assert known.methods == ["google", "google"]


def test_a_user_who_says_no_at_the_provider_is_refused(browser, known):
    state = dict(parse_qsl(urlsplit(browser.begin()).query))["state"]
    browser.get(f"/callback?error=access_denied&state={state}")
    assert refused(browser)
    assert known.methods == ["google"]


def test_a_banned_user_gets_no_session_by_the_provider(browser, service, known):
    service.operate("ban_user", id=known.id)
    assert browser.log_in() is None
    assert refused(browser, 403)
    assert known.methods == ["google"]


@pytest.mark.parametrize("program", ["passkeys", "oauth"])
def test_no_program_writes_a_token_down(here, request, program):
    request.getfixturevalue(program)
    assert "eyJ" not in (here / f"{program}.log").read_text()


@pytest.mark.parametrize("program", [PASSKEYS, OAUTH], ids=lambda path: path.parent.name)
def test_the_lines_that_begin_a_session_are_few_and_numbered(program):
    lines = program.read_text().splitlines()
    numbers = [
        line.rpartition("  # ")[2] for line in lines if line[-1:].isdigit() and "  # " in line
    ]
    assert numbers == ["1", "2", "3", "4"]
