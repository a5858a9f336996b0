"""Bytes in memory, for a moment, as files: some libraries read nothing else."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fmnist_edge.files import storage_errors


@contextmanager
def temporary_files(files: Mapping[str, bytes]) -> Iterator[Path]:
    """Write files into a folder that nobody else may look into; it is gone after the block.

    What was read and checked is what a library then reads, whatever happens to the original.

    Args:
        files: Contents by path from the folder.

    Yields:
        The folder.

    Raises:
        StorageError: the temporary folder is full or not writable.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with storage_errors(folder):
            for name, payload in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(payload)
        yield folder
