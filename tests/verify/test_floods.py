"""The usage plan: a caller that floods is throttled, and others are not.

A flood is bounded: at most FLOOD requests, and no more at once than a new account's Lambda takes.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.answers import assert_is, assert_may_be_read
from tests.support.clock import wait_for_window
from tests.support.contract import RATE_LIMITED, SHORT
from tests.support.operations import ROUTES
from tests.verify.deployment import (
    LOG_IN,
    METRIC_SECONDS,
    counted,
    eventually,
    needed,
    new_users,
)

CURRENT = ROUTES["get_current_session"].paths[SHORT]
FLOOD = 2_000
AT_ONCE = 8
throttled_answers = []


def flood(limited, rate, **request):
    """Send requests until one was throttled; return those that were."""
    began, sent = time.monotonic(), 0
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while sent < FLOOD:
            answers = list(
                threads.map(lambda _: limited.http.request(**request), range(5 * AT_ONCE))
            )
            sent += len(answers)
            if throttled := [answer for answer in answers if answer.status_code == 429]:
                return throttled
    speed = sent / (time.monotonic() - began)
    if speed < 2 * rate:
        pytest.skip(f"no flood: {speed:.0f} requests a second came through from here")
    return []


def assert_was_throttled(answers, limit):
    assert answers
    for answer in answers:
        assert_is(answer, 429, RATE_LIMITED)
        assert answer.headers["x-ratelimit-limit"] == str(limit)
    throttled_answers.extend(answers)


@pytest.mark.assumption(5, 7)
def test_a_user_who_floods_is_throttled_and_others_are_not(limited):
    needed(limited.operate, "users of its own: it is tried with a stack")
    limit = limited.parameters["RateLimit"]
    with new_users(limited) as new_user:
        flooder, *others = (new_user().log_in() for _ in range(4))
        throttled = flood(limited, limit, method="GET", url=CURRENT, headers=flooder)
        assert_was_throttled(throttled, limit)
        # One of them may share the flooder's shard; all of them do once in a life.
        answers = [limited.http.get(CURRENT, headers=other) for other in others]
        assert 200 in {answer.status_code for answer in answers}


def test_wrong_passwords_are_limited_exactly(limited):
    needed(limited.operate, "users of its own: it is tried with a stack")
    limit = limited.parameters["LoginAttemptsPerNameAndAddress"]
    with new_users(limited) as new_user:
        user = new_user()
        wrong = {**user.credentials, "pass": "wrong"}
        wait_for_window(limited.parameters["LoginAttemptsSeconds"])
        answers = [limited.http.post(LOG_IN, json=wrong) for _ in range(limit)]
        assert {answer.status_code for answer in answers} == {401}
        for origin in limited.origins:
            answer = limited.http.post(LOG_IN, json=user.credentials, headers={"Origin": origin})
            assert_was_throttled([answer], limit)
            assert_may_be_read(answer, origin)
            seconds = int(answer.headers["x-ratelimit-reset"]) - time.time()
            assert abs(seconds - int(answer.headers["retry-after"])) < 60, "of one moment"


@pytest.mark.assumption(26)
def test_a_back_end_pays_with_a_key_of_its_own_and_names_its_viewers_address(limited):
    """Also for a user who asks with the same token, from the same address, before and after it."""
    secret = needed(limited.back_end_secret, "the secret of a back end: BACK_END_SECRET=...")
    accessed = needed(limited.accessed, "the access log: STACK=...")
    viewer = "192.0.2.1"  # nobody's: RFC 5737 keeps it for documents
    by_back_end = {"X-Back-End-Secret": secret, "X-Viewer-Address": viewer}

    def found(lines, answer, name):
        request_id = answer.headers["x-request-id"]
        (value,) = eventually(lambda: [each[name] for each in lines(request_id) if name in each])
        return value

    with new_users(limited) as new_user:
        as_user = new_user().log_in()
        asked = (as_user, {**as_user, **by_back_end}, as_user)
        answers = [limited.http.get(CURRENT, headers=headers) for headers in asked]
        user = answers[0].json()["sub"]
        refused = limited.http.post(LOG_IN, json={}, headers=by_back_end)
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    payers = [found(accessed, answer, "principal") for answer in (*answers, refused)]
    assert payers == [user, "back-end", user, "back-end"]
    assert found(limited.logged, refused, "address") == viewer


@pytest.mark.assumption(5, 7)
def test_logins_without_end_are_throttled(limited, deployment):
    """They are of no user, so that they count as nobody's wrong passwords."""
    limit, origin = limited.parameters["LoginRateLimit"], limited.origins[0]
    throttled = flood(
        limited, limit, method="POST", url=LOG_IN, json={}, headers={"Origin": origin}
    )
    if limited is deployment:  # the tests to come log in
        time.sleep(limited.parameters["LoginBurstLimit"] / limit)
    assert_was_throttled(throttled, limit)
    assert_may_be_read(throttled[0], origin)


@pytest.mark.timeout(METRIC_SECONDS + 60)
@pytest.mark.assumption(12)
def test_what_was_throttled_is_counted(limited):
    """By a filter of the access log."""
    stack = needed(limited.stack, "a stack: STACK=...")
    needed(throttled_answers or None, "an answer of the tests before it: run the whole file")
    of = {"service": stack.name}
    assert eventually(lambda: counted(stack, "RequestThrottled", **of), METRIC_SECONDS)
