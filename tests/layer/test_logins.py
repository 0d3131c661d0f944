"""Names to log in with, as they are compared."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sessionctl.text import printable
from sessions import logins
from sessions.logins import is_defined, is_domain, is_visible, login_key

DOTLESS_I = "\N{LATIN SMALL LETTER DOTLESS I}"  # its capital is I, whose small letter it is not
# One of each kind: a soft hyphen, the joiners, fillers, marks of direction, a variation selector, a
# tag, and what is reserved for more of them.
IGNORABLE = [
    *("\u00ad", "\u034f", "\u061c", "\u115f", "\u17b4", "\u180e", "\u200b", "\u200d", "\u202e"),
    *("\u2060", "\u2065", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\ufff0", "\U0001bca0"),
    *("\U0001d173", "\U000e0041", "\U000e01ef", "\U000e0fff"),
]


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
        (" joe ", "joe"),
        ("joe\N{NO-BREAK SPACE}\u200b\r\n", "joe"),
        ("the one", "the one"),
        *((f"j{ignorable}oe{ignorable}", "joe") for ignorable in IGNORABLE),
        *((ignorable, "") for ignorable in IGNORABLE),
        ("", ""),
        # As the definition has it: marks are put in order before the iota becomes a letter.
        ("η\u0345\u0301", "ήι"),
        ("η\u0345\u034f\u0301", "ηί"),
        ("n@münchen.example", "n@münchen.example"),
        ("N@MÜNCHEN.EXAMPLE", "n@münchen.example"),
        ("n@xn--mnchen-3ya.example", "n@münchen.example"),
        ("n@XN--MNCHEN-3YA.example ", "n@münchen.example"),
        ("n@mu\u0308nchen\N{IDEOGRAPHIC FULL STOP}example", "n@münchen.example"),
        ("n@www.xn--strae-oqa.example", "n@www.strasse.example"),
        ("n@xn--0.example", "n@xn--0.example"),  # spells nothing
        ("n@xn--.xn--mnchen-3ya", "n@xn--.münchen"),
        ("xn--mnchen-3ya", "xn--mnchen-3ya"),  # no address
        ("xn--mnchen-3ya@a@b", "xn--mnchen-3ya@a@b"),
    ],
)
def test_a_name_is_compared_in_this_form(name, key):
    assert login_key(name) == key


PIECES = st.sampled_from(["@", ".", "xn--", "-", "3ya", "mnchen", "ü", "。", "ß", "¨", *IGNORABLE])


@given(st.text() | st.lists(PIECES | st.text(), max_size=8).map("".join))
def test_the_compared_form_of_a_compared_form_is_itself(name):
    assert login_key(login_key(name)) == login_key(name)


@given(st.text())
def test_a_name_is_the_same_in_every_normalisation_form(name):
    assume("\N{COMBINING GREEK YPOGEGRAMMENI}" not in unicodedata.normalize("NFD", name))
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    assert {login_key(form) for form in forms} == {login_key(name)}


@given(st.text(st.characters(exclude_characters=DOTLESS_I)))
def test_upper_case_makes_no_other_name(name):
    # An iota below other marks changes its place when it becomes a capital of its own.
    assume("\N{COMBINING GREEK YPOGEGRAMMENI}" not in unicodedata.normalize("NFD", name))
    assert login_key(name.upper()) == login_key(name)


@pytest.mark.parametrize(
    ("domain", "is_one"),
    [
        ("example.com", True),
        ("münchen.example", True),
        ("例え.テスト", True),
        ("a_b.münchen", True),  # of ASCII, what mail servers take
        ("☃.example", False),  # no letter (RFC 5892)
        ("a_ü.example", False),
        ("-ü.example", False),
        ("xn--0.example", False),
        ("ü" * 60, False),
    ],
)
def test_a_domain_has_one_spelling_in_ascii(domain, is_one):
    assert is_domain(domain) == is_one


@pytest.mark.parametrize("key", ["", "\u2800", "\u0301", "\ue000", " ", "\ufff9"])
def test_what_shows_nothing_is_not_visible(key):
    assert not is_visible(key)
    assert is_visible(f"{key}.")


def test_control_characters_and_what_unicode_has_yet_to_define_are_not_defined():
    assert is_defined("joe \u200d\N{FOX FACE}\ue000")
    assert not any(map(is_defined, ["\0", "\x9f", "\n", "\u0378", "\uffff", "\U000effff"]))


def test_what_names_ignore_is_shown_to_operators():
    """`sessionctl` is a package of its own, and has a list of its own."""
    for first, last in logins._IGNORABLE:
        for code in range(ord(first), ord(last) + 1):
            assert login_key(chr(code)) == ""
            assert printable(chr(code)).isascii(), hex(code)
