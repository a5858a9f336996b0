"""The folder that downloads end up in: only what was verified, each file whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmnist_edge.dataset.catalog import FILES, DataFile
from fmnist_edge.dataset.verify import path_of, read_verified
from fmnist_edge.errors import DatasetCorruptError, DatasetNotFoundError, StorageError
from fmnist_edge.files import storage_errors, write_atomically

__all__ = ["keep", "lacking", "scratch_folder"]


def lacking(cache: Path) -> tuple[DataFile, ...]:
    """The files that `cache` does not hold with the published contents."""
    return tuple(file for file in FILES if not _holds(cache, file))


def keep(cache: Path, folder: Path, file: DataFile) -> None:
    """Verify `file` in `folder` and copy it, as it is packed there, into `cache`.

    Raises:
        DatasetNotFoundError: `folder` does not hold it.
        DatasetCorruptError: it is not the published one; nothing is written.
        StorageError: it cannot be read, or `cache` cannot be written to.
    """
    read_verified(folder, file)
    path = path_of(folder, file)
    write_atomically(cache / path.name, path.read_bytes())


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what is not verified yet; it is gone afterwards, also after Ctrl-C.

    Raises:
        StorageError: the disk that holds temporary files is full or read-only.
    """
    with (
        storage_errors(Path("the folder for temporary files")),
        # A downloader that was stopped may die a moment later than its folder: no error of ours.
        tempfile.TemporaryDirectory(prefix="fmnist-edge-", ignore_cleanup_errors=True) as name,
    ):
        yield Path(name)


def _holds(cache: Path, file: DataFile) -> bool:
    try:
        read_verified(cache, file)
    except (DatasetNotFoundError, DatasetCorruptError, StorageError):
        return False
    return True
