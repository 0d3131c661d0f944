"""Passwords, as they are prepared before they are hashed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.passwords import prepare

MARKS = st.characters(categories=["Mn", "Mc", "Lo", "Zs"]) | st.characters()


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        # The examples of RFC 8265, section 4.3.
        ("correct horse battery staple", "correct horse battery staple"),
        ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),
        ("\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5"),
        ("Jack of \u2666s", "Jack of \u2666s"),
        ("foo\u1680bar", "foo bar"),
        ("my cat is a \tby", "my cat is a \tby"),  # it is refused where one is set
        ("e\u0301", "\u00e9"),
        ("\u212b\uff21\ufb01", "\u00c5\uff21\ufb01"),  # no compatibility forms: they look different
        ("a\u0345\u0327\u0301", unicodedata.normalize("NFC", "a\u0345\u0327\u0301")),
        ("\u2000\u3000\u00a0\u202f\u205f", "     "),
        (" a  b ", " a  b "),
        ("\u200b\ufeff\n", "\u200b\ufeff\n"),
    ],
)
def test_a_password_is_prepared_as_an_opaque_string(password, prepared):
    assert prepare(password) == prepared


@given(st.text(MARKS))
def test_it_is_in_normal_form_c_however_it_was_written(password):
    prepared = prepare(password)
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    assert prepared == unicodedata.normalize("NFC", spaced)
    assert {prepare(unicodedata.normalize(form, password)) for form in ("NFC", "NFD")} == {prepared}
    assert prepare(prepared) == prepared
