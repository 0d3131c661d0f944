"""Passwords: argon2id. Only functions that hash import this; it needs the layer `passwords`.

A password is hashed and checked as RFC 8265, section 4.2, prepares it (OpaqueString): so it is the
same whichever keyboard typed it. Its case and its ends stay as they are. Other services hashed
theirs as they were typed.
"""

import unicodedata
from itertools import groupby

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION

from sessions.errors import InvalidInput, InvalidPassword
from sessions.logins import is_defined
from sessions.telemetry import logger

# OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. argon2-cffi's
# default costs eight times that, and its lanes buy nothing on a Lambda's share of a core.
_hasher = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)

MOST_CHARACTERS = 1024

_ZEROS_OF_16_BYTES, _ZEROS_OF_32_BYTES = "A" * 22, "A" * 43  # in base64 without padding


def prepare(password: str) -> str:
    """Return a password as it is hashed: with plain spaces, and in Unicode's normal form C."""
    if password.isascii():
        return password
    spaced = (" " if unicodedata.category(letter) == "Zs" else letter for letter in password)
    letters = (part for letter in spaced for part in unicodedata.normalize("NFD", letter))
    # Python takes quadratic time for the marks of one letter, unless they are in their order.
    runs = groupby(letters, lambda letter: unicodedata.combining(letter) > 0)
    ordered = (part for _, run in runs for part in sorted(run, key=unicodedata.combining))
    return unicodedata.normalize("NFC", "".join(ordered))


def check_new_password(password: str, fewest_characters: int) -> None:
    """Check that a user may have this password; its characters count once it is prepared.

    RFC 8264, section 4.3, also refuses characters that show nothing by themselves. They are taken
    here: emoji have them, and no user would know why not.

    Raises:
        InvalidInput: it says why not.
    """
    prepared = prepare(password)
    if len(prepared) > MOST_CHARACTERS:
        raise InvalidInput(f"password (it has more than {MOST_CHARACTERS} characters)")
    if len(prepared) < fewest_characters:
        raise InvalidInput(f"password (it has fewer than {fewest_characters} characters)")
    if not is_defined(prepared):
        raise InvalidInput("password (it has a control character or an undefined one)")


def hash_password(password: str, salt: bytes) -> str:
    """Return the argon2id hash of `password`, in PHC string format.

    `salt` is 16 random bytes (RFC 9106, section 3.1).
    """
    return _hasher.hash(prepare(password), salt=salt)


def check_password(password_hash: str, password: str) -> None:
    """Check `password`, as it was typed, against the stored hash, of ours or of another service.

    "" is the hash of a user without a password. A hash that cannot be read is of no password, and
    no fault of this call: the line of the call comes next in the log, and names the user.

    Raises:
        InvalidPassword: the hash is of another password, or of none.
    """
    stored = password_hash or _hash_of_none()
    try:
        if any(_is_of(stored, text) for text in dict.fromkeys((prepare(password), password))):
            return
    except (VerificationError, ValueError, MemoryError) as error:
        logger.error("PasswordHashUnreadable", cause=type(error).__name__)
    raise InvalidPassword


def _is_of(password_hash: str, text: str) -> bool:
    if is_outdated(password_hash):
        from sessions import foreign_hashes  # noqa: PLC0415  few logins meet one

        return foreign_hashes.is_of(password_hash, text)
    try:
        return _hasher.verify(password_hash, text)
    except VerifyMismatchError:
        return False


def _hash_of_none() -> str:
    """Return a hash that no known password has: to check it takes as long as to check any other.

    Its salt and its hash are zeros, so it costs nothing to make. One of a random password would
    take the time of a second hash, at the first need of each process, and that would tell.
    """
    needs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${needs}${_ZEROS_OF_16_BYTES}${_ZEROS_OF_32_BYTES}"


def is_outdated(password_hash: str) -> bool:
    """Say whether the hash was made with other parameters than today's, or by another function."""
    try:
        return _hasher.check_needs_rehash(password_hash)
    except InvalidHashError:
        return True
