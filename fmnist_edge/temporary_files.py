"""Temporary files for libraries that cannot read from memory."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fmnist_edge.files import storage_errors


@contextmanager
def temporary_files(files: Mapping[str, bytes]) -> Iterator[Path]:
    """Write files into a private temporary folder, which is removed after the block.

    A library then reads the bytes that were checked, even if the original file changes.

    Args:
        files: Contents by path relative to the folder.

    Yields:
        The folder.

    Raises:
        StorageError: The folder for temporary files is full or not writable.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with storage_errors(folder):
            for name, payload in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(payload)
        yield folder
