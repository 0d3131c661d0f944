"""Deadlines of calls to AWS, and the waits between their tries."""

from sessions import aws
from sessions.retries import tries


def test_a_call_is_tried_five_times_with_doubled_waits_between(pauses):
    waited = [list(pauses) for _ in tries()]
    assert waited == [[0.05, 0.1, 0.2, 0.4][:tries] for tries in range(5)]


def test_the_deadlines_of_a_call_fit_into_that_of_its_function():
    config = aws.client("dynamodb").meta.config
    attempts = config.retries["total_max_attempts"]
    assert attempts * (config.connect_timeout + config.read_timeout) < 10
