"""Guesses at once, over HTTP and with ministack's atomic counters, from two addresses."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.support.clock import wait_for_window
from tests.support.contract import CANONICAL, RATE_LIMITED, TEMPLATE
from tests.support.operations import ROUTES
from tests.support.service import Start

LIMIT = TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
LOG_IN = ROUTES["create_session"].paths[CANONICAL]
WINDOW_SECONDS = TEMPLATE.parameters["LoginAttemptsSeconds"]
GUESSES = 50


def client(url: str, address: str) -> httpx.Client:
    transport = httpx.HTTPTransport(local_address=address, limits=httpx.Limits(max_connections=50))
    return httpx.Client(base_url=url, timeout=60, transport=transport)


def test_fifty_guesses_at_once_are_five_and_lock_nobody_else_out(start: Start) -> None:
    service = start()  # with its limits
    guess = {"user": "joe", "pass": "guess"}
    wait_for_window(WINDOW_SECONDS)
    with (
        client(service.url, "127.0.0.2") as guesser,
        client(service.url, "127.0.0.1") as owner,
        ThreadPoolExecutor(GUESSES) as threads,
    ):
        answers = list(threads.map(lambda _: guesser.post(LOG_IN, json=guess), range(GUESSES)))
        assert Counter(answer.status_code for answer in answers) == {
            401: LIMIT,  # each cost a hash
            429: GUESSES - LIMIT,
        }
        refused = [answer for answer in answers if answer.status_code == 429]
        assert all(answer.json() == RATE_LIMITED for answer in refused)
        # Those that the usage plan let through were counted by the function.
        counted = [a for a in refused if a.headers["x-ratelimit-limit"] == str(LIMIT)]
        assert len(counted) >= TEMPLATE.parameters["LoginBurstLimit"] - LIMIT
        assert all(0 < int(answer.headers["retry-after"]) <= WINDOW_SECONDS for answer in counted)
        assert owner.post(LOG_IN, json={"user": "joe", "pass": "joe"}).status_code == 201
        # Logins with the right password at once, as many as the limit allows, and then as many
        # again: the first ones are released.
        right = {"user": "joe@example.com", "pass": "joe"}
        for _ in range(2):
            logged_in = threads.map(lambda _: owner.post(LOG_IN, json=right), range(LIMIT))
            assert {answer.status_code for answer in logged_in} == {201}
