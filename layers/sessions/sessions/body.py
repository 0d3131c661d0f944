"""Request bodies: bytes of three content types, made into checked fields.

Only the functions that read a body import this.
"""

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from sessions.errors import BodyTooLarge, MissingFields
from sessions.request import Request, UnreadableBody

# The fields of a form, or its parts: each costs more than its bytes do. More IDs come as JSON.
MOST_FIELDS = 2000

Fields = Mapping[str, Mapping[str, Any]]
"""The fields of a body, in JSON Schema's words: `type`, `minLength`, `maxLength`, and a `default`
where a field may be absent or null. Types are exact, and fields that are not named are ignored."""

_TYPES: dict[str, type] = {"string": str, "boolean": bool, "array": list}


def parse(
    request: Request,
    fields: Fields,
    largest_bytes: int,
    prepare: Mapping[str, Callable[[str], str]] | None = None,
) -> dict[str, Any]:
    """Return the value of each of the `fields` in the request's body, as it came.

    Any caller may send a body, so what reading one can cost is bounded: `python -m
    benchmarks.bodies` shows it.

    Args:
        request: the request.
        fields: what the operation reads.
        largest_bytes: how long the body may be.
        prepare: what makes of a text, by its field, the one whose length counts.

    Raises:
        MissingFields: it names the fields that are absent or wrong, or, where the body cannot be
            read at all, the required ones.
        BodyTooLarge: it is longer than `largest_bytes`.
    """
    required = [name for name, field in fields.items() if "default" not in field]
    try:
        members = _members(request, fields, largest_bytes)
    except (ValueError, RecursionError, UnreadableBody) as error:
        raise MissingFields(required) from error
    if not isinstance(members, dict):
        raise MissingFields(required)
    values = {
        name: field.get("default") if members.get(name) is None else members[name]
        for name, field in fields.items()
    }
    makes = prepare or {}
    wrong = [name for name in fields if not _fits(values[name], fields[name], makes.get(name))]
    if wrong:
        raise MissingFields(wrong)
    return values


def _fits(value: object, field: Mapping[str, Any], make: Callable[[str], str] | None) -> bool:
    if type(value) is not _TYPES[field["type"]]:  # True is no string, and 1 is not True
        return False
    if not isinstance(value, str):
        return True
    length = len(make(value) if make else value)
    shortest: int = field.get("minLength", 0)
    longest: int = field.get("maxLength", length)
    return shortest <= length <= longest


def _members(request: Request, fields: Fields, largest_bytes: int) -> object:
    # API Gateway, too, takes a body without a content type for JSON.
    content_type = request.headers.get("content-type") or "application/json"
    media_type = content_type.partition(";")[0].strip().lower()
    # Base64 makes four letters of three bytes, and text has no more letters than bytes. So what is
    # far too long is not even decoded.
    longest = largest_bytes * 4 // 3 + 4 if request.body_is_base64 else largest_bytes
    if len(request.raw_body) > longest or len(content := request.body()) > largest_bytes:
        raise BodyTooLarge
    if media_type == "application/json":
        return _json(content.decode("utf-8"))
    if media_type == "application/x-www-form-urlencoded":
        text = content.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        return _form_members(pairs, fields)
    if media_type == "multipart/form-data":
        return _form_members(_multipart_fields(content, content_type), fields)
    raise ValueError("unsupported content type")


def _json(text: str) -> object:
    members = json.loads(text, parse_constant=_refuse)
    # Python reads half a surrogate pair, which no UTF-8 can say (RFC 8259, section 8.2).
    json.dumps(members, ensure_ascii=False).encode()
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _multipart_fields(content: bytes, content_type: str) -> list[tuple[str, str]]:
    # Few requests are of this type.
    from multipart import MultipartParser, parse_options_header  # noqa: PLC0415

    boundary = parse_options_header(content_type)[1].get("boundary", "")
    # The body is bounded as a whole, so its parts need no bounds of their own.
    parser = MultipartParser(
        BytesIO(content),
        boundary,
        strict=True,
        part_limit=MOST_FIELDS,
        spool_limit=len(content),
        memory_limit=len(content),
    )
    # UTF-8 whatever a part says of its charset, as RFC 7578, section 5.1.2, has browsers do.
    return [(part.name, part.raw.decode()) for part in parser.parts() if part.filename is None]


def _form_members(pairs: list[tuple[str, str]], fields: Fields) -> dict[str, Any]:
    """Give text the shape of the fields: forms know neither arrays nor booleans."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    members: dict[str, Any] = {}
    for name, field in fields.items():
        if field["type"] == "array":
            if every := values.get(name, []) + values.get(f"{name}[]", []):
                members[name] = every
        elif name in values:
            texts = values[name]
            if field["type"] == "boolean":
                texts = [{"true": True, "false": False}.get(text, text) for text in texts]
            # A field that may stand once and stands twice is wrong, whichever value was meant.
            members[name] = texts[0] if len(texts) == 1 else texts
    return members
