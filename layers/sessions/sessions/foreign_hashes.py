"""Hashes that other services made of passwords, as users bring them along.

The import of users asks this, and a login that meets such a hash. Libraries and `hashlib` make the
hashes; here their texts are read. A text that costs too much is refused at the import, so that no
login has to wait for it.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from sessions.errors import InvalidInput

# The most that a hash may need. A function with the default of HashingMemory has thirteen times
# these bytes; each of the others is a second or two of a core, a tenth of a login's time-out. The
# defaults of the libraries need at most four fifths (docs/move-in.md has the measures).
_MOST_BYTES = 128 * 2**20
_MOST_OF_ARGON2 = 512 * 2**10  # KiB, times the passes
_MOST_OF_BCRYPT = 2**14  # rounds
_MOST_OF_PBKDF2 = {"sha1": 3_000_000, "sha256": 3_000_000, "sha512": 1_000_000}
_MOST_OF_SCRYPT = 2**21  # N, times r, times p

_LONGEST = 512  # characters; no library writes so many by default, and rows stay small
_SHORTEST_BYTES = 16  # of a hash; a shorter one was cut, and would be of other passwords, too
_BCRYPT_BYTES = 72  # of a password: the original reads no more, and the library takes no more
_FIREBASE_KEY_BYTES = 32  # of AES-256 (github.com/firebase/scrypt)

_Make = Callable[[bytes], bytes]


class _Hash(NamedTuple):
    """A hash that was read.

    Attributes:
        cost: what it needs, as a part of the most that is taken.
        is_of: says whether it is of a password.
    """

    cost: float
    is_of: Callable[[bytes], bool]


def is_of(password_hash: str, password: str) -> bool:
    """Say whether the hash is of this password, as it is.

    Raises:
        ValueError: the text is no hash that can be read.
    """
    return _read(password_hash).is_of(password.encode())


def inspect(password_hash: str) -> str:
    """Return what to store of a hash that is imported.

    Raises:
        InvalidInput: the hash is of no known format, is damaged, or costs too much.
    """
    # Django writes a word of its own before the text of a library.
    text = re.sub(r"^(argon2(?=\$argon2)|bcrypt\$(?=\$2))", "", password_hash)
    try:
        cost = _read(text).cost
    except ValueError as error:
        raise InvalidInput(f"password_hash ({error})") from None
    if cost > 1:
        raise InvalidInput("password_hash (it needs too much time or memory)")
    return text


def _read(text: str) -> _Hash:
    for pattern, read in _FORMATS.items():
        if len(text) <= _LONGEST and (found := re.fullmatch(pattern, text)):
            return read(found)
    raise ValueError("it is of no known format")


def _argon2(found: re.Match[str]) -> _Hash:
    memory, passes, lanes = _numbers(found, "memory", "passes", "lanes")
    # RFC 9106, section 3.1, but for the salt, of which the library needs 8 bytes
    if memory < 8 * lanes or lanes >= 2**24 or len(_bytes(found, "salt")) < 8:
        raise ValueError("argon2 takes no such parameters")
    _digest(found)
    cost = max(memory * 1024 / _MOST_BYTES, memory * passes / _MOST_OF_ARGON2)
    return _Hash(cost, partial(_is_of_argon2, found[0]))


def _is_of_argon2(text: str, password: bytes) -> bool:
    from argon2 import PasswordHasher  # noqa: PLC0415  the import of users needs no library
    from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415

    try:
        return PasswordHasher().verify(text, password)
    except VerifyMismatchError:
        return False


def _bcrypt(found: re.Match[str]) -> _Hash:
    def is_of(password: bytes) -> bool:
        import bcrypt  # noqa: PLC0415  as above

        return bcrypt.checkpw(password[:_BCRYPT_BYTES], found[0].encode())

    return _Hash(2 ** int(found["cost"]) / _MOST_OF_BCRYPT, is_of)


def _pbkdf2(found: re.Match[str]) -> _Hash:
    name, (iterations,), digest = found["name"], _numbers(found, "iterations"), _digest(found)
    salt = _bytes(found, "salt")

    def make(password: bytes) -> bytes:
        return hashlib.pbkdf2_hmac(name, password, salt, iterations, len(digest))

    return _Hash(iterations / _MOST_OF_PBKDF2[name], _comparing(make, digest))


def _scrypt(found: re.Match[str]) -> _Hash:
    digest = _digest(found)
    cost, make = _scrypt_key(found, _bytes(found, "salt"), len(digest))
    return _Hash(cost, _comparing(make, digest))


def _firebase(found: re.Match[str]) -> _Hash:
    """Read a hash of Firebase: the project's own key, encrypted by the key that scrypt makes."""
    salt = _bytes(found, "salt") + _bytes(found, "separator")
    cost, make_key = _scrypt_key(found, salt, _FIREBASE_KEY_BYTES)
    signer_key, digest = _bytes(found, "key"), _digest(found)
    if len(signer_key) != len(digest):
        raise ValueError("its length is not that of the key")

    def make(password: bytes) -> bytes:
        from Cryptodome.Cipher import AES  # noqa: PLC0415  as above

        cipher = AES.new(make_key(password), AES.MODE_CTR, nonce=b"", initial_value=bytes(16))
        return cipher.encrypt(signer_key)

    return _Hash(cost, _comparing(make, digest))


