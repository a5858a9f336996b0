"""Frozen dataclasses to JSON and back, with every field checked on the way in.

Only what this project's records are made of is known: dataclasses, tuples, mappings with text keys,
optional values, string enumerations, literals, and JSON's own scalars. A JSON object must have
exactly the fields of its dataclass; fields with a default may be left out.
"""

import dataclasses
import io
import json
import math
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar

__all__ = [
    "JsonValue",
    "RecordError",
    "SchemaError",
    "decode",
    "decode_document",
    "decode_json",
    "encode",
    "encode_bytes",
    "encode_json",
]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
T = TypeVar("T")


class RecordError(ValueError):
    """JSON that does not describe the record it should; the message names the field."""


class SchemaError(RecordError):
    """A document of the right kind that another version of the schema describes.

    Args:
        found: The version of the document.
        read: The version that can be read.
    """

    def __init__(self, found: int, read: int) -> None:
        self.is_newer: Final = found > read
        age = "newer" if self.is_newer else "older"
        super().__init__(f"it has the {age} schema version {found}; version {read} is read")


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
    return encode_bytes(value).decode("ascii")


def encode_bytes(value: object) -> bytes:
    """What `encode_json` writes, as bytes; made piece by piece, for results of many megabytes.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot say.
    """
    stream = io.BytesIO()
    for piece in json.JSONEncoder(indent=2, allow_nan=False).iterencode(encode(value)):
        stream.write(piece.encode("ascii"))
    stream.write(b"\n")
    return stream.getvalue()


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
            raise SchemaError(found, version)
    return decode(kind, data)


def _kind_of(record: Any) -> str:  # noqa: ANN401 - a document's class
    kind: str = typing.get_args(_hints(record)["kind"])[0]
    return kind


def _parse(text: str | bytes) -> Any:  # noqa: ANN401 - JSON can be anything
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        why = "it ends in the middle" if _is_cut_off(error) else error
        raise RecordError(f"it is not JSON ({why})") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"it is not JSON ({error})") from error


def _is_cut_off(error: json.JSONDecodeError) -> bool:
    """Whether nothing is wrong with the text but its end: a copy that was not finished."""
    whole = error.doc.rstrip()
    return bool(whole) and (error.pos >= len(whole) or error.msg.startswith("Unterminated string"))


def decode(kind: type[T], data: object, where: str = "it") -> T:
    """Read a record of type `kind` from parsed JSON.

    Raises:
        RecordError: a field is missing, unknown, or of another type.
    """
    return typing.cast("T", _decode(kind, data, where))


def _decode(kind: Any, data: object, where: str) -> object:  # noqa: ANN401 - any annotation
    return _decoder(kind)(kind, data, where)


@cache
def _decoder(kind: Any) -> Callable[[Any, object, str], object]:  # noqa: ANN401 - any annotation
    """What decodes values of an annotation; found once, for results have a hundred thousand."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        found: Callable[[Any, object, str], object] = _decode_dataclass
    elif origin in (types.UnionType, typing.Union):
        found = _decode_union
    elif origin is typing.Literal:
        found = _decode_literal
    elif origin is tuple:
        found = _decode_tuple
    elif origin is not None and issubclass(origin, Mapping):
        found = _decode_mapping
    elif isinstance(kind, type) and issubclass(kind, Enum):
        found = _decode_enum
    else:
        found = _decode_scalar
    return found


def _decode_literal(kind: object, data: object, where: str) -> object:
    return _choose(data, typing.get_args(kind), where)


def _decode_enum(kind: type[Enum], data: object, where: str) -> Enum:
    return kind(_choose(data, tuple(member.value for member in kind), where))


def _decode_dataclass(kind: type, data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise RecordError(f"{where} is not a JSON object")
    fields = _fields(kind)
    for name in data:
        if name not in fields:
            raise RecordError(f"{where} has an unknown field {name!r}")
    start = "" if where == "it" else f"{where}."
    values = {}
    for name, (hint, required) in fields.items():
        if name in data:
            values[name] = _decode(hint, data[name], start + name)
        elif required:
            raise RecordError(f"{where} lacks the field {name!r}")
    try:
        return kind(**values)
    except ValueError as error:
        raise RecordError(f"{where} is impossible: {error}") from error


@cache
def _fields(kind: type) -> Mapping[str, tuple[Any, bool]]:
    """Of a dataclass, in order: annotation, and whether there is no default."""
    missing = dataclasses.MISSING
    return {
        field.name: (
            _hints(kind)[field.name],
            field.default is missing and field.default_factory is missing,
        )
        for field in dataclasses.fields(kind)
    }


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
