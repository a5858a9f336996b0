"""Reading dataset files and accepting only the published contents."""

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

from fmnist_edge.dataset.catalog import FILES, DataFile
from fmnist_edge.errors import DatasetCorruptError, DatasetNotFoundError, StorageError
from fmnist_edge.files import sha256_of

_REPLACE: Final = "Delete it, or replace it with the published file."


def verify_folder(folder: Path, files: Sequence[DataFile] = FILES) -> None:
    """Check that `folder` holds each of `files` with its published contents.

    Raises:
        DatasetNotFoundError: A file is missing.
        DatasetCorruptError: The contents of a file are not the published ones.
        StorageError: A file cannot be read.
    """
    for file in files:
        read_verified(folder, file)


def read_verified(folder: Path, file: DataFile) -> bytes:
    """Return the decompressed contents of `file`, which `folder` holds as `NAME.gz` or `NAME`.

    The contents of the last four files stay in memory (at most 55 MB), so that a file that does not
    change is decompressed and hashed once per process.

    Raises:
        DatasetNotFoundError: `folder` holds neither.
        DatasetCorruptError: The file is damaged, or its contents are not the published ones.
        StorageError: The file cannot be read.
    """
    path = path_of(folder, file)
    with _read_errors(path):
        status = path.stat()
    return _read_verified(path, file, _identity(status))


def _identity(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes when another file takes the place of this one, or its contents change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@lru_cache(maxsize=len(FILES))
def _read_verified(path: Path, file: DataFile, _: tuple[int, ...]) -> bytes:
    # One byte more than published shows a longer file, and limits the memory for any file.
    payload = _read(path, limit=file.size + 1)
    if len(payload) != file.size:
        size = f"{len(payload)}" if len(payload) < file.size else f"more than {file.size}"
        raise DatasetCorruptError(
            f"{path} is not the published file: it holds {size} bytes, not {file.size}.",
            hint=_REPLACE,
        )
    sha256 = sha256_of(payload)
    if sha256 != file.sha256:
        raise DatasetCorruptError(
            f"{path} is not the published file: the SHA-256 of its contents is {sha256}, "
            f"not {file.sha256}.",
            hint=_REPLACE,
        )
    return payload


def path_of(folder: Path, file: DataFile) -> Path:
    """Return the path of `file` in `folder`: `NAME.gz` if it exists, else the unpacked `NAME`.

    Raises:
        DatasetNotFoundError: `folder` holds neither.
        StorageError: `folder` cannot be searched.
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
    """Return at most `limit` bytes of the decompressed contents of `path`."""
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
    """Turn an error of the operating system about `path` into a `StorageError`."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError(
            f"Cannot read {path}: {reason}.",
            hint="Make the folder and its files readable (chmod -R a+rX), or use another folder.",
        ) from error
