"""Logins: the usernames and e-mail addresses that users log in with, and how they are compared."""

import unicodedata
from typing import NamedTuple


class Login(NamedTuple):
    """A username or e-mail address that a user can log in with, as `login_key` spells it."""

    login: str
    user: str
    password_hash: str
    password_version: int = 0


def login_key(name: str) -> str:
    """Return `name`, a username or e-mail address, as it is compared: without case.

    Unicode's NFKC and full case folding (Unicode Standard, section 3.13) make names that look the
    same equal.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
