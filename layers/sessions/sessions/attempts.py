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

_FROM_EVERYWHERE = "failures_from_everywhere"
_OF_ALL_NAMES = "failures"
_LIMITS = {_FROM_EVERYWHERE: "name", _OF_ALL_NAMES: "address"}


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
    from_here = f"failures_from_{_digest(address)}"
    rows = {
        f"name#{_digest(login_key(name))}#{window}": {
            from_here: PER_NAME_AND_ADDRESS,
            _FROM_EVERYWHERE: PER_NAME,
        },
        f"address#{_digest(address)}#{window}": {_OF_ALL_NAMES: PER_ADDRESS},
    }
    counted_in: dict[str, dict[str, int]] = {}
    is_wrong = False
    try:
        for key, limits in rows.items():
            full = store.count_attempt(key, limits, attempt, ends)
            if full == _FROM_EVERYWHERE and _is_known(name, address, request.now):
                del limits[_FROM_EVERYWHERE]
                full = store.count_attempt(key, limits, attempt, ends)
            if full:
                request.log["limit"] = _LIMITS.get(full, "name and address")
                raise RateLimited(limits[full], ends - request.now)
            counted_in[key] = limits
        yield
    except (InvalidPassword, InvalidUser):
        is_wrong = True
        raise
    finally:
        if not is_wrong:
            # What stays counted makes the limits stricter until the window ends, and no more.
            with clean_up(request, "take_back_attempt"):
                for key, limits in counted_in.items():
                    store.take_back_attempt(key, limits, attempt)


def _is_known(name: str, address: str, now: int) -> bool:
    """Say whether the account of this name was lately logged in to from this address."""
    login, _ = store.find_login_and_generation(name)
    if login is None:
        return False
    user, _ = store.read_user_and_sessions(login.user, ())
    return user is not None and now < user.login_addresses.get(address, 0) + LATELY_SECONDS


def _digest(text: str) -> str:
    """Return what stands for a name or an address in a key: short, and without personal data."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
