"""Results files: written whole, checked when they are read."""

from pathlib import Path
from typing import Final

from fmnist_edge.errors import ResultSchemaError, ResultUnreadableError
from fmnist_edge.files import write_atomically
from fmnist_edge.records import (
    RecordError,
    SchemaError,
    decode_document,
    document_version,
    encode_bytes,
    replace,
)
from fmnist_edge.result.run import SCHEMA_VERSION, Run

_SCHEMA_2: Final = 2
# These lack only fields that have defaults.
_SHORTER: Final = frozenset({3, 4})
_UPDATE: Final = "A newer fmnist-edge wrote it; update this one."
# What schema 1 lacks (paced calls, the machine's health, the other processes' turns) was never
# measured, so there is nothing to convert.
_MEASURE_AGAIN: Final = (
    "Measure again with: fmnist-edge bench --json FILE (or read it with the version that wrote it)."
)


def write_run(path: Path, run: Run) -> None:
    """Write a run as JSON, whole or not at all.

    Raises:
        StorageError: `path` cannot be written.
    """
    write_atomically(path, encode_bytes(run))


def read_run(path: Path) -> Run:
    """Read a run of this schema, or of schema 2, 3 or 4.

    Raises:
        ResultUnreadableError: There is no such file, or it is damaged, or it is no run.
        ResultSchemaError: Another version of the schema describes it.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ResultUnreadableError(f"Cannot read {path}: {error.strerror}.") from error
    try:
        version = document_version(Run, text)
        if version == _SCHEMA_2:
            # The records of an old schema are no use to a measuring process.
            from fmnist_edge.result import schema2  # noqa: PLC0415

            return schema2.decode_run(text)
        if version in _SHORTER:
            return replace(decode_document(Run, text, version), schema_version=SCHEMA_VERSION)
        return decode_document(Run, text, SCHEMA_VERSION)
    except SchemaError as error:
        raise ResultSchemaError(
            f"{path} cannot be read by this fmnist-edge: {error}.",
            hint=_UPDATE if error.is_newer else _MEASURE_AGAIN,
        ) from error
    except RecordError as error:
        raise ResultUnreadableError(
            f"{path} is no result of fmnist-edge, or is damaged: {error}.",
            hint="Run the benchmark again with: fmnist-edge bench --json FILE",
        ) from error
