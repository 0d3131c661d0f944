"""Named tuples as DynamoDB's items, and back, by the types of their fields.

A new attribute of a row is therefore one line in `model`.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, get_args

Item = dict[str, dict[str, Any]]
"""An item of DynamoDB: each attribute by its name, as `{type: value}` (API Reference,
"AttributeValue")."""

_Record = TypeVar("_Record")


def to_item(record: NamedTuple) -> Item:
    """Return the item that holds `record`; a field that is None is left out."""
    return {
        name: to_attribute(value)
        for name, value in zip(record._fields, record, strict=True)
        if value is not None
    }


def to_attribute(value: Any) -> dict[str, Any]:
    """Return a text, number, truth value, bytes or map as DynamoDB writes it."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):  # before int, of which it is one
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    return {"M": {name: to_attribute(member) for name, member in value.items()}}


def from_item(record: Callable[..., _Record], item: Item) -> _Record:
    """Return the `record` that `item` holds; an absent field has its default.

    Raises:
        KeyError, TypeError, ValueError: the item holds no such record.
    """
    fields = {name: read(item[name]) for name, read in _readers(record) if name in item}
    return record(**fields)


@functools.cache
def _readers(record: Any) -> list[tuple[str, Callable[[dict[str, Any]], Any]]]:
    return [(name, _reader(type_)) for name, type_ in record.__annotations__.items()]


def _reader(type_: Any) -> Callable[[dict[str, Any]], Any]:
    """Return the reader of attributes of this type: a plain one, `X | None`, or a map."""
    if type_ is str:
        return lambda attribute: attribute["S"]
    if type_ is int:
        return lambda attribute: int(attribute["N"])
    if type_ is bytes:
        return lambda attribute: attribute["B"]
    if type_ is bool:
        return lambda attribute: attribute["BOOL"]
    parts = get_args(type_)
    if parts[-1] is type(None):
        return _reader(parts[0])
    read = _reader(parts[1])  # of dict[str, member]
    return lambda attribute: {name: read(value) for name, value in attribute["M"].items()}
