"""Passwords: argon2id. Only functions that hash import this; it needs the layer `passwords`."""

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from sessions.errors import InvalidPassword

# OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. argon2-cffi's
# default costs eight times that, and its lanes buy nothing on a Lambda's share of a core.
_hasher = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)


def hash_password(password: str, salt: bytes) -> str:
    """Return the argon2id hash of `password`, in PHC string format.

    `salt` is 16 random bytes (RFC 9106, section 3.1).
    """
    return _hasher.hash(password, salt=salt)


def check_password(password_hash: str, password: str) -> None:
    """Check `password` against the stored hash.

    Raises:
        InvalidPassword: the hash is of another password.
        argon2.exceptions.InvalidHashError: the stored text is no argon2 hash.
    """
    try:
        _hasher.verify(password_hash, password)
    except VerifyMismatchError as error:
        raise InvalidPassword from error


def is_outdated(password_hash: str) -> bool:
    """Say whether the hash was made with parameters other than today's."""
    return _hasher.check_needs_rehash(password_hash)
