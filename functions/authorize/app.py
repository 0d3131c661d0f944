"""The gateway's authorizer: which usage-plan key pays for a call.

It is a filter, never the authority: it refuses calls that cannot have a session, and each function
behind it does the full check itself.
"""

import hashlib

from sessions import settings
from sessions.authorizer import Grant, authorizer
from sessions.endpoint import verify_token
from sessions.request import Request, address_block

USAGE_PLAN_KEYS = settings.listed("USAGE_PLAN_KEYS")


@authorizer
def handler(request: Request) -> Grant:
    """Grant the call to its user's shard, or, at the login, to its address's."""
    # The login is the only POST; a token that a client sends along there says nothing.
    if request.method == "POST":
        caller = address_block(request.source_ip)
    else:
        caller = verify_token(request).sub
    return Grant(caller, _shard(caller))


def _shard(caller: str) -> str:
    digest = hashlib.sha256(caller.encode()).digest()
    return USAGE_PLAN_KEYS[int.from_bytes(digest) % len(USAGE_PLAN_KEYS)]
