"""The authorizer of other APIs of the product: it lets in who has a session that counts."""

from sessions import dynamodb
from sessions.gateways import session_authorizer
from sessions.verifier import VerifiedSession, Verifier


@session_authorizer("verify_session", "SessionVerified")
def handler(token: str) -> VerifiedSession:
    """Return the session that the call's token proves."""
    verifier = Verifier(
        dynamodb.client, sessions_table=dynamodb.SESSIONS, users_table=dynamodb.USERS
    )
    return verifier.verify(token)
