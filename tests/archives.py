"""Bundles of all kinds, made with Python's own zipfile: right ones, damaged ones, hostile ones."""

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from fmnist_edge.bundle import BundleIndex, Member
from fmnist_edge.dataset import DATASET_SHA256
from fmnist_edge.files import sha256_of
from fmnist_edge.records import encode_bytes, encode_json

INDEX: Final = "bundle.json"
MODEL: Final = "models/a.tflite"
FILES: Final[Mapping[str, bytes]] = {MODEL: b"one model", "models/b.tflite": b"another one"}


def info(name: str, *, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """What zipfile is told, so that it writes what a bundle demands."""
    told = zipfile.ZipInfo(name)  # of the first day of 1980
    told.create_system = 3
    told.external_attr = mode << 16
    return told


def archive(members: Iterable[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    """An archive of these members, in this order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name, payload in members:
            opened.writestr(info(name) if isinstance(name, str) else name, payload)
    return stream.getvalue()


def index_of(files: Mapping[str, bytes]) -> BundleIndex:
    """An index that describes these files; all of them are models."""
    members = [Member(name, sha256_of(files[name]), len(files[name])) for name in sorted(files)]
    return BundleIndex(tuple(each.path for each in members), tuple(members))


def bundle(files: Mapping[str, bytes] = FILES, **changes: object) -> bytes:
    """A bundle of these files with its index; `changes` are made to the JSON of the index."""
    index = encode_json(index_of(files))
    if changes:
        index = json.dumps(json.loads(index) | changes)
    return archive([(INDEX, index.encode()), *((name, files[name]) for name in sorted(files))])


def _with(name: zipfile.ZipInfo | str, payload: bytes = b"evil") -> bytes:
    """A right bundle, and one member more that its index does not list."""
    index = encode_bytes(index_of(FILES))
    return archive([(INDEX, index), *FILES.items(), (name, payload)])


def _listing(name: str) -> bytes:
    """A bundle whose index lists a member of that name, which is there."""
    text = encode_json(index_of({"models/b.tflite": b"evil"})).replace("models/b.tflite", name)
    return archive([(INDEX, text.encode()), (name, b"evil")])


def _bomb() -> bytes:
    """200 MB of zeros in 200 kB."""
    zeros = info("models/zeros.tflite")
    zeros.compress_type = zipfile.ZIP_DEFLATED
    return _with(zeros, bytes(200_000_000))


def _patched(payload: bytes, magic: bytes, form: str, changes: Mapping[int, int]) -> bytes:
    """An archive with other numbers in the last structure that begins with `magic`."""
    place = payload.rindex(magic)
    fields = list(struct.unpack_from(form, payload, place))
    for field, value in changes.items():
        fields[field] = value
    patched = bytearray(payload)
    struct.pack_into(form, patched, place, *fields)
    return bytes(patched)


def _listed(changes: Mapping[int, int]) -> bytes:
    """A bundle with other numbers in the last entry of its directory."""
    return _patched(bundle(), b"PK\x01\x02", "<4s6H3L5H2L", changes)


def _overlapping() -> bytes:
    """Two members that are the same bytes of the archive."""
    files = {MODEL: b"one model", "models/b.tflite": b"one model"}
    listed = zipfile.ZipFile(io.BytesIO(bundle(files))).infolist()[1].header_offset
    return _patched(bundle(files), b"PK\x01\x02", "<4s6H3L5H2L", {16: listed})


def _damaged() -> bytes:
    """One byte of a model is another, and the checksum of the archive was mended."""
    files = dict(FILES, **{MODEL: b"one_model"})
    return archive([(INDEX, encode_bytes(index_of(FILES))), *files.items()])


def _symbolic_link() -> bytes:
    return _with(info("models/c.tflite", mode=stat.S_IFLNK | 0o777), b"/etc/passwd")


def _backslash() -> bytes:
    return _listing("models/b.tflite").replace(b"models/b.tflite", b"models\\b.tflite")


def _twice() -> bytes:
    return _with("models/c.tflite").replace(b"models/c.tflite", b"models/a.tflite")


def _missing() -> bytes:
    listed = encode_bytes(index_of(FILES))
    return archive([(INDEX, listed), (MODEL, FILES[MODEL])])


def _many() -> bytes:
    return archive([(INDEX, b"{}"), *((f"models/{each}", b"") for each in range(5_000))])


def _claims(members: int) -> bytes:
    changes = {3: members, 4: members}
    return _patched(bundle(), b"PK\x05\x06", "<4s4H2LH", changes)


# What is wrong, how it is made, and what is said about it.
HOSTILE: Final[Mapping[str, tuple[Callable[[], bytes], str]]] = {
    "changed": (_damaged, r"'models/a\.tflite' is not the file that the index describes"),
    "climbing": (lambda: _with("models/../../evil"), r"'models/\.\./\.\./evil' leads out of"),
    "climbing and listed": (lambda: _listing("../evil"), r"'\.\./evil' leads out of the bundle"),
    "absolute": (lambda: _with("/tmp/evil"), "'/tmp/evil' is absolute"),  # noqa: S108 - as a name
    "drive": (lambda: _listing("C:/evil"), "'C:/evil' begins with the letter of a drive"),
    "backslash": (_backslash, "has a backslash"),
    "folder": (lambda: _with("models/d/", b""), "is not that of a file"),
    "dot": (lambda: _with("models/./evil"), "is not that of a file"),
    "control character": (lambda: _with("models/e\nvil"), "has a control character"),
    "long name": (lambda: _with(f"models/{'e' * 300}"), "is too long"),
    "symbolic link": (_symbolic_link, r"'models/c\.tflite' is a symbolic link"),
    "device": (lambda: _with(info("models/c", mode=stat.S_IFCHR | 0o644)), "is no plain file"),
    "duplicate": (_twice, r"'models/a\.tflite' is there twice"),
    "case": (lambda: _with("models/A.tflite"), "differ by upper and lower case only"),
    "file and folder": (lambda: _with("models/a.tflite/c"), "is a file, and the folder of"),
    "bomb": (_bomb, "is compressed \\(\\d+ bytes stand for 200000000\\)"),
    "claims": (lambda: _listed({8: 0xFFFFFFF0, 9: 0xFFFFFFF0}), "claims 4294967280 bytes"),
    "ratio": (lambda: _listed({9: 500_000_000}), "is compressed"),
    "larger than it is": (lambda: _listed({8: 99, 9: 99}), "its directory is damaged"),
    "many": (_many, "more than 4096 members"),
    "claims many": (lambda: _claims(0xFFFF), "more than 4096 members"),
    "claims few": (lambda: _claims(1), "its directory is damaged"),
    "overlapping": (_overlapping, "overlaps another member"),
    "encrypted": (lambda: _listed({3: 1}), r"'models/b\.tflite' is encrypted"),
    "truncated": (lambda: bundle()[:-30], "it is truncated"),
    "headless": (lambda: bundle()[30:], "it is not a ZIP file that begins with a member"),
    "appended": (lambda: bundle() + b"\n", "it is truncated, or was not made by"),
    "empty": (lambda: b"", "it is not a ZIP file that begins with a member"),
    "text": (lambda: b"PK is not enough\n" * 9, "it is not a ZIP file that begins with a member"),
    "empty archive": (lambda: archive([]), "it is not a ZIP file that begins with a member"),
    "foreign": (lambda: archive([("holiday.jpg", b"sea")]), "it does not begin with bundle.json"),
    "other index": (lambda: archive([(INDEX, b'{"kind": "photos"}')]), "cannot be understood"),
    "no JSON": (lambda: archive([(INDEX, b"[" * 9)]), "cannot be understood"),
    "newer": (
        lambda: bundle(schema_version=2, news=1),
        r"bundle\.json: it has the newer schema version 2",
    ),
    "stranger": (lambda: _with("models/c.tflite"), r"'models/c\.tflite' is not in its index"),
    "missing": (_missing, r"its index lists 'models/b\.tflite', which is not there"),
    "no such model": (lambda: bundle(models=("models/c",)), "a model is not among its members"),
    "other data": (lambda: bundle(data_sha256="ab" * 32), "is another data set"),
    "no data": (
        lambda: bundle(data_sha256=DATASET_SHA256),
        "the published files are not its members",
    ),
}


def entries(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: the bytes of files, and None for the rest."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
