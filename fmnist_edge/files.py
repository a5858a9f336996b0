"""Writing files atomically, and hashing them."""

import errno
import glob
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from fmnist_edge.errors import StorageError

# `hashlib` loads OpenSSL, 3.5 MB of each measuring process. Python's own implementation computes
# the same; `random` of the standard library takes it for the same reason.
try:
    from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]  # Python 3.11
    except ImportError:
        from hashlib import sha256

_PARTIAL: Final = ".partial"
_REASONS: Final = {
    errno.ENOSPC: ("the disk is full", "Free some space and run the command again."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space and run the command again."),
    errno.EFBIG: ("the file would be too large", "Raise the file size limit (ulimit -f)."),
    errno.EROFS: ("the file system is read-only", "Choose another folder."),
    errno.EACCES: ("permission is denied", "Choose a folder you may write to."),
    errno.EPERM: ("permission is denied", "Choose a folder you may write to."),
    errno.EISDIR: ("it is a folder", "Choose a file name."),
    errno.ENOTDIR: ("part of its path is a file", "Choose another folder."),
    errno.EEXIST: ("part of its path is a file", "Choose another folder."),
}


class Digest(Protocol):
    """A hash that is fed piece by piece."""

    def update(self, piece: bytes, /) -> None:
        """Take the next piece."""

    def hexdigest(self) -> str:
        """Return the hash of all pieces as lower-case hexadecimal digits."""


def new_sha256() -> Digest:
    """Return a SHA-256 of nothing yet."""
    digest: Digest = sha256()
    return digest


def sha256_of(payload: bytes) -> str:
    """Return the SHA-256 of `payload` as 64 lower-case hexadecimal digits."""
    digest = new_sha256()
    digest.update(payload)
    return digest.hexdigest()


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an error of the operating system about `path` into a `StorageError`.

    Raises:
        StorageError: An `OSError` was raised inside.
    """
    try:
        yield
    except OSError as error:
        plain = error.strerror or str(error)
        reason, hint = _REASONS.get(error.errno or 0, (plain, "Choose another folder."))
        raise StorageError(f"Cannot write {path}: {reason}.", hint=hint) from error


def check_room(path: Path) -> None:
    """Check before long work that `path` can be written; nothing is written.

    Raises:
        StorageError: `path` is a folder, or the nearest folder above it that exists cannot be
            written to.
    """
    folder = next(each for each in path.absolute().parents if each.exists())
    with storage_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def write_atomically(path: Path, payload: bytes) -> None:
    """Write `payload` to `path`, which holds either all of it or its former content.

    Raises:
        StorageError: The folder cannot be written to; no partial file is left.
    """
    with staged(path, payload) as place:
        place()


@contextmanager
def staged(path: Path, payload: bytes) -> Iterator[Callable[[], None]]:
    """Write `payload` to a hidden file beside `path`, and yield a function that renames it.

    The bytes are on the disk before the rename, which is one step and needs no further space.
    Missing folders are made. The next write of the same path removes the hidden files of killed
    processes.

    Raises:
        StorageError: The folder cannot be written to; no partial file is left.
    """
    partial = path.parent / f".{path.name}.{os.getpid()}{_PARTIAL}"

    def place() -> None:
        with storage_errors(path):
            partial.replace(path)
            _sync_folder(path.parent)

    try:
        with storage_errors(path):
            _write_partial(path, partial, payload)
        yield place
    finally:
        # Also after Ctrl-C.
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _write_partial(path: Path, partial: Path, payload: bytes) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    with partial.open("wb") as stream:
        stream.write(payload)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, on file systems that can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sweep(path: Path) -> None:
    """Remove partial files of `path` whose processes have ended."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*{_PARTIAL}"):
        writer = leftover.name.removesuffix(_PARTIAL).rpartition(".")[2]
        if writer.isdecimal() and not is_alive(int(writer)):
            leftover.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Return whether a process of that number lives, whoever owns it."""
    if os.name == "nt":
        return True  # On Windows, signal 0 would end the process.
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no process has a number that large
        return False
    except PermissionError:
        return True
    return True