def _scrypt_key(found: re.Match[str], salt: bytes, length: int) -> tuple[float, _Make]:
    """Return the cost of scrypt's key, and what makes it of a password (RFC 7914)."""
    r, p = _numbers(found, "r", "p")
    n = int(found["n"]) if "n" in found.groupdict() else 2 ** int(found["log_n"])
    if n < 2 or n & (n - 1):
        raise ValueError("scrypt takes no such parameters")
    cost = max(128 * r * (n + p) / _MOST_BYTES, n * r * p / _MOST_OF_SCRYPT)

    def make(password: bytes) -> bytes:
        # OpenSSL counts more than the blocks against `maxmem`.
        most = 2 * _MOST_BYTES
        return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=most, dklen=length)

    return cost, make


def _comparing(make: _Make, digest: bytes) -> Callable[[bytes], bool]:
    return lambda password: hmac.compare_digest(make(password), digest)


def _numbers(found: re.Match[str], *names: str) -> list[int]:
    return [int(found[name]) for name in names]


def _digest(found: re.Match[str]) -> bytes:
    digest = _bytes(found, "digest")
    if len(digest) < _SHORTEST_BYTES:
        raise ValueError("it is cut short")
    return digest


def _bytes(found: re.Match[str], name: str) -> bytes:
    """Return what a part says: in hexadecimal, in base64, or as it stands."""
    parts = found.groupdict()
    if f"{name}_hex" in parts:
        return bytes.fromhex(parts[f"{name}_hex"])
    if f"{name}_base64" not in parts:
        return str(parts[name]).encode()
    # With its padding or without, and as passlib writes it.
    letters = parts[f"{name}_base64"].rstrip("=").replace(".", "+")
    content = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    # Bits at the end that say nothing are zero. Else two texts would be one hash.
    if base64.b64encode(content).decode().rstrip("=") != letters:
        raise ValueError("it is damaged")
    return content


_NUMBER, _HEX, _BASE64 = "[1-9][0-9]{0,9}", "[0-9a-f]+", "[A-Za-z0-9+/.]+={0,2}"
_R_AND_P = f",r=(?P<r>{_NUMBER}),p=(?P<p>{_NUMBER})"
_SALT = r"\$(?P<salt>[^$]+)"
_HEX_DIGEST = rf"\$(?P<digest_hex>{_HEX})"
_BASE64_DIGEST = rf"\$(?P<digest_base64>{_BASE64})"
_BASE64_PARTS = rf"\$(?P<salt_base64>{_BASE64})" + _BASE64_DIGEST

_FORMATS: dict[str, Callable[[re.Match[str]], _Hash]] = {
    # The libraries of argon2. Before version 1.3 there was no word of the version.
    rf"\$argon2(?:i|d|id)(?:\$v=(?:16|19))?\$m=(?P<memory>{_NUMBER}),t=(?P<passes>{_NUMBER})"
    rf",p=(?P<lanes>{_NUMBER}){_BASE64_PARTS}": _argon2,
    # Those of bcrypt. The last letters of its salt and hash have bits that say nothing.
    r"\$2[aby]\$(?P<cost>0[4-9]|[12][0-9]|3[01])"
    r"\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]": _bcrypt,
    # Django
    rf"pbkdf2_(?P<name>sha256)\$(?P<iterations>{_NUMBER}){_SALT}{_BASE64_DIGEST}": _pbkdf2,
    rf"scrypt\$(?P<n>{_NUMBER}){_SALT}\$(?P<r>{_NUMBER})\$(?P<p>{_NUMBER}){_BASE64_DIGEST}": (
        _scrypt
    ),
    # Werkzeug
    rf"pbkdf2:(?P<name>sha1|sha256|sha512):(?P<iterations>{_NUMBER}){_SALT}{_HEX_DIGEST}": _pbkdf2,
    rf"scrypt:(?P<n>{_NUMBER}):(?P<r>{_NUMBER}):(?P<p>{_NUMBER}){_SALT}{_HEX_DIGEST}": _scrypt,
    # The Password Hashing Competition's format, and passlib's, which has no `i=` and `l=`
    rf"\$pbkdf2-(?P<name>sha256|sha512)\$(?:i=)?(?P<iterations>{_NUMBER})(?:,l={_NUMBER})?"
    rf"{_BASE64_PARTS}": _pbkdf2,
    rf"\$scrypt\$ln=(?P<log_n>[1-9][0-9]?){_R_AND_P}{_BASE64_PARTS}": _scrypt,
    # Firebase's, as Supabase writes it, with the parameters of the project
    rf"\$fbscrypt\$v=1,n=(?P<log_n>[1-9][0-9]?){_R_AND_P},ss=(?P<separator_base64>{_BASE64})"
    rf",sk=(?P<key_base64>{_BASE64}){_BASE64_PARTS}": _firebase,
}
