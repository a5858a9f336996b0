"""Reading dataset files and accepting only the published contents."""

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedIOBase
from pathlib import Path
from typing import Final

from fmnist_edge.dataset.catalog import FILES, DataFile
from fmnist_edge.errors import DatasetCorruptError, DatasetNotFoundError, StorageError
from fmnist_edge.files import new_sha256

_REPLACE: Final = "Delete it, or replace it with the published file."
_PIECE: Final = 1 << 16


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
    return b"".join(_verified_pieces(path, file))


def read_beginning(folder: Path, file: DataFile, length: int) -> bytes:
    """Return the first `length` bytes of what `read_verified` returns, or all if it has fewer.

    The whole file is verified, piece by piece; no more than what is returned is held in memory.

    Raises:
        DatasetNotFoundError: `folder` holds no such file.
        DatasetCorruptError: The file is damaged, or its contents are not the published ones.
        StorageError: The file cannot be read.
    """
    kept = bytearray()
    for piece in _verified_pieces(path_of(folder, file), file):
        kept += piece[: length - len(kept)]
    return bytes(kept)


def _verified_pieces(path: Path, file: DataFile) -> Iterator[bytes]:
    """Yield the decompressed contents piece by piece; the end raises where they are others."""
    size, digest = 0, new_sha256()
    # One byte more than published shows a longer file, and limits the memory for any file.
    for piece in _pieces(path, limit=file.size + 1):
        size += len(piece)
        digest.update(piece)
        yield piece
    if size != file.size:
        found = f"{size}" if size < file.size else f"more than {file.size}"
        raise DatasetCorruptError(
            f"{path} is not the published file: it holds {found} bytes, not {file.size}.",
            hint=_REPLACE,
        )
    if digest.hexdigest() != file.sha256:
        raise DatasetCorruptError(
            f"{path} is not the published file: the SHA-256 of its contents is "
            f"{digest.hexdigest()}, not {file.sha256}.",
            hint=_REPLACE,
        )


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


def _pieces(path: Path, limit: int) -> Iterator[bytes]:
    """Yield at most `limit` bytes of the decompressed contents of `path`, piece by piece."""
    with (
        _read_errors(path),
        gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream,
    ):
        while piece := _next_piece(path, stream, min(_PIECE, limit)):
            limit -= len(piece)
            yield piece


def _next_piece(path: Path, stream: BufferedIOBase, most: int) -> bytes:
    try:
        return stream.read(most)
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
