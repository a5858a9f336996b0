"""A wheel of the fmnist-edge that runs, made without network and without a build backend.

A machine that measures for this one needs the same code to the last line. The package may be
installed from a wheel or linked to a checkout that was changed; in both cases the files that run
are the ones to take along.
"""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

from fmnist_edge.files import write_atomically
from fmnist_edge.optional import own_metadata, own_records, package_folder

_PACKAGES: Final = ("fmnist_edge", "fmnist_edge_cli")
_CACHE: Final = "__pycache__"
# The earliest time that an archive can hold: the same files make the same bytes at any time.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE: Final = 0o100644 << 16
_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: fmnist-edge\nRoot-Is-Purelib: true\nTag: {tag}\n"
_TAG: Final = "py3-none-any"


def write_own_wheel(folder: Path) -> Path:
    """Write the wheel of this very fmnist-edge, and return its path.

    The same code gives the same bytes, and `identity.source_digest` is the same where the wheel is
    installed.

    Args:
        folder: Where to write it; it is made where it is missing.

    Raises:
        MissingDependencyError: A part of fmnist-edge is not installed here.
        StorageError: The folder cannot be written to.
    """
    version = HeaderParser().parsestr(own_metadata())["Version"]
    about = f"fmnist_edge-{version}.dist-info"
    path = folder / f"fmnist_edge-{version}-{_TAG}.whl"
    write_atomically(path, _archive(dict(_contents(about)), f"{about}/RECORD"))
    return path


def _contents(about: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of the wheel but its list of files."""
    for name in _PACKAGES:
        top = package_folder(name)
        for path in _files(top):
            yield f"{name}/{path.relative_to(top).as_posix()}", path.read_bytes()
    yield f"{about}/METADATA", own_metadata().encode()
    yield f"{about}/WHEEL", _WHEEL.format(tag=_TAG).encode()
    for name, content in sorted(own_records().items()):
        yield f"{about}/{name}", content


def _files(top: Path) -> Iterable[Path]:
    """Return the files of a package without what Python compiled, and without hidden files."""
    return sorted(
        path
        for path in top.rglob("*")
        if path.is_file()
        and not any(part == _CACHE or part[0] == "." for part in path.relative_to(top).parts)
    )


def _archive(contents: Mapping[str, bytes], record: str) -> bytes:
    """Return a wheel with these files and the list of them at the path `record`."""
    lines = [*(_recorded(path, content) for path, content in contents.items()), f"{record},,\n"]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**contents, record: "".join(lines).encode()}.items():
            member = zipfile.ZipInfo(path, _TIME)
            member.external_attr = _REGULAR_FILE
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return stream.getvalue()


def _recorded(path: str, content: bytes) -> str:
    """Return the line of RECORD about a file: its path, hash and size."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"
