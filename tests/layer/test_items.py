"""Named tuples as DynamoDB's items, and back."""

from typing import get_type_hints

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from sessions.items import from_item, to_item
from sessions.logins import Login
from sessions.model import Session, User
from tests.support import records

PLAIN = {str: st.text(), int: st.integers(-(10**37), 10**37)}  # a number has at most 38 digits


def of(kind):
    """Return a strategy of records of this kind, with a value of its type in every field."""
    return st.builds(kind, **{name: value(each) for name, each in get_type_hints(kind).items()})


def value(type_):
    if type_ in PLAIN:
        return PLAIN[type_]
    if type_ == dict[str, int]:
        return st.dictionaries(st.text(), PLAIN[int], max_size=3)
    if type_ == tuple[str, ...] | None:  # a set
        texts = st.sets(st.text(), min_size=1, max_size=3)
        return st.none() | texts.map(lambda given: tuple(sorted(given)))
    if type_ in {str | None, int | None}:
        return st.none() | PLAIN[type_.__args__[0]]
    return st.from_type(type_)


def plain(record):
    """Return the record's fields that are not None."""
    return {
        name: set(field) if isinstance(field, tuple) else field
        for name, field in record._asdict().items()
        if field is not None
    }


@pytest.mark.parametrize("kind", [User, Session, Login])
@given(data=st.data())
def test_a_record_is_read_as_it_was_written(kind, data):
    record = data.draw(of(kind))
    assert from_item(kind, to_item(record)) == record


@pytest.mark.parametrize("kind", [User, Session, Login])
@given(data=st.data())
def test_an_item_is_spelled_as_dynamodb_spells_it(kind, data):
    record = data.draw(of(kind))
    assert TypeDeserializer().deserialize({"M": to_item(record)}) == plain(record)


@pytest.mark.parametrize(
    "record",
    [User("u", "joe", "joe@example.com", 1), Session("u", 1, 2), Login("joe", "u")],
)
def test_an_absent_field_has_its_default(record):
    item = to_item(record)
    required = record._fields[: -len(record._field_defaults)]
    assert from_item(type(record), {name: item[name] for name in required}) == record


def test_an_attribute_that_is_no_field_is_ignored():
    item = {**to_item(records.session()), "password_hash": {"S": "x"}}
    assert from_item(Session, item) == records.session()


@pytest.mark.parametrize(
    ("attribute", "malformed"),
    [
        ("iat", None),
        ("iat", {"S": "1"}),
        ("iat", {"N": "1.5"}),
        ("iat", {"N": "one"}),
        ("user", None),
        ("user", {"N": "1"}),
        ("user", {"NULL": True}),
        ("jti_sha256", {"S": "x"}),
    ],
)
def test_a_malformed_session_raises(attribute, malformed):
    item = to_item(records.session()) | {attribute: malformed}
    if malformed is None:
        del item[attribute]
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_item(Session, item)


@pytest.mark.parametrize(
    "addresses",
    [{"S": "203.0.113.7"}, {"M": {"203.0.113.7": {"S": "1"}}}, {"M": {"203.0.113.7": {"M": {}}}}],
)
def test_a_malformed_map_raises(addresses):
    with pytest.raises((KeyError, TypeError)):
        from_item(User, to_item(records.user()) | {"login_addresses": addresses})


@pytest.mark.parametrize("devices", [{"S": "Windows"}, {"L": [{"S": "Windows"}]}, {"NS": ["1"]}])
def test_a_malformed_set_raises(devices):
    with pytest.raises(KeyError):
        from_item(User, to_item(records.user()) | {"login_devices": devices})
