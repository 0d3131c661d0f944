"""Tokens: JWTs that name a session, and who signed them.

The algorithm is fixed in `proof` and nowhere else (RFC 8725, section 3.1: a library must not let
the token choose). PyJWT signs and compares. It is laxer than we are, so `proof` reads the parts.
"""

from collections.abc import Callable

import jwt

from sessions.errors import InvalidSession
from sessions.proof import ALGORITHM, Claims, read_token

_jws = jwt.PyJWS(algorithms=[ALGORITHM])


def issue(claims: Claims, issuer: str, kid: str, key: bytes) -> str:
    """Return the token that says `claims`, signed with `key`."""
    return jwt.encode(
        {**claims._asdict(), "iss": issuer}, key, algorithm=ALGORITHM, headers={"kid": kid}
    )


def verify(token: str, issuer: str, key: Callable[[str], bytes | None], now: int) -> Claims:
    """Return what `token` says, if `issuer` signed it and it is not expired at `now`.

    The signature comes first, so that nobody learns of another's token what became of it.

    Args:
        token: the token alone, without a scheme.
        issuer: the issuer that it must name.
        key: finds a key by its `kid`.
        now: epoch seconds.

    Raises:
        InvalidSession: anything about the token is not as we make them; or it is expired, which is
            its reason then.
    """
    kid, named, claims = read_token(token)
    secret = key(kid) if named == issuer else None
    if secret is None:
        raise InvalidSession
    try:
        _jws.decode(token, secret, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise InvalidSession from error
    if claims.exp <= now:
        raise InvalidSession(reason="expired")
    return claims
