"""How often a log-in may be tried. Only the log-in imports this.

Each attempt is counted before the password is hashed and taken back if it was right, so that
guesses made at once cost no more hashes than the limits allow (OWASP Authentication Cheat Sheet,
"Login Throttling"). Windows are fixed and their number is part of a row's key: when a row is
deleted does not matter. It is counted by the address that the gateway saw, or the page's CloudFront
(docs/decisions/0012), and by nothing that a client says.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from sessions import settings, store
from sessions.endpoint import clean_up
from sessions.errors import InvalidPassword, InvalidUser, RateLimited
from sessions.model import Login, login_key
from sessions.request import Request, address_block
from sessions.side_by_side import side_by_side

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
def counted(
    request: Request, name: str, attempt: str
) -> Iterator[tuple[Login | None, int, Callable[[], None]]]:
    """Count an attempt to log in as `name`, and read meanwhile what the name leads to.

    It is counted when the block begins. If the block fails it is taken back, unless the name or the
    password was wrong: then it stays counted. After a block that does not fail, the caller takes it
    back, beside what comes next.

    Args:
        request: who tries, and when.
        name: the username or e-mail address, whether or not anybody has it.
        attempt: the attempt's random ID: under it, whatever is tried again counts once.

    Yields:
        What `store.find_login_and_generation` returns, and what takes the attempt back.

    Raises:
        RateLimited: too many were wrong, or are under way; this one is not counted.
        Unavailable: it cannot be counted, and so must not be made.
    """
    window = request.now // WINDOW_SECONDS
    ends = (window + 1) * WINDOW_SECONDS
    address = address_block(request.source_ip)
    name_row = f"name#{_digest(login_key(name))}#{window}"
    address_row = f"address#{_digest(address)}#{window}"
    from_here = {f"failures_from_{_digest(address)}": PER_NAME_AND_ADDRESS}
    limits = {**from_here, _FROM_EVERYWHERE: PER_NAME, _OF_ALL_NAMES: PER_ADDRESS}
    counted_in: dict[str, Collection[str]] = {}

    def count(row: str, counters: Mapping[str, int]) -> str | None:
        full = store.count_attempt(row, counters, attempt, ends)
        if full is None:
            counted_in[row] = counters.keys()
        return full

    def take_back() -> None:
        # What stays counted makes the limits stricter until the window ends, and no more.
        with clean_up(request, "take_back_attempt"):
            side_by_side(
                *(
                    partial(store.take_back_attempt, row, counters, attempt)
                    for row, counters in counted_in.items()
                )
            )

    is_settled = False
    try:
        full_of_name, full_of_address, (login, generation) = side_by_side(
            partial(count, name_row, {**from_here, _FROM_EVERYWHERE: PER_NAME}),
            partial(count, address_row, {_OF_ALL_NAMES: PER_ADDRESS}),
            partial(store.find_login_and_generation, name),
        )
        if full_of_name == _FROM_EVERYWHERE and _is_known(login, address, request.now):
            full_of_name = count(name_row, from_here)
        if full := full_of_name or full_of_address:
            request.log["limit"] = _LIMITS.get(full, "name and address")
            raise RateLimited(limits[full], ends - request.now)
        yield login, generation, take_back
        is_settled = True  # the caller takes it back
    except (InvalidPassword, InvalidUser):
        is_settled = True  # it stays counted
        raise
    finally:
        if not is_settled:
            take_back()


def _is_known(login: Login | None, address: str, now: int) -> bool:
    """Say whether the account of this name was lately logged in to from this address."""
    if login is None:
        return False
    user, _ = store.read_user_and_sessions(login.user, ())
    return user is not None and now < user.login_addresses.get(address, 0) + LATELY_SECONDS


def _digest(text: str) -> str:
    """Return what stands for a name or an address in a key: short, and without personal data."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
