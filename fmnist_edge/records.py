"""Records: frozen structs that become JSON and are checked field by field on the way back.

A record is a `msgspec.Struct`. A JSON object must have exactly the fields of its record; fields
with a default may be left out. Text is written by `json`, so that the same record gives the same
bytes with every version of msgspec (a preset's fingerprint is the hash of such bytes).
"""

import dataclasses
import io
import json
import typing
from typing import Any, TypeVar

import msgspec

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
T = TypeVar("T")
# What msgspec raises on bytes that are no JSON, or are JSON of another shape.
_REFUSALS = (msgspec.DecodeError, UnicodeError, RecursionError)
_LONGEST_REASON: typing.Final = 120


@typing.dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class _RecordMeta(msgspec.StructMeta):
    """Tells type checkers what msgspec does: what derives from a frozen struct is frozen."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, metaclass=_RecordMeta):
    """The base of all records: immutable, compared by value, without unknown fields."""


def replace(record: T, **changes: Any) -> T:  # noqa: ANN401 - values of any field
    """Return a copy of a frozen record or dataclass with some fields changed.

    `copy.replace` does this from Python 3.13 on.
    """
    if isinstance(record, msgspec.Struct):
        return msgspec.structs.replace(record, **changes)
    changed: T = dataclasses.replace(record, **changes)  # type: ignore[type-var]
    return changed


class RecordError(ValueError):
    """The JSON does not describe the record that it should; the message names the field."""


class SchemaError(RecordError):
    """The document is of the right kind, and another version of the schema describes it.

    Args:
        found: The version of the document.
        read: The version that can be read.
    """

    def __init__(self, found: int, read: int) -> None:
        self.is_newer = found > read
        age = "newer" if self.is_newer else "older"
        super().__init__(f"it has the {age} schema version {found}; version {read} is read")


def encode(value: object) -> JsonValue:
    """Return the JSON form of a record, or of anything that a record may hold."""
    built: JsonValue = msgspec.to_builtins(value)
    return built


def encode_json(value: object) -> str:
    """Return a record as indented JSON text that ends in a newline, fields in the record's order.

    Raises:
        ValueError: A number is NaN or infinite, which JSON cannot express.
    """
    return encode_bytes(value).decode("ascii")


def encode_bytes(value: object) -> bytes:
    """Return what `encode_json` writes, as bytes.

    The text is made piece by piece, because a result has many megabytes.

    Raises:
        ValueError: A number is NaN or infinite, which JSON cannot express.
    """
    stream = io.BytesIO()
    for piece in json.JSONEncoder(indent=2, allow_nan=False).iterencode(encode(value)):
        stream.write(piece.encode("ascii"))
    stream.write(b"\n")
    return stream.getvalue()


def decode(kind: type[T], data: object) -> T:
    """Return the record of type `kind` that parsed JSON (or TOML) describes.

    Raises:
        RecordError: A field is missing, unknown, or of another type.
    """
    try:
        return msgspec.convert(data, kind)
    except _REFUSALS as error:
        raise RecordError(_reason(error)) from error


def decode_json(kind: type[T], text: str | bytes) -> T:
    """Return the record of type `kind` that JSON text describes.

    Raises:
        RecordError: The text is not JSON, or does not describe a `kind`.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except _REFUSALS as error:
        raise RecordError(_reason(error)) from error


def decode_document(kind: type[T], text: str | bytes, version: int) -> T:
    """Return a record that carries its own `kind` and `schema_version`.

    The version is looked at before anything else, so that the message about a newer file is that it
    is newer, and not that it is damaged.

    Raises:
        SchemaError: The document has another schema version.
        RecordError: The text is not JSON, or not a document of this kind.
    """
    found = document_version(kind, text)
    if found != version:
        raise SchemaError(found, version)
    return decode_json(kind, text)


class _Header(msgspec.Struct):
    """The two fields that every document has; the others are ignored here."""

    kind: str
    schema_version: int


def document_version(kind: Any, text: str | bytes) -> int:  # noqa: ANN401 - a document's class
    """Return the schema version that a document says it has.

    Raises:
        RecordError: The text is not JSON, or not a document of this kind.
    """
    header = decode_json(_Header, text)
    wanted = typing.get_args(typing.get_type_hints(kind)["kind"])[0]
    if header.kind != wanted:
        raise RecordError(f"its kind is {header.kind!r}, not {wanted!r}")
    return header.schema_version


def _reason(error: Exception) -> str:
    """Return what msgspec says, as part of a sentence that begins with the field."""
    what, _, where = str(error).partition(" - at `$")
    if not isinstance(error, msgspec.ValidationError):
        ends = "it ends in the middle" if "truncated" in what else what
        return f"it is not JSON ({ends})"
    field = where.strip(".`") or "it"
    # A value is quoted, however long it is.
    short = what if len(what) <= _LONGEST_REASON else f"{what[:_LONGEST_REASON]}..."
    return f"{field}: {short[:1].lower()}{short[1:]}"
