"""Frozen dataclasses to JSON and back, with every field checked on the way in.

Only what this project's records are made of is known: dataclasses, tuples, mappings with text keys,
optional values, string enumerations, literals, and JSON's own scalars. A JSON object must have
exactly the fields of its dataclass; fields with a default may be left out.
"""

import dataclasses
import json
import math
import reprlib
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar

__all__ = [
    "JsonValue",
    "RecordError",
    "SchemaError",
    "decode",
    "decode_document",
    "decode_json",
    "encode",
    "encode_json",
]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
T = TypeVar("T")


class RecordError(ValueError):
    """JSON that does not describe the record it should; the message names the field."""


class SchemaError(RecordError):
    """A document of the right kind that another version of the schema describes."""


def encode(value: object) -> JsonValue:
    """The JSON form of a record or of anything a record may hold."""
    if isinstance(value, Enum):
        return encode(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not part of a record")


def encode_json(value: object) -> str:
    """The record as indented JSON text, ending in a newline; fields come in the record's order.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot say.
    """
    return json.dumps(encode(value), indent=2, allow_nan=False) + "\n"


def decode_json(kind: type[T], text: str | bytes) -> T:
    """Read a record of type `kind` from JSON text.

    Raises:
        RecordError: the text is not JSON, or does not describe a `kind`.
    """
    return decode(kind, _parse(text))


def decode_document(kind: type[T], text: str | bytes, version: int) -> T:
    """Read a record that carries its own `kind` and `schema_version`.

    The version is looked at before anything else, so that a newer file is called newer and not
    damaged.

    Raises:
        SchemaError: the document has another schema version.
        RecordError: the text is not JSON, or not a document of this kind.
    """
    data = _parse(text)
    if isinstance(data, dict):
        for name in ("kind", "schema_version"):
            if name not in data:
                raise RecordError(f"it lacks the field {name!r}")
        found = data["schema_version"]
        if data["kind"] == _kind_of(kind) and type(found) is int and found != version:
            age = "newer" if found > version else "older"
            raise SchemaError(f"it has the {age} schema version {found}; version {version} is read")
    return decode(kind, data)


def _kind_of(record: Any) -> str:  # noqa: ANN401 - a document's class
    kind: str = typing.get_args(_hints(record)["kind"])[0]
    return kind


def _parse(text: str | bytes) -> Any:  # noqa: ANN401 - JSON can be anything
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"it is not JSON ({error})") from error


def decode(kind: type[T], data: object, where: str = "it") -> T:
    """Read a record of type `kind` from parsed JSON.

    Raises:
        RecordError: a field is missing, unknown, or of another type.
    """
    return typing.cast("T", _decode(kind, data, where))


def _decode(kind: Any, data: object, where: str) -> object:  # noqa: ANN401 - any annotation
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        decoded = _decode_dataclass(typing.cast("type", kind), data, where)
    elif origin in (types.UnionType, typing.Union):
        decoded = _decode_union(kind, data, where)
    elif origin is typing.Literal:
        decoded = _choose(data, typing.get_args(kind), where)
    elif origin is tuple:
        decoded = _decode_tuple(kind, data, where)
    elif origin is not None and issubclass(origin, Mapping):
        decoded = _decode_mapping(kind, data, where)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        decoded = kind(_choose(data, tuple(member.value for member in kind), where))
    else:
        decoded = _decode_scalar(kind, data, where)
    return decoded


def _decode_dataclass(kind: type, data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise RecordError(f"{where} is not a JSON object")
    hints = _hints(kind)
    for name in data:
        if name not in hints:
            raise RecordError(f"{where} has an unknown field {name!r}")
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in data:
            inner = field.name if where == "it" else f"{where}.{field.name}"
            values[field.name] = _decode(hints[field.name], data[field.name], inner)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise RecordError(f"{where} lacks the field {field.name!r}")
    try:
        return kind(**values)
    except ValueError as error:
        raise RecordError(f"{where} is impossible: {error}") from error


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return types.MappingProxyType(typing.get_type_hints(kind))


def _decode_union(kind: object, data: object, where: str) -> object:
    choices = [choice for choice in typing.get_args(kind) if choice is not type(None)]
    if data is None and len(choices) < len(typing.get_args(kind)):
        return None
    problems = []
    for choice in choices:
        try:
            return _decode(choice, data, where)
        except RecordError as error:
            problems.append(str(error))
    raise RecordError(" or ".join(problems))


def _decode_tuple(kind: object, data: object, where: str) -> tuple[object, ...]:
    if not isinstance(data, list):
        raise RecordError(f"{where} is not a list")
    item = typing.get_args(kind)[0]
    return tuple(_decode(item, value, f"{where}[{i}]") for i, value in enumerate(data))


def _decode_mapping(kind: object, data: object, where: str) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise RecordError(f"{where} is not a JSON object")
    item = typing.get_args(kind)[1]
    return {key: _decode(item, value, f"{where}[{key!r}]") for key, value in data.items()}


def _choose(data: object, choices: tuple[object, ...], where: str) -> object:
    for choice in choices:
        if data == choice and type(data) is type(choice):
            return choice
    # Shortened: what stands there instead may be long, or nested too deeply for repr().
    found = reprlib.repr(data)
    raise RecordError(f"{where} is {found}, not one of {', '.join(map(str, choices))}")


def _decode_scalar(kind: type, data: object, where: str) -> object:
    if kind is float and type(data) is int:
        try:
            data = float(data)
        except OverflowError:
            data = math.inf
    if type(data) is not kind:
        raise RecordError(f"{where} is {type(data).__name__}, not {kind.__name__}")
    if isinstance(data, float) and not math.isfinite(data):
        raise RecordError(f"{where} is not a finite number")
    return data
