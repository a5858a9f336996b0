"""Read a dataset file and believe it only if its contents are the published ones."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fmnist_edge.dataset.catalog import FILES, DataFile
from fmnist_edge.errors import DatasetCorruptError, DatasetNotFoundError, StorageError
from fmnist_edge.files import sha256_of

__all__ = ["path_of", "read_verified", "verify_folder"]

_REPLACE: Final = "Delete it, or replace it with the published file."


def verify_folder(folder: Path) -> None:
    """Check that `folder` holds all four files with the published contents.

    Raises:
        DatasetNotFoundError: a file is missing.
        DatasetCorruptError: a file is not the published one.
        StorageError: a file may not be read.
    """
    for file in FILES:
        read_verified(folder, file)


def read_verified(folder: Path, file: DataFile) -> bytes:
    """The decompressed contents of `file`, which `folder` holds as `NAME.gz` or as `NAME`.

    Raises:
        DatasetNotFoundError: `folder` holds neither.
        DatasetCorruptError: the file is damaged, or its contents are not the published ones.
        StorageError: the file may not be read.
    """
    path = path_of(folder, file)
    # One byte more than expected tells a longer file apart, and a gzip bomb never unfolds.
    payload = _read(path, limit=file.size + 1)
    if len(payload) != file.size:
        held = f"{len(payload)}" if len(payload) < file.size else f"more than {file.size}"
        raise DatasetCorruptError(
            f"{path} is not the published file: it holds {held} bytes, not {file.size}.",
            hint=_REPLACE,
        )
    found = sha256_of(payload)
    if found != file.sha256:
        raise DatasetCorruptError(
            f"{path} is not the published file: the SHA-256 of its contents is {found}, "
            f"not {file.sha256}.",
            hint=_REPLACE,
        )
    return payload


def path_of(folder: Path, file: DataFile) -> Path:
    """Where `folder` holds `file`: `NAME.gz` if that is there, else the unpacked `NAME`.

    Raises:
        DatasetNotFoundError: `folder` holds neither.
        StorageError: `folder` may not be looked into.
    """
    for path in (folder / file.name, folder / file.unpacked_name):
        with _read_errors(path):
            if path.is_file():
                return path
    raise DatasetNotFoundError(
        f"There is no {file.name} in {folder}.",
        hint="Put all four files of Fashion-MNIST into one folder, packed or unpacked.",
    )


def _read(path: Path, limit: int) -> bytes:
    """At most `limit` bytes of the contents of `path`."""
    with _read_errors(path):
        if path.suffix != ".gz":
            with path.open("rb") as stream:
                return stream.read(limit)
        try:
            with gzip.open(path) as unpacked:
                return unpacked.read(limit)
        except EOFError as error:
            raise DatasetCorruptError(f"{path} is truncated.", hint=_REPLACE) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DatasetCorruptError(
                f"{path} is not a sound gzip file: {error}.", hint=_REPLACE
            ) from error


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to read `path` into a sentence."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError(
            f"Cannot read {path}: {reason}.",
            hint="Make the folder and its files readable (chmod -R a+rX), or use another folder.",
        ) from error
