"""What a request costs follows from what it uses, and each price says where it is from."""

import json
from dataclasses import replace
from datetime import date

import pytest

from benchmarks import growth, money
from benchmarks.tables import markdown
from benchmarks.workload import WORKLOAD
from tests.support.contract import TEMPLATE

USAGE = money.Usage(
    operation="get_session",
    function="get_session",
    is_route=True,
    memory_megabytes=512,
    cpu_ms=2.0,
    round_trips=1,
    read_units=4,
    write_units=2,
    secret_calls=0,
    events=0,
    logged_bytes=0,
    answered_bytes=0,
)
FREE = dict.fromkeys(money.load_prices(), 0.0)


def costs(price: str, dollars: float, usage: money.Usage = USAGE, **more: object) -> money.Bill:
    return money.bill(usage, FREE | {price: dollars}, **more)


def test_every_price_has_a_date_a_source_and_a_word_on_where_it_was_seen() -> None:
    listed = json.loads(money.PRICES.read_text())
    assert date.fromisoformat(listed["date"])
    for name, price in listed["prices"].items():
        assert price["source"].startswith("https://"), name
        assert price["seen"], name
        assert isinstance(price["checked"], bool), name
        assert price["dollars"] >= 0, name
        assert price["per"] > 0, name


def test_work_that_is_named_is_done() -> None:
    names = {work.name for work in WORKLOAD}
    followed = {*money.FOLLOWED_BY, *money.FOLLOWED_BY.values()}
    assert followed | money.MANY | growth.MAY_GROW | growth.UNTIMED <= names


def test_a_call_is_billed_for_its_share_of_a_core_and_for_its_round_trips() -> None:
    assert money.billed_ms(USAGE) == pytest.approx(2.0 * 1769 / 512 + money.ROUND_TRIP_MS)
    two_cores = replace(USAGE, memory_megabytes=3538)  # one thread gets no more of them than one
    assert money.billed_ms(two_cores) == pytest.approx(2.0 + money.ROUND_TRIP_MS)


@pytest.mark.parametrize("cpu_ms", [0.5, 1.0, 5.0])
def test_stored_uses_cost_a_read_a_hundredth_at_most_and_few_reads_a_round_trip(cpu_ms) -> None:
    assert TEMPLATE.parameters["UsedSeconds"] == money.USED_SECONDS
    assert money.USES_PER_REQUEST < 1 - 0.97
    prices, line = money.load_prices(), len(money.typical_access_line())
    read = replace(USAGE, cpu_ms=cpu_ms, read_units=3, write_units=0)
    before, after = (
        money.bill(each, prices, line, USAGE).total for each in (read, money.with_uses(read))
    )
    assert before < after < before * 1.01


def test_units_are_paid_by_the_million() -> None:
    assert costs("read_unit", 0.125 / 1_000_000).tables == pytest.approx(0.5)
    assert costs("write_unit", 0.625 / 1_000_000).tables == pytest.approx(1.25)


def test_a_route_pays_its_share_of_the_authorizer_and_a_login_all_of_it() -> None:
    shared = costs("lambda_request", 1e-6, authorizer=USAGE).authorizer
    assert shared == pytest.approx(1 / money.REQUESTS_PER_AUTHORIZATION)
    login = replace(USAGE, operation="create_session")
    assert costs("lambda_request", 1e-6, login, authorizer=USAGE).authorizer == pytest.approx(1)


def test_a_route_pays_the_gateway_and_an_operation_does_not() -> None:
    assert costs("api_request", 3.5e-6, authorizer=USAGE).api == pytest.approx(3.5)
    assert costs("api_request", 3.5e-6).api == 0


def test_what_follows_a_change_is_added_whole() -> None:
    assert costs("read_unit", 1e-6, follower=USAGE).events == pytest.approx(4)


def test_a_table_says_figures_as_people_read_them() -> None:
    assert markdown(("a", "b"), [("x", 1234567), ("y", 2.5)]).splitlines()[2:] == [
        "| x | 1,234,567 |",
        "| y | 2.5 |",
    ]
