"""The vectors of tests/vectors/verify.json: rows, a token and a time, and what follows from them.

The file holds the Verifiers of all languages, the authorizer for other APIs and our own API to one
rule. Its `user` and `session` are good rows and `token` says what a good token says; a case names
only what differs: `null` for a row or an attribute that is not there, `header_text` and
`payload_text` for a header and claims that are written out, `signature` for one that is not right.
"""

import base64
import json
from pathlib import Path
from typing import Any, NamedTuple

from sessions.session_epoch import EPOCH_SHARDS
from tests.support.forgery import encode, signature

FILE = json.loads((Path(__file__).parents[1] / "vectors" / "verify.json").read_text())
ISSUER, KID, KEY = FILE["issuer"], FILE["kid"], FILE["key"]


class Vector(NamedTuple):
    """A case, with all that it leaves out filled in.

    Attributes:
        name: what is special about it.
        token: the token.
        rows: the rows of the two tables, by the part of the table's name.
        now: epoch seconds.
        max_age: as the Verifier takes it.
        verdict: the name of the error, or `session`.
        reason: that of an `InvalidSession`.
        used_seconds: as the Verifier takes it.
        verified: the session that is returned.
        use: what the use stores in the session's row, if it stores anything.
        reads: whether anything is read.
        api: the verdict of the API, which checks the signature as well.
    """

    name: str
    token: str
    rows: dict[str, list[dict[str, Any]]]
    now: int
    max_age: int | None
    verdict: str
    reason: str | None
    used_seconds: int
    verified: dict[str, Any]
    use: dict[str, int] | None
    reads: bool
    api: str


def vectors() -> list[Vector]:
    """Return every case of the file."""
    return [_vector(case) for case in FILE["cases"]]


def _vector(case: dict[str, Any]) -> Vector:
    epoch = case.get("epoch")
    shards = [
        {"id": {"S": f"session_epoch#{shard}"}, "session_epoch": {"N": str(epoch)}}
        for shard in range(EPOCH_SHARDS if epoch is not None else 0)
    ]
    return Vector(
        name=case["name"],
        token=_token(case.get("token", {})),
        rows={"users": [*_row("user", case), *shards], "sessions": _row("session", case)},
        now=case.get("now", FILE["now"]),
        max_age=case.get("max_age"),
        verdict=case["verdict"],
        reason=case.get("reason"),
        used_seconds=case.get("used_seconds", 3_600),
        verified={**FILE["verified"], **case.get("verified", {})},
        use=case.get("use"),
        reads=case.get("reads", True),
        api=case.get("api", case["verdict"]),
    )


def _row(kind: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    changes = case.get(kind, {})
    if changes is None:
        return []
    row = {**FILE[kind], **changes}
    return [
        {
            name: {"B": base64.b64decode(value["B"])} if "B" in value else value
            for name, value in row.items()
            if value is not None
        }
    ]


def _token(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    header = {**FILE["token"]["header"], **parts.get("header", {})}
    claims = {**FILE["token"]["claims"], **parts.get("claims", {})}
    written = parts.get("header_text", header), parts.get("payload_text", claims)
    signed = ".".join(map(encode, written))
    return f"{signed}.{parts.get('signature', signature(signed, KEY))}"
