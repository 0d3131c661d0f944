"""Bodies: bytes of three content types → one checked pydantic model.

Only the functions that read a body import this: pydantic costs a cold start 80 ms.
"""

from io import BytesIO
from typing import Any, TypeVar, get_origin
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from sessions.errors import BodyTooLarge, InvalidInput, MissingFields
from sessions.request import Request, UnreadableBody

# A log-in takes some thousand bytes, and this is room for 160,000 IDs of sessions. The gateway's
# 10 MB would let anybody spend seconds of a core on one form.
LARGEST_BODY_BYTES = 2_097_152


class Body(BaseModel):
    """A body: types are exact (a number is no string), unknown fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True)


Model = TypeVar("Model", bound=Body)


def parse(request: Request, model: type[Model]) -> Model:
    """Return the request's body as a `model`.

    Raises:
        MissingFields: it names the fields that are absent or wrong, or, where the body
            cannot be read at all, those that are required.
        BodyTooLarge: it is over two megabytes.
    """
    required = [_alias(model, name) for name in model.model_fields if _is_required(model, name)]
    try:
        members = _members(request, model)
    except (ValueError, UnreadableBody) as error:
        raise MissingFields(required) from error
    if not isinstance(members, dict):
        raise MissingFields(required)
    try:
        return model.model_validate(members)
    except ValidationError as error:
        raise MissingFields(_wrong_fields(error)) from None  # its message quotes the body


def parse_input(event: object, model: type[Model]) -> Model:
    """Return an account operation's input as a `model`.

    Raises:
        InvalidInput: it names the fields that are absent or wrong.
    """
    try:
        return model.model_validate(event)
    except ValidationError as error:
        raise InvalidInput(", ".join(_wrong_fields(error)) or "not an object") from None


def _members(request: Request, model: type[Body]) -> object:
    # API Gateway, too, takes a body without a content type for JSON.
    content_type = request.headers.get("content-type") or "application/json"
    media_type = content_type.partition(";")[0].strip().lower()
    content = request.body()
    if len(content) > LARGEST_BODY_BYTES:
        raise BodyTooLarge
    if media_type == "application/json":
        return from_json(content, allow_inf_nan=False)
    if media_type == "application/x-www-form-urlencoded":
        text = content.decode("utf-8")
        return _form_members(
            parse_qsl(text, keep_blank_values=True, errors="strict", encoding="utf-8"), model
        )
    if media_type == "multipart/form-data":
        return _form_members(_multipart_fields(content, content_type), model)
    raise ValueError("unsupported content type")


def _multipart_fields(content: bytes, content_type: str) -> list[tuple[str, str]]:
    # Here, since few requests are of this type.
    from multipart import MultipartParser, parse_options_header  # noqa: PLC0415

    boundary = parse_options_header(content_type)[1].get("boundary", "")
    # The body is bounded as a whole; so nothing here need bound its parts again.
    parser = MultipartParser(
        BytesIO(content),
        boundary,
        strict=True,
        part_limit=len(content),
        spool_limit=len(content),
        memory_limit=len(content),
    )
    # UTF-8 whatever a part says of its charset, as RFC 7578, section 5.1.2, has browsers do.
    return [(part.name, part.raw.decode()) for part in parser.parts() if part.filename is None]


def _form_members(fields: list[tuple[str, str]], model: type[Body]) -> dict[str, Any]:
    """Give text fields the shape of the model: forms know neither arrays nor booleans."""
    values: dict[str, list[Any]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    members: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        alias = _alias(model, name)
        if get_origin(field.annotation) is list:
            given = values.get(alias, []) + values.get(f"{alias}[]", [])
            if given:
                members[alias] = given
        elif alias in values:
            given = values[alias]
            if field.annotation is bool:
                given = [{"true": True, "false": False}.get(value, value) for value in given]
            # A field that may stand once and stands twice is wrong, whichever was meant.
            members[alias] = given[0] if len(given) == 1 else given
    return members


def _alias(model: type[Body], name: str) -> str:
    return model.model_fields[name].alias or name


def _is_required(model: type[Body], name: str) -> bool:
    return model.model_fields[name].is_required()


def _wrong_fields(error: ValidationError) -> list[str]:
    return list(dict.fromkeys(str(wrong["loc"][0]) for wrong in error.errors() if wrong["loc"]))
