"""The usage plan of the template, met over HTTP."""

import httpx

from tests.contract import RATE_LIMITED, TEMPLATE, paths


def test_a_flood_of_log_ins_is_throttled_and_those_who_are_in_are_not(start):
    service = start()
    login, current = paths("create_session")[0], paths("get_current_session")[0]
    joe = {"user": "joe", "pass": "joe"}
    burst = TEMPLATE.parameters["LoginBurstLimit"]
    with httpx.Client(base_url=service.url, timeout=60) as http:
        token = http.post(login, json=joe).json()["token"]
        answers = [http.post(login, json={}) for _ in range(burst * 5)]
        assert {answer.status_code for answer in answers} == {400, 429}
        throttled = next(answer for answer in answers if answer.status_code == 429)
        assert throttled.json() == RATE_LIMITED
        assert int(throttled.headers["retry-after"]) >= 1
        limit = str(TEMPLATE.parameters["RateLimit"])
        assert throttled.headers["x-ratelimit-limit"] == limit
        assert throttled.headers["x-ratelimit-remaining"] == "0"
        assert throttled.headers["cache-control"] == "no-store"
        assert http.get(current, headers={"Authorization": token}).status_code == 200
