"""The page, and the API behind its CloudFront: a stack with Page=true."""

import json
import secrets

import httpx
import pytest

from tests.support.answers import assert_is
from tests.support.contract import INVALID_SESSION, ORIGIN_NOT_ALLOWED, SHORT, UP
from tests.support.events import ROOT
from tests.support.operations import ROUTES
from tests.verify.deployment import TIMEOUT_SECONDS, eventually, needed

HEADERS = json.loads((ROOT / "web" / "headers.json").read_text())
CURRENT = ROUTES["get_current_session"].paths[SHORT]
# Where anybody may write one: RFC 5737 keeps these addresses for documents.
FORGED = {"X-Viewer-Address": "192.0.2.1", "X-Page-Secret": "x"}


@pytest.fixture(scope="module")
def page(deployment):
    """A client of the page's domain, over IPv4, as the API's own URL is asked."""
    stack = needed(deployment.stack, "a stack: STACK=...")
    url = needed(stack.outputs.get("PageUrl"), "the page: a stack with Page=true")
    transport = httpx.HTTPTransport(local_address="0.0.0.0")  # noqa: S104 - it only asks
    with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, transport=transport) as client:
        yield client


@pytest.mark.assumption(19)
def test_the_page_has_its_headers_and_its_bucket_is_closed(deployment, page):
    answer = page.get("/")
    assert answer.status_code == 200, "put it there: make page BUCKET=..., the output PageBucket"
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "javascript" in page.get("/client/sessions.js").headers["content-type"]
    bucket = deployment.stack.outputs["PageBucket"]
    assert httpx.get(f"https://{bucket}.s3.amazonaws.com/index.html").status_code == 403


@pytest.mark.assumption(20)
def test_the_api_answers_behind_the_page_as_it_does_itself(page, user):
    for path in ("/api", "/api/"):
        assert_is(page.get(path), 200, UP)
    assert_is(page.get(f"/api{CURRENT}"), 401, INVALID_SESSION)
    here, other = user.log_in(), user.log_in()
    listed = page.get("/api/sessions", headers=here)
    assert listed.json()["count"] == 2
    session = page.get(f"/api{CURRENT}", headers=other).json()["iat"]
    ended = page.request(
        "DELETE", "/api/sessions", headers=here, json={"sessions": [session]}
    )  # a DELETE with a body
    assert_is(ended, 200, {"count": 1, "type": "session"})


@pytest.mark.assumption(20)
def test_the_pages_own_origin_logs_in_and_another_does_not(page, new_user):
    credentials = new_user().credentials
    own = {"Origin": str(page.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert page.post("/api/session", json=credentials, headers=own).status_code == 201
    other = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert_is(page.post("/api/session", json=credentials, headers=other), 403, ORIGIN_NOT_ALLOWED)


@pytest.mark.assumption(20)
def test_no_error_is_kept_in_front_of_the_api(page, user, new_user):
    here = user.log_in()
    session = page.get(f"/api{CURRENT}", headers=here).json()["iat"]
    path, other = f"/api/session/{session}", new_user().log_in()
    assert_is(page.get(path, headers=other), 404, INVALID_SESSION)
    assert page.get(path, headers=here).status_code == 200


@pytest.mark.assumption(28)
def test_the_pages_cookie_is_its_token_for_same_origin_requests_alone(page, new_user):
    own, credentials = {"Sec-Fetch-Site": "same-origin"}, new_user().credentials
    asked = {**own, "X-Session-Cookie": "true"}
    login = page.post("/api/session", json=credentials, headers=asked)
    assert (login.status_code, login.json().keys()) == (201, {"exp"})
    cookie, *attributes = login.headers["set-cookie"].split("; ")
    assert cookie.startswith("__Host-session=eyJ")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} == set(attributes)
    sent = {"Cookie": f"a=1; {cookie}; b=2"}
    session = page.get(f"/api{CURRENT}", headers={**sent, **own}).json()["iat"]
    for site in ("same-site", "cross-site", "none"):
        foreign = {**sent, "Sec-Fetch-Site": site, "X-Session-From-Cookie": "true"}
        refused = page.delete(f"/api/session/{session}", headers=foreign)
        assert_is(refused, 401, INVALID_SESSION)
        assert "set-cookie" not in refused.headers
    for status in (200, 401):
        ended = page.delete(f"/api/session/{session}", headers={**sent, **own})
        assert (ended.status_code, "Max-Age=0" in ended.headers["set-cookie"]) == (status, True)


@pytest.mark.assumption(21)
def test_an_attempt_at_the_page_counts_for_the_viewers_own_address(deployment, page):
    """Whatever the viewer says."""
    own = deployment.http.base_url

    def address(client, url, headers):
        body = {"user": f"verify-{secrets.token_hex(6)}", "pass": "x"}
        answer = client.post(url, json=body, headers=headers)
        request_id = answer.headers["x-request-id"]
        lines = eventually(lambda: deployment.logged(request_id))
        return next(line["address"] for line in lines if "address" in line)

    with httpx.Client(transport=httpx.HTTPTransport(local_address="0.0.0.0")) as http:  # noqa: S104
        (mine,) = {
            address(client, url, headers)
            for headers in ({}, FORGED)
            for client, url in ((http, f"{own}session"), (page, "/api/session"))
        }
    assert mine != FORGED["X-Viewer-Address"]
