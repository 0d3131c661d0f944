"""List the signing keys."""

import pytest

from sessions.signing_keys import KeySet
from tests.support.calls import invoke

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_with_each_kid_and_its_role_and_never_a_key(clock, key_set):
    keys = {kid: kid.encode() * 40 for kid in "abcd"}
    key_set.store(KeySet("b", keys, "c", clock.now, {"a": 5}, {"d": 9}))
    assert invoke("list_signing_keys", {"actor": "ops"}) == {
        "keys": [
            {"kid": "a", "role": "retired", "retired_at": 5, "dead_at": None},
            {"kid": "b", "role": "current", "retired_at": None, "dead_at": None},
            {"kid": "c", "role": "next", "retired_at": None, "dead_at": None},
            {"kid": "d", "role": "dropped", "retired_at": None, "dead_at": 9},
        ],
        "next_since": clock.now,
    }


def test_a_key_set_of_one_key_has_no_next(clock, key_set):
    key_set.store(KeySet("only", {"only": b"x" * 40}))
    assert invoke("list_signing_keys", {}) == {
        "keys": [{"kid": "only", "role": "current", "retired_at": None, "dead_at": None}],
        "next_since": None,
    }
