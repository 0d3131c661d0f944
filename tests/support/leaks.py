"""What must never be seen: passwords, tokens and their `jti`, hashes, and signing keys.

A watch knows each secret that came up while tests ran, and looks through all that was written and
answered meanwhile.
"""

import base64
import contextlib
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

PASSWORD = "correct horse battery staple"  # a canary: no test may see it come back
PIECE = 20  # characters of a secret that are enough to know it by; a `jti` has 22
FEWEST_CHARACTERS = 8  # different ones, in a piece; keys that tests make up of one letter have less
# A hash by its beginning, or by its name where Python shows a session; and a part of a token, which
# is base64 of what begins with `{"`.
HASH = r"\$argon2|\$2[aby]\$|\$(?:fb)?scrypt\$|\$pbkdf2-|pbkdf2_sha|(?:scrypt|pbkdf2):\w+:"
ALWAYS_SECRET = [HASH, "jti_sha256=", r"eyJ[A-Za-z0-9_-]{30}"]
_RUN = re.compile(rf'[^\s"\\]{{{PIECE},}}')


class Watch:
    """Knows secrets, and what was written since it last looked."""

    def __init__(self, *passwords: str) -> None:
        self._always = re.compile("|".join([*map(re.escape, passwords), *ALWAYS_SECRET]))
        self._pieces: dict[str, str] = {}
        self._written: list[str] = []
        self._found: list[str] = []

    def keep(self, kind: str, secret: str) -> None:
        """Know a secret from now on, also in what was written since the last look."""
        piece = secret[:PIECE]
        if len(set(piece)) >= FEWEST_CHARACTERS:
            self._pieces[piece] = kind

    def keep_token(self, token: str) -> None:
        """Know a token by each of its parts, and by the `jti` in it and that one's hash."""
        _, payload, signature = token.split(".")
        jti = json.loads(base64.urlsafe_b64decode(payload + "=="))["jti"]
        digest = hashlib.sha256(jti.encode()).digest()
        self.keep("signature", signature)
        self.keep("jti", jti)
        self.keep("jti_sha256", digest.hex())
        self.keep("jti_sha256", base64.b64encode(digest).decode())

    def knows(self, secret: str) -> bool:
        return secret[:PIECE] in self._pieces

    def wrote(self, text: str) -> None:
        self._written.append(text)

    def answered(self, text: str, token: str | None = None) -> None:
        """Take an answer; only the one to a login may show a token, its own."""
        if token is not None:
            assert token in text
            text = text.replace(token, "")
            if not self.knows(token.split(".")[2]):
                self._found.append("a token was answered that the watch does not know")
        self._written.append(text)

    def logged(self, line: str) -> None:
        """Take a line of the functions' log: it is JSON, and moves no terminal's cursor."""
        if not (line.isascii() and line.isprintable() and _is_json(line)):
            self._found.append(f"no line of a log: {line!r}")
        self._written.append(line)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take what is printed."""
        printed = io.StringIO()
        shown = sys.stdout

        class Both(io.TextIOBase):
            def write(self, text: str, /) -> int:
                printed.write(text)
                return shown.write(text)

        with contextlib.redirect_stdout(Both()):
            try:
                yield
            finally:
                self._written.append(printed.getvalue())

    def leaks(self) -> list[str]:
        """Return what was seen of secrets since the last look, with what stands around it."""
        text = "\n".join(self._written)
        self._written.clear()
        found = [
            f"{match[0]!r}: {_around(text, match.start())}" for match in self._always.finditer(text)
        ]
        for run in _RUN.finditer(text):
            for start in range(run.start(), run.end() - PIECE + 1):
                kind = self._pieces.get(text[start : start + PIECE])
                if kind is not None:
                    found.append(f"{kind}: {_around(text, start)}")
        found += self._found
        self._found.clear()
        return found


def _around(text: str, at: int) -> str:
    return text[max(0, at - 200) : at + 100]


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def token_of(answer: Any, cookie: str | None = None) -> str | None:
    """Return the token that a body shows, or the cookie beside it, of a login's answer."""
    if cookie is not None:
        return cookie.partition(";")[0].partition("=")[2]
    return answer.get("token") if isinstance(answer, dict) else None
