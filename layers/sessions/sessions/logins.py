"""Logins: the usernames and e-mail addresses that users log in with, and how they are compared."""

import unicodedata
from typing import NamedTuple

# Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt, which Python does not know:
# characters that show nothing, by their first and their last.
_IGNORABLE = (
    *("\u00ad\u00ad", "\u034f\u034f", "\u061c\u061c", "\u115f\u1160", "\u17b4\u17b5"),
    *("\u180b\u180f", "\u200b\u200f", "\u202a\u202e", "\u2060\u206f", "\u3164\u3164"),
    *("\ufe00\ufe0f", "\ufeff\ufeff", "\uffa0\uffa0", "\ufff0\ufff8"),
    *("\U0001bca0\U0001bca3", "\U0001d173\U0001d17a", "\U000e0000\U000e0fff"),
)
_BRAILLE_BLANK = "\u2800"  # a symbol that shows nothing, either

_PUNYCODE = "xn--"  # how a label that is not ASCII is spelled in ASCII (RFC 5890, section 2.3.2.1)
_FULL_STOP = "\N{IDEOGRAPHIC FULL STOP}"  # parts labels, too (RFC 3490, section 3.1)


class Login(NamedTuple):
    """A username or e-mail address that a user can log in with, as `login_key` spells it.

    Attributes:
        login: the name.
        user: the user's ID.
        password_hash: of the user's password; empty where the user has none.
        password_version: how often the password was changed.
    """

    login: str
    user: str
    password_hash: str = ""
    password_version: int = 0


def login_key(name: str) -> str:
    """Return `name`, a username or e-mail address, as it is compared.

    So names are the same whatever their case, their compatibility forms, the invisible characters
    in them and the white space around them; addresses also in both spellings of a domain, such as
    münchen.example and xn--mnchen-3ya.example. The key of a key is itself.
    """
    local, at, domain = _casefolded(name).strip().rpartition("@")
    if at and (_PUNYCODE in domain or _FULL_STOP in domain):
        labels = domain.replace(_FULL_STOP, ".").split(".")
        domain = _casefolded(".".join(map(_unicode_label, labels)))
    return local + at + domain


def is_defined(text: str) -> bool:
    """Say whether a text has no control character, and none that Unicode does not define yet.

    A later version may compare those otherwise, and what is stored stays as it is.
    """
    return not any(unicodedata.category(character) in {"Cc", "Cn"} for character in text)


def is_visible(key: str) -> bool:
    """Say whether a key, or a part of one, has a letter, number, mark of punctuation or symbol."""
    return any(
        unicodedata.category(character)[0] in "LNPS" and character != _BRAILLE_BLANK
        for character in key
    )


def is_domain(domain: str) -> bool:
    """Say whether the domain in a key has one spelling in ASCII, and so no other key (RFC 5891)."""
    import idna  # noqa: PLC0415  only account operations ask

    for label in domain.split("."):
        if label.startswith(_PUNYCODE):  # or else it would be in its letters
            return False
        if not label.isascii():
            try:
                idna.alabel(label)
            except ValueError:  # which idna's errors are
                return False
    return True


def _casefolded(text: str) -> str:
    """Return toNFKC_Casefold(NFD(text)): Unicode Standard, section 3.13, D147 and R5."""
    if text.isascii():
        return text.lower()
    mapped = "".join(map(_mapping, unicodedata.normalize("NFD", text)))
    return unicodedata.normalize("NFC", mapped)


def _mapping(character: str) -> str:
    """Return NFKC_Casefold of a character (UAX #44, table 9)."""
    folded = unicodedata.normalize("NFKC", character).casefold()
    return "".join(filter(_is_kept, unicodedata.normalize("NFKC", folded)))


def _is_kept(character: str) -> bool:
    return not any(ends[0] <= character <= ends[1] for ends in _IGNORABLE)


def _unicode_label(label: str) -> str:
    """Return a label in its own letters; one that spells none stays as it is."""
    if not label.startswith(_PUNYCODE):
        return label
    import idna  # noqa: PLC0415  few addresses are spelled so

    try:
        return idna.ulabel(label)
    except ValueError:
        return label
