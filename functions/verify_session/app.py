"""The authorizer of other APIs of the product: it lets in who has a session that counts."""

from sessions import dynamodb, settings
from sessions.gateways import session_authorizer
from sessions.verifier import VerifiedSession, Verifier

USED_SECONDS = settings.number("USED_SECONDS")
KEEPS_ADDRESSES = settings.flag("KEEP_ADDRESSES")


@session_authorizer("verify_session", "SessionVerified")
def handler(token: str, address: str | None) -> VerifiedSession:
    """Return the session that the call's token proves; `address` is where the call comes from."""
    verifier = Verifier(
        dynamodb.client,
        sessions_table=dynamodb.SESSIONS,
        users_table=dynamodb.USERS,
        used_seconds=USED_SECONDS,
    )
    return verifier.verify(token, address=address if KEEPS_ADDRESSES else "")
