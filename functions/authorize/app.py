"""The gateway's authorizer: which usage-plan key pays for a call. It refuses none."""

import hashlib

from sessions import settings
from sessions.authorizer import Payer, authorizer, signed_user
from sessions.request import Request, address_block

USAGE_PLAN_KEY = settings.text("USAGE_PLAN_KEY")  # each shard's is this and its number
BACK_END_KEY = f"{USAGE_PLAN_KEY}backend"
USAGE_PLAN_SHARDS = settings.number("USAGE_PLAN_SHARDS")
REQUESTS_PER_SECOND = settings.text("REQUESTS_PER_SECOND")
LOGINS_PER_SECOND = settings.text("LOGINS_PER_SECOND")
BACK_END_REQUESTS_PER_SECOND = settings.text("BACK_END_REQUESTS_PER_SECOND")


@authorizer
def handler(request: Request) -> Payer:
    """Have the user of a token pay, and the address for a login and for each call of nobody's.

    A back end that the operator trusts pays for all that it sends, whosever the token is.
    """
    if request.is_of_back_end:
        return Payer("back-end", BACK_END_KEY, BACK_END_REQUESTS_PER_SECOND)
    # The login is the only POST; a token that a client sends along there says nothing.
    is_login = request.method == "POST"
    user = None if is_login else signed_user(request)
    caller = user or address_block(request.source_ip)
    return Payer(caller, _shard(caller), LOGINS_PER_SECOND if is_login else REQUESTS_PER_SECOND)


def _shard(caller: str) -> str:
    digest = hashlib.sha256(caller.encode()).digest()
    return f"{USAGE_PLAN_KEY}{int.from_bytes(digest) % USAGE_PLAN_SHARDS:02}"
