"""Where bundles are unpacked: a folder per bundle among the user's caches, whole or not there."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import platformdirs

from fmnist_edge.bundle.archive import Archive
from fmnist_edge.bundle.index import DATA_FOLDER, INDEX_NAME, Member
from fmnist_edge.dataset import DataFile
from fmnist_edge.files import is_alive, storage_errors
from fmnist_edge.records import encode_bytes

_PARTIAL: Final = ".partial"


def bundles_folder() -> Path:
    """Return the folder of unpacked bundles in the user's cache folder."""
    return platformdirs.user_cache_path("fmnist-edge", appauthor=False) / "bundles"


def data_beside(model: Path, files: Sequence[DataFile], cache: Path | None = None) -> Path | None:
    """Return the folder of the data that came in the same bundle as an unpacked model.

    Args:
        model: Any model file.
        files: The files that are needed.
        cache: The folder of unpacked bundles; `bundles_folder()` by default.

    Returns:
        None where the model is from no bundle, or its bundle lacks one of the files.
    """
    root = cache or bundles_folder()
    if not model.is_relative_to(root) or model == root:
        return None
    folder = root / model.relative_to(root).parts[0] / DATA_FOLDER
    held = all((folder / each.unpacked_name).is_file() for each in files)
    return folder if held else None


def unpack(archive: Archive, cache: Path) -> Path:
    """Return the folder with the members of a bundle, which is made if it is not there.

    A bundle that was unpacked before is compared with its index, and what has been changed since is
    written again.

    Raises:
        BundleError: A member is not the one that the index describes; nothing is left.
        StorageError: `cache` cannot be written to.
    """
    folder = cache / archive.sha256()
    if not folder.is_dir():
        _unpack_anew(archive, folder)
    changed = [each for each in archive.index.members if not _holds(folder, each)]
    if changed:
        with storage_errors(folder):
            _repair(archive, folder, changed)
    return folder


def _unpack_anew(archive: Archive, folder: Path) -> None:
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        with _private_folder(folder) as private:
            _extract(archive, archive.index.members, private)
            (private / INDEX_NAME).write_bytes(encode_bytes(archive.index))
            try:
                private.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise  # Otherwise another process was first, with the same bytes.


def _repair(archive: Archive, folder: Path, changed: Sequence[Member]) -> None:
    with _private_folder(folder) as private:
        _extract(archive, changed, private)
        for member in changed:
            place = folder / member.path
            place.parent.mkdir(parents=True, exist_ok=True)
            (private / member.path).replace(place)


def _extract(archive: Archive, members: Sequence[Member], folder: Path) -> None:
    for member in members:
        path = folder / member.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            archive.copy(member, stream.write)


def _holds(folder: Path, member: Member) -> bool:
    try:
        with (folder / member.path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == member.sha256
    except OSError:
        return False


@contextmanager
def _private_folder(folder: Path) -> Iterator[Path]:
    """Yield a new hidden folder beside `folder`, which is gone afterwards."""
    private = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.{os.getpid()}{_PARTIAL}"
    private.mkdir()
    try:
        yield private
    finally:
        # Also after Ctrl-C.
        shutil.rmtree(private, ignore_errors=True)


def _sweep(cache: Path) -> None:
    """Remove what processes that were killed have left."""
    for leftover in cache.glob(f".*{_PARTIAL}"):
        writer = leftover.name.removesuffix(_PARTIAL).rpartition(".")[2]
        if writer.isdecimal() and not is_alive(int(writer)):
            shutil.rmtree(leftover, ignore_errors=True)
