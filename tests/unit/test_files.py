"""A file is written whole or not at all, and what stops it becomes a sentence."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_edge.errors import StorageError
from fmnist_edge.files import check_room, new_sha256, sha256_of, storage_errors, write_atomically

# Writes 5,000 bytes where the system allows files of 1,000: fails half-way, for root, too.
_TOO_LARGE = """
import resource, sys
from pathlib import Path
from fmnist_edge.errors import StorageError
from fmnist_edge.files import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path(sys.argv[1]), b"n" * 5000)
except StorageError as error:
    print(error.message, error.hint)
"""


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_the_sha256_is_the_published_one() -> None:
    assert sha256_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_hash_can_be_fed_piece_by_piece() -> None:
    digest = new_sha256()
    for piece in (b"a", b"", b"bc"):
        digest.update(piece)
    assert digest.hexdigest() == sha256_of(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_a_file_is_written_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folders" / "file.json"
    write_atomically(path, b"a long first content")
    write_atomically(path, b"short")
    assert path.read_bytes() == b"short"
    assert _names(path.parent) == ["file.json"]


def test_a_write_that_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", _TOO_LARGE, path], check=True, capture_output=True, text=True
    )
    assert done.stdout == (
        f"Cannot write {path}: the file would be too large. "
        "Raise the file size limit (ulimit -f).\n"
    )
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["file.json"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="it is a folder") as caught:
        write_atomically(tmp_path / "folder", b"")
    assert caught.value.hint == "Choose a file name."
    assert _names(tmp_path) == ["folder"]


def test_the_current_folder_is_no_file_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match=r"Cannot write \.: it is a folder"):
        write_atomically(Path(), b"")


@pytest.mark.parametrize("below", ["x.json", "folder/x.json"])
def test_nothing_is_written_below_a_file(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(StorageError, match="part of its path is a file"):
        write_atomically(tmp_path / "file" / below, b"")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_what_a_dead_process_left_is_swept_up(tmp_path: Path) -> None:
    dead = _dead_process()
    (tmp_path / f".model[1].npz.{dead}.partial").touch()
    (tmp_path / f".model[1].npz.{10**30}.partial").touch()
    write_atomically(tmp_path / "model[1].npz", b"")
    assert _names(tmp_path) == ["model[1].npz"]


def test_what_is_not_known_to_be_left_over_is_kept(tmp_path: Path) -> None:
    kept = [
        ".model.npz.1.partial",
        ".model.npz.backup.partial",
        f".other.{_dead_process()}.partial",
    ]
    for name in kept:
        (tmp_path / name).touch()
    write_atomically(tmp_path / "model.npz", b"")
    assert _names(tmp_path) == sorted([*kept, "model.npz"])


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EPERM, "permission is denied"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_what_the_system_says_becomes_a_sentence(number: int, reason: str) -> None:
    with pytest.raises(StorageError) as caught, storage_errors(Path("a/b.json")):
        raise OSError(number, os.strerror(number))
    assert caught.value.message == f"Cannot write a/b.json: {reason}."
    assert caught.value.hint


def test_an_error_without_a_number_keeps_its_own_words() -> None:
    expected = pytest.raises(StorageError, match=r"^Cannot write x: it just would not\.$")
    with expected, storage_errors(Path("x")):
        raise OSError("it just would not")


def test_whether_there_is_room_is_found_out_without_making_anything(tmp_path: Path) -> None:
    check_room(tmp_path / "not" / "yet" / "there.json")
    assert list(tmp_path.iterdir()) == []


def test_a_path_below_a_file_has_no_room(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/model\.npz: part of its path is a file"):
        check_room(tmp_path / "file" / "model.npz")


def test_a_file_system_that_takes_no_files_has_no_room() -> None:
    with pytest.raises(
        StorageError, match=r"Cannot write /proc/1/model\.npz: permission is denied"
    ):
        check_room(Path("/proc/1/model.npz"))
