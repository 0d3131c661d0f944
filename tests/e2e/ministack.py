"""What ministack does not do as AWS does: a plugin of `make verify` in the rehearsal.

Each test that a difference fails is expected to. One that passes is a failure: then the difference
is gone, and is taken off the list.
"""

import pytest

NO_MOCKS = "a mock's templates are dropped, and methods that stand for any other"
NO_METRICS = "logs are not read for metrics"
DIFFERENCES = {
    "test_the_root_answers_any_method": NO_MOCKS,
    "test_a_preflight_": NO_MOCKS,
    "test_a_page_may_read_that_it_is_up": NO_MOCKS,
    "test_a_path_that_is_no_route": NO_MOCKS,
    "test_a_body_of_a_type_that_mocks_do_not_know": "the status of DEFAULT_4XX is for no other",
    "test_a_functions_challenge_comes_under_another_name": "WWW-Authenticate keeps its name",
    "test_a_body_that_aws_cannot_take": "it takes up to 10 MB, and refuses in our words",
    "test_a_slash_makes_another_path": "a slash at the end is ignored, an encoded one splits",
    "test_each_request_is_a_line_of_json_in_the_access_log": "there is no access log",
    "test_the_schedule_has_looked_after_the_signing_keys": "no schedule runs",
    "test_what_functions_log_is_counted": NO_METRICS,
    "test_what_was_throttled_is_counted": NO_METRICS,
    "test_every_alarm_tells_the_topic": "alarms on metric math are left out",
    "test_the_saved_queries_and_the_dashboard": "saved queries are left out",
    "test_tables_forget_what_has_expired": "a table's TTL is dropped",
    "test_a_table_can_be_restored_to_any_moment": "a table's recovery is dropped",
    "test_a_verifier_may_read_what_its_policy_names": "IAM sees no projection of a BatchGetItem",
}
# Those would fail or pass by chance. tests/e2e/test_deployment.py shows that it still differs.
NOT_TRIED = {
    "test_a_user_who_floods": "all callers pay with the one key that this client sends",
    "test_logins_without_end": "a plan has no limits of single methods",
    "changed_alone_reaches_functions_and_mocks": "an API whose definition changes is another one",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the failures, and that each has its test."""
    marks = {
        **{part: pytest.mark.xfail(reason=why, strict=True) for part, why in DIFFERENCES.items()},
        **{part: pytest.mark.skip(reason=why) for part, why in NOT_TRIED.items()},
    }
    for part, mark in marks.items():
        found = [item for item in items if part in item.nodeid]
        assert found, f"no test is called {part}"
        for item in found:
            item.add_marker(mark)
