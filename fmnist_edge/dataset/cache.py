"""The cache folder of downloads, which holds verified files only."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fmnist_edge.dataset.catalog import DataFile
from fmnist_edge.dataset.verify import path_of, read_verified
from fmnist_edge.errors import DatasetCorruptError, DatasetNotFoundError, StorageError
from fmnist_edge.files import storage_errors, write_atomically


def lacking(cache: Path, files: Sequence[DataFile]) -> tuple[DataFile, ...]:
    """Return those of `files` that `cache` does not hold with their published contents."""
    return tuple(file for file in files if not _holds(cache, file))


def keep(cache: Path, folder: Path, file: DataFile) -> None:
    """Verify `file` in `folder` and copy it, packed or unpacked as it is, into `cache`.

    Raises:
        DatasetNotFoundError: `folder` does not hold the file.
        DatasetCorruptError: The contents are not the published ones; nothing is written.
        StorageError: The file cannot be read, or `cache` cannot be written to.
    """
    read_verified(folder, file)
    path = path_of(folder, file)
    write_atomically(cache / path.name, path.read_bytes())


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder for unverified files; it is removed afterwards, also after Ctrl-C.

    Raises:
        StorageError: The disk that holds temporary files is full or read-only.
    """
    with (
        storage_errors(Path("the folder for temporary files")),
        # A stopped downloader may still write into the folder while it is being removed.
        tempfile.TemporaryDirectory(prefix="fmnist-edge-", ignore_cleanup_errors=True) as name,
    ):
        yield Path(name)


def _holds(cache: Path, file: DataFile) -> bool:
    try:
        read_verified(cache, file)
    except (DatasetNotFoundError, DatasetCorruptError, StorageError):
        return False
    return True
