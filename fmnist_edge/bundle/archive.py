"""Reading the archive of a bundle without believing it.

Nothing is taken from it before its directory, the names, the sizes and the index have been checked,
and no number in it decides how much memory is used. Every byte is either a header, which must be
the one that `layout` gives, or belongs to a member, whose SHA-256 the index tells.
"""

import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from fmnist_edge.bundle import layout
from fmnist_edge.bundle.index import (
    INDEX_NAME,
    LARGEST_BUNDLE_BYTES,
    LARGEST_INDEX_BYTES,
    LARGEST_MEMBER_BYTES,
    MOST_MEMBERS,
    SCHEMA_VERSION,
    BundleIndex,
    Member,
)
from fmnist_edge.bundle.layout import Entry
from fmnist_edge.bundle.names import LONGEST_NAME_BYTES, problem_of_names, quoted
from fmnist_edge.errors import ArtifactNotFoundError, BundleError
from fmnist_edge.records import RecordError, SchemaError, decode_document

_BLOCK: Final = 1 << 20
_LARGEST_DIRECTORY: Final = MOST_MEMBERS * (layout.CENTRAL.size + LONGEST_NAME_BYTES)
_DO: Final = "Copy the bundle again, or make it again with: fmnist-edge bundle"


@dataclass(frozen=True)
class Archive:
    """An open bundle whose directory and index have been checked; its members have not.

    Args:
        path: Of the file.
        index: What it says it holds.
    """

    path: Path
    index: BundleIndex
    _stream: BufferedReader
    _entries: Mapping[str, Entry]

    def sha256(self) -> str:
        """Return the SHA-256 of the whole file."""
        with _read_errors(self.path):
            self._stream.seek(0)
            return hashlib.file_digest(self._stream, "sha256").hexdigest()

    def copy(self, member: Member, take: Callable[[bytes], object]) -> None:
        """Give the bytes of a member to `take`, block by block.

        Raises:
            BundleError: They are not those that the index describes; some were given already.
        """
        entry = self._entries[member.path]
        digest, crc32 = hashlib.sha256(), 0
        _seek_to_contents(self._stream, entry, self.path)
        left = entry.size_bytes
        while left:
            with _read_errors(self.path):
                block = self._stream.read(min(_BLOCK, left))
            if not block:
                raise _refused(self.path, f"{quoted(entry.name)} ends too early")
            digest.update(block)
            crc32 = zlib.crc32(block, crc32)
            take(block)
            left -= len(block)
        if digest.hexdigest() != member.sha256 or crc32 != entry.crc32:
            raise _refused(
                self.path,
                f"{quoted(entry.name)} is not the file that the index describes (its hash differs)",
            )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a bundle, and check its directory and its index.

    Raises:
        ArtifactNotFoundError: There is no such file, or it cannot be read.
        BundleError: It is no bundle, or a damaged or a dangerous one, or was made by a newer
            version.
    """
    with _read_errors(path):
        is_file = stat.S_ISREG(path.stat().st_mode)
    if not is_file:
        raise _refused(path, "it is no file")
    with _read_errors(path):
        stream = path.open("rb")
    with stream:
        entries = _directory(stream, path)
        index = _index(stream, entries, path)
        _compare(entries, index, path)
        yield Archive(path, index, stream, {each.name: each for each in entries})


def _directory(stream: BufferedReader, path: Path) -> tuple[Entry, ...]:
    """Return the members that the end of the archive lists, all of them checked."""
    size = os.fstat(stream.fileno()).st_size
    if size > LARGEST_BUNDLE_BYTES:
        raise _refused(path, f"it has more than {LARGEST_BUNDLE_BYTES >> 20} MiB")
    with _read_errors(path):
        head = stream.read(len(layout.LOCAL_MAGIC))
        stream.seek(max(0, size - layout.END.size))
        end = stream.read(layout.END.size)
    if head != layout.LOCAL_MAGIC:
        raise _refused(path, "it is not a ZIP file that begins with a member")
    if len(end) < layout.END.size or not end.startswith(layout.END_MAGIC):
        raise _refused(path, "it is truncated, or was not made by fmnist-edge bundle")
    *_, count, length, start, _ = layout.END.unpack(end)
    if count > MOST_MEMBERS or length > _LARGEST_DIRECTORY:
        raise _refused(path, f"it has more than {MOST_MEMBERS} members")
    if start + length + layout.END.size != size:
        raise _refused(path, "it is truncated, or was not made by fmnist-edge bundle")
    with _read_errors(path):
        stream.seek(start)
        listed = stream.read(length)
    entries = tuple(_entries(listed, path))
    problem = problem_of_names([each.name for each in entries])
    if problem:
        raise _refused(path, problem)
    _check_layout(entries, listed + end, path)
    return entries


def _entries(listed: bytes, path: Path) -> Iterator[Entry]:
    """Yield the members of a directory; each by itself is one that a bundle may have."""
    place = 0
    while place < len(listed):
        if len(listed) - place < layout.CENTRAL.size:
            raise _refused(path, "its directory is damaged")
        fields = layout.CENTRAL.unpack_from(listed, place)
        magic, _, _, flags, method, _, _, crc32, packed, size, *rest = fields
        name_length, extra_length, comment_length, _, _, mode, offset = rest
        place += layout.CENTRAL.size
        raw = listed[place : place + name_length]
        place += name_length + extra_length + comment_length
        if magic != layout.CENTRAL_MAGIC:
            raise _refused(path, "its directory is damaged")
        name = _name(raw, path, utf8=bool(flags & layout.UTF8))
        problem = _problem(name, flags=flags, method=method, sizes=(packed, size), mode=mode)
        if problem:
            raise _refused(path, problem)
        if not offset and name != INDEX_NAME:
            raise _refused(path, f"it is no bundle: it does not begin with {INDEX_NAME}")
        yield Entry(name, crc32, size, offset)


def _name(raw: bytes, path: Path, *, utf8: bool) -> str:
    try:
        return raw.decode("utf-8" if utf8 else "ascii")
    except UnicodeError as error:
        raise _refused(path, f"the name {raw!a} cannot be read") from error


def _problem(name: str, *, flags: int, method: int, sizes: tuple[int, int], mode: int) -> str:
    """Return what forbids to have this member; empty where nothing does."""
    kind = stat.S_IFMT(mode >> 16)
    packed, size = sizes
    if flags & layout.ENCRYPTED:
        return f"{quoted(name)} is encrypted"
    if stat.S_ISLNK(kind):
        return f"{quoted(name)} is a symbolic link"
    if kind and not stat.S_ISREG(kind):
        return f"{quoted(name)} is no plain file"
    if size > LARGEST_MEMBER_BYTES:
        return f"{quoted(name)} claims {size} bytes, more than {LARGEST_MEMBER_BYTES >> 20} MiB"
    if method != layout.STORED or packed != size:
        return (
            f"{quoted(name)} is compressed ({packed} bytes stand for {size}), and members of "
            "bundles are not"
        )
    return ""


def _check_layout(entries: Sequence[Entry], directory: bytes, path: Path) -> None:
    """Refuse gaps, overlaps, and any field that is not as `fmnist-edge bundle` writes it."""
    place = 0
    for entry in entries:
        if entry.offset != place:
            raise _refused(path, f"{quoted(entry.name)} overlaps another member, or has a gap")
        place = entry.end
    if directory != layout.directory(entries):
        raise _refused(path, "its directory is damaged, or was not made by fmnist-edge bundle")


def _index(stream: BufferedReader, entries: Sequence[Entry], path: Path) -> BundleIndex:
    if not entries or entries[0].name != INDEX_NAME:
        raise _refused(path, f"it is no bundle: it does not begin with {INDEX_NAME}")
    if entries[0].size_bytes > LARGEST_INDEX_BYTES:
        raise _refused(path, f"{INDEX_NAME} has more than {LARGEST_INDEX_BYTES >> 20} MiB")
    _seek_to_contents(stream, entries[0], path)
    with _read_errors(path):
        text = stream.read(entries[0].size_bytes)
    if zlib.crc32(text) != entries[0].crc32:
        raise _refused(path, f"{INDEX_NAME} is damaged")
    try:
        return decode_document(BundleIndex, text, SCHEMA_VERSION)
    except SchemaError as error:
        hint = "Update fmnist-edge here." if error.is_newer else _DO
        raise _refused(path, f"{INDEX_NAME}: {error}", hint=hint) from error
    except RecordError as error:
        raise _refused(path, f"{INDEX_NAME} cannot be understood: {error}") from error


def _compare(entries: Sequence[Entry], index: BundleIndex, path: Path) -> None:
    """Check that the archive holds what the index lists, in its order, and nothing else."""
    there = {each.name: each.size_bytes for each in entries[1:]}
    listed = {each.path: each.size_bytes for each in index.members}
    for name in there.keys() - listed.keys():
        raise _refused(path, f"{quoted(name)} is not in its index")
    for name in listed.keys() - there.keys():
        raise _refused(path, f"its index lists {quoted(name)}, which is not there")
    for name, size in listed.items():
        if there[name] != size:
            raise _refused(path, f"{quoted(name)} has {there[name]} bytes, its index says {size}")
    if list(there) != list(listed):
        raise _refused(path, "its members are not in the order of its index")


def _seek_to_contents(stream: BufferedReader, entry: Entry, path: Path) -> None:
    """Go to the bytes of a member; the header before them must be the one that is expected."""
    with _read_errors(path):
        stream.seek(entry.offset)
        header = stream.read(len(entry.header))
    if header != entry.header:
        raise _refused(path, f"the header of {quoted(entry.name)} is damaged")


def _refused(path: Path, problem: str, *, hint: str = _DO) -> BundleError:
    return BundleError(f"{path} cannot be used as a bundle: {problem}.", hint=hint)


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtifactNotFoundError(
            f"Cannot read {path}: {error.strerror}.", hint="Check the path."
        ) from error
