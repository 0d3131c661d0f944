"""List the signing keys."""

import json

import pytest

from sessions.signing_keys import KeySet
from tests.support.calls import invoke

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_with_each_kid_and_what_it_is_for_and_never_a_key(clock, key_set):
    key_set.store(KeySet("b", {k: k.encode() * 40 for k in "abc"}, "c", clock.now, {"a": 5}))
    answer = invoke("list_signing_keys", {"actor": "ops"})
    assert answer == {
        "keys": [
            {"kid": "a", "role": "retired", "retired_at": 5},
            {"kid": "b", "role": "current", "retired_at": None},
            {"kid": "c", "role": "next", "retired_at": None},
        ],
        "next_since": clock.now,
    }
    assert "aaaa" not in json.dumps(answer)


def test_a_key_set_of_one_key_has_no_next(clock, key_set):
    key_set.store(KeySet("only", {"only": b"x" * 40}))
    answer = invoke("list_signing_keys", {})
    assert answer["next_since"] is None
    assert [key["role"] for key in answer["keys"]] == ["current"]
