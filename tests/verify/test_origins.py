"""What pages of other origins may do: preflights, and the answers that they may read."""

import itertools
import socket
import ssl
import warnings

import httpx
import pytest

from tests.support.answers import MEDIA_TYPES, assert_is_an_answer, assert_may_be_read, cors_of
from tests.support.contract import API, SHORT
from tests.support.operations import ROUTES
from tests.verify.deployment import EMULATOR

FOREIGN = "https://evil.example"
PATHS = [path.replace("{id}", "7").replace("{proxy+}", "any/path/at/all") for path in API["paths"]]
METHODS = {route.method for route in ROUTES.values()}
# The last two are sent by clients of the service that this one takes over from, in browsers too.
NEEDED_HEADERS = {
    *("Authorization", "Content-Type", "X-Session-Name", "X-Replace-Session", "X-Session-Cookie"),
    *("X-Token-Name", "User-Agent"),
}


@pytest.mark.assumption(3)
@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_of_an_allowed_origin_is_answered(deployment, path):
    for origin in deployment.origins:
        asked = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
        answer = deployment.http.options(path, headers=asked)
        assert_is_an_answer(answer)
        assert answer.status_code == 204
        found = cors_of(answer.headers)
        assert found["allow-origin"] == origin
        assert found["allow-credentials"] == "true"
        assert set(found["allow-methods"].split(", ")) == METHODS
        assert set(found["allow-headers"].split(", ")) == NEEDED_HEADERS
        assert int(found["max-age"]) > 0


@pytest.mark.assumption(3)
@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_of_another_origin_names_none(deployment, path):
    for headers in ({}, {"Origin": FOREIGN}, {"Origin": "null"}):
        answer = deployment.http.options(path, headers=headers)
        assert_is_an_answer(answer)
        assert answer.status_code == 204
        assert cors_of(answer.headers) == {}


@pytest.mark.assumption(3)
def test_a_preflight_with_a_body_is_answered_too(deployment):
    for path, media_type in itertools.product(("/", "/session", "/anything"), MEDIA_TYPES):
        headers = {"Content-Type": media_type}
        answer = deployment.http.request("OPTIONS", path, headers=headers, content=b"\xff{")
        assert_is_an_answer(answer)
        assert answer.status_code == 204


def test_a_page_may_read_successes_if_its_origin_is_allowed(deployment, user):
    here = user.log_in()
    for origin in (*deployment.origins, FOREIGN):
        asked = {**here, "Origin": origin}
        answers = [
            deployment.http.get(ROUTES["get_current_session"].paths[SHORT], headers=asked),
            deployment.http.get(ROUTES["list_sessions"].paths[SHORT], headers=asked),
            deployment.http.post("/session", json=user.credentials, headers={"Origin": origin}),
        ]
        login = 403 if origin == FOREIGN else 201
        assert [answer.status_code for answer in answers] == [200, 200, login]
        for answer in answers:
            if origin == FOREIGN:
                assert cors_of(answer.headers) == {}
            else:
                assert_may_be_read(answer, origin)


@pytest.mark.assumption(3)
def test_a_page_may_read_that_it_is_up_if_its_origin_is_allowed(deployment):
    for origin in deployment.origins:
        assert_may_be_read(deployment.http.get("/", headers={"Origin": origin}), origin)
    assert cors_of(deployment.http.get("/", headers={"Origin": FOREIGN}).headers) == {}


@pytest.mark.assumption(1, 3)
def test_a_second_origin_was_tried(deployment):
    if len(deployment.origins) < 2:
        pytest.skip("only one allowed origin is known here: give AllowedOrigins a second one")


@pytest.mark.assumption(18)
def test_tls_below_1_2_is_refused(deployment):
    """By an alert of the server's own, since this machine may speak no such TLS, either."""
    url = httpx.URL(deployment.url)
    if url.scheme != "https" or EMULATOR:
        pytest.skip("needs an address of AWS's: this one is of this machine")
    context = ssl.create_default_context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection((url.host, 443), timeout=30) as connection:
        try:
            context.wrap_socket(connection, server_hostname=url.host).close()
        except (ssl.SSLError, ConnectionError) as error:
            if "PROTOCOL_VERSION" not in str(error) and not isinstance(error, ConnectionError):
                pytest.skip(f"needs a machine that speaks TLS 1.1: {error}")
        else:
            pytest.fail("a connection with TLS 1.1 was taken")
