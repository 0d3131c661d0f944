"""How often a log-in may be tried. Only the log-in imports this.

Each attempt is counted before the password is hashed and taken back if it was right, so that
guesses made at once cost no more hashes than the limits allow (OWASP Authentication Cheat Sheet,
"Login Throttling"). Windows are fixed and their number is part of a row's key: when a row is
deleted does not matter. It is counted by the address that API Gateway saw, and by no header.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sessions import settings, store
from sessions.endpoint import clean_up
from sessions.errors import InvalidPassword, InvalidUser, RateLimited
from sessions.model import login_key
from sessions.request import Request, address_block

WINDOW_SECONDS = settings.number("LOGIN_ATTEMPTS_SECONDS")
PER_NAME_AND_ADDRESS = settings.number("LOGIN_ATTEMPTS_PER_NAME_AND_ADDRESS")
PER_ADDRESS = settings.number("LOGIN_ATTEMPTS_PER_ADDRESS")
PER_NAME = settings.number("LOGIN_ATTEMPTS_PER_NAME")

# From an address that somebody logged in from lately, the account can be reached whoever else
# guesses its password: so nobody can lock its owner out.
LATELY_SECONDS = 2_592_000  # 30 days, as long as a session lasts

_FAILURES = "failures"


@contextmanager
def counted(request: Request, name: str, attempt: str) -> Iterator[None]:
    """Count an attempt to log in as `name`; it stays counted if it turns out to be wrong.

    Args:
        request: who tries, and when.
        name: the username or e-mail address, whether or not anybody has it.
        attempt: the attempt's random ID: under it, whatever is tried again counts once.

    Raises:
        RateLimited: too many were wrong, or are under way; this one was not counted.
        Unavailable: it cannot be counted, and so must not be made.
    """
    window = request.now // WINDOW_SECONDS
    ends = (window + 1) * WINDOW_SECONDS
    address = address_block(request.source_ip)
    here = f"failures_from_{_digest(address)}"
    by_name = f"name#{_digest(login_key(name))}#{window}"
    by_address = f"address#{_digest(address)}#{window}"

    limits = {here: PER_NAME_AND_ADDRESS, _FAILURES: PER_NAME}
    full = store.count_attempt(by_name, limits, attempt, ends)
    if full == _FAILURES and _is_known(name, address, request.now):
        del limits[_FAILURES]
        full = store.count_attempt(by_name, limits, attempt, ends)
    if full:
        request.log["limit"] = "name" if full == _FAILURES else "name and address"
        raise RateLimited(limits[full], ends - request.now)
    if store.count_attempt(by_address, {_FAILURES: PER_ADDRESS}, attempt, ends):
        _take_back(request, by_name, limits, attempt)
        request.log["limit"] = "address"
        raise RateLimited(PER_ADDRESS, ends - request.now)
    is_wrong = False
    try:
        yield
    except (InvalidPassword, InvalidUser):
        is_wrong = True
        raise
    finally:
        if not is_wrong:
            _take_back(request, by_name, limits, attempt)
            _take_back(request, by_address, {_FAILURES: PER_ADDRESS}, attempt)


def _is_known(name: str, address: str, now: int) -> bool:
    """Say whether the account of this name was lately logged in to from this address."""
    login, _ = store.find_login_and_generation(name)
    if login is None:
        return False
    user, _ = store.read_user_and_sessions(login.user, ())
    return user is not None and now < user.login_addresses.get(address, 0) + LATELY_SECONDS


def _take_back(request: Request, key: str, counters: dict[str, int], attempt: str) -> None:
    # What stays counted by mistake makes the limits stricter until the window ends, no more.
    with clean_up(request, "take_back_attempt"):
        store.take_back_attempt(key, counters, attempt)


def _digest(text: str) -> str:
    """Return what stands for a name or an address in a key: short, and without personal data."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
