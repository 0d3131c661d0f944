"""Names to log in with, as they are compared."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sessions.logins import login_key

DOTLESS_I = "\N{LATIN SMALL LETTER DOTLESS I}"  # its capital is I, whose small letter it is not


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("joe", "joe"),
        ("JOE", "joe"),
        ("Joe@Example.COM", "joe@example.com"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("İ", "i\N{COMBINING DOT ABOVE}"),
        ("ﬁ", "fi"),
        ("Å", "å"),  # the Ångström sign is the letter
        ("e\N{COMBINING ACUTE ACCENT}", "é"),
        ("ｊｏｅ", "joe"),  # noqa: RUF001 - fullwidth forms
        (" joe ", " joe "),
        ("", ""),
    ],
)
def test_a_name_is_compared_in_this_form(name, key):
    assert login_key(name) == key


@given(st.text())
def test_the_compared_form_of_a_compared_form_is_itself(name):
    assert login_key(login_key(name)) == login_key(name)


@given(st.text())
def test_a_name_is_the_same_in_every_normalisation_form(name):
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    assert {login_key(form) for form in forms} == {login_key(name)}


@given(st.text(st.characters(exclude_characters=DOTLESS_I)))
def test_upper_case_makes_no_other_name(name):
    # An iota below other marks changes its place when it becomes a capital of its own.
    assume("\N{COMBINING GREEK YPOGEGRAMMENI}" not in unicodedata.normalize("NFD", name))
    assert login_key(name.upper()) == login_key(name)
