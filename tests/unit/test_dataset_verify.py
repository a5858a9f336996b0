"""A dataset file is believed only if its contents are the published ones."""

import gzip
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fmnist_edge.dataset.cache import keep, lacking
from fmnist_edge.dataset.catalog import DATASET_SHA256, FILES, LABELS, TEST_IMAGES, DataFile
from fmnist_edge.dataset.verify import read_beginning, read_verified, verify_folder
from fmnist_edge.errors import DatasetCorruptError, DatasetNotFoundError, StorageError
from fmnist_edge.files import sha256_of

_CONTENTS = b"\0\0\x08\x01\0\0\0\x06\1\2\3\4\5\6"
_FILE = DataFile("sample-idx1-ubyte.gz", "test-labels", (6,), sha256_of(_CONTENTS))


def _packed(contents: bytes = _CONTENTS) -> bytes:
    return gzip.compress(contents, mtime=0)


def test_the_catalog_knows_the_published_sizes() -> None:
    assert [file.size for file in FILES] == [47_040_016, 60_008, 7_840_016, 10_008]
    assert len(LABELS) == len(set(LABELS)) == 10


def test_the_dataset_keeps_its_identity() -> None:
    assert DATASET_SHA256 == "d1fd84a877f3b78fa9a171b3de73f93e7b6f69ed94bada3feae9d96821401f5c"


def test_the_packed_file_is_read(tmp_path: Path) -> None:
    (tmp_path / _FILE.name).write_bytes(_packed())
    assert read_verified(tmp_path, _FILE) == _CONTENTS


@pytest.mark.parametrize("length", [0, 1, 13, 14, 20])
def test_the_beginning_of_a_file_is_that_of_the_whole(tmp_path: Path, length: int) -> None:
    (tmp_path / _FILE.name).write_bytes(_packed())
    assert read_beginning(tmp_path, _FILE, length) == _CONTENTS[:length]


def test_a_beginning_is_believed_only_if_the_whole_file_is_the_published_one(
    tmp_path: Path,
) -> None:
    (tmp_path / _FILE.name).write_bytes(_packed(_CONTENTS[:-1] + b"x"))
    with pytest.raises(DatasetCorruptError, match="SHA-256 of its contents is"):
        read_beginning(tmp_path, _FILE, 1)
    (tmp_path / _FILE.name).write_bytes(_packed(_CONTENTS + b"x"))
    with pytest.raises(DatasetCorruptError, match="it holds more than 14 bytes"):
        read_beginning(tmp_path, _FILE, 1)


def test_the_beginning_of_a_large_file_takes_little_memory(real_data_folder: Path) -> None:
    tracemalloc.start()
    try:
        read_beginning(real_data_folder, TEST_IMAGES, 1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < TEST_IMAGES.size / 10


def test_an_unchanged_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / _FILE.name).write_bytes(_packed())
    assert read_verified(tmp_path, _FILE) is read_verified(tmp_path, _FILE)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / _FILE.name
    path.write_bytes(_packed())
    assert read_verified(tmp_path, _FILE) == _CONTENTS
    path.write_bytes(_packed(_CONTENTS[:-1] + b"x"))
    with pytest.raises(DatasetCorruptError, match="SHA-256 of its contents is"):
        read_verified(tmp_path, _FILE)


def test_the_container_does_not_matter(tmp_path: Path) -> None:
    two_members = _packed(_CONTENTS[:5]) + _packed(_CONTENTS[5:])
    (tmp_path / _FILE.name).write_bytes(two_members)
    assert read_verified(tmp_path, _FILE) == _CONTENTS


def test_the_unpacked_file_is_read(tmp_path: Path) -> None:
    (tmp_path / _FILE.unpacked_name).write_bytes(_CONTENTS)
    assert read_verified(tmp_path, _FILE) == _CONTENTS


@pytest.mark.parametrize(
    ("container", "problem"),
    [
        pytest.param(b"", "it holds 0 bytes, not 14", id="empty"),
        pytest.param(b"<html>not here</html>", "not a sound gzip file: Not a gzipped", id="html"),
        pytest.param(_packed()[:20], "is truncated", id="truncated"),
        pytest.param(_packed()[:-1], "is truncated", id="last byte missing"),
        pytest.param(_packed()[:-8] + b"abcd" + _packed()[-4:], "CRC check failed", id="checksum"),
        pytest.param(_packed()[:10] + b"\xff" * 20, "not a sound gzip file", id="deflate"),
        pytest.param(_packed() + b"more", "not a sound gzip file", id="trailing bytes"),
        pytest.param(_packed(_CONTENTS[:-1]), "it holds 13 bytes, not 14", id="short"),
        pytest.param(_packed(_CONTENTS + b"x"), "it holds more than 14 bytes", id="long"),
        pytest.param(_packed(_CONTENTS[:-1] + b"x"), "SHA-256 of its contents is", id="other"),
    ],
)
def test_a_wrong_packed_file_is_named_with_its_problem(
    tmp_path: Path, container: bytes, problem: str
) -> None:
    (tmp_path / _FILE.name).write_bytes(container)
    with pytest.raises(DatasetCorruptError, match=problem) as caught:
        read_verified(tmp_path, _FILE)
    assert str(tmp_path / _FILE.name) in caught.value.message
    assert caught.value.hint


def test_a_wrong_unpacked_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / _FILE.unpacked_name).write_bytes(_CONTENTS[:-1] + b"x")
    with pytest.raises(DatasetCorruptError, match="SHA-256 of its contents is"):
        read_verified(tmp_path, _FILE)


def test_a_wrong_packed_file_is_not_excused_by_a_right_unpacked_one(tmp_path: Path) -> None:
    (tmp_path / _FILE.name).write_bytes(b"nonsense")
    (tmp_path / _FILE.unpacked_name).write_bytes(_CONTENTS)
    with pytest.raises(DatasetCorruptError):
        read_verified(tmp_path, _FILE)


def test_a_gzip_bomb_stays_folded(tmp_path: Path) -> None:
    megabytes_200 = gzip.compress(bytes(200_000_000), mtime=0)
    (tmp_path / _FILE.name).write_bytes(megabytes_200)
    tracemalloc.start()
    try:
        with pytest.raises(DatasetCorruptError, match="more than 14 bytes"):
            read_verified(tmp_path, _FILE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match=r"There is no sample-idx1-ubyte\.gz in"):
        read_verified(tmp_path, _FILE)
    with pytest.raises(DatasetNotFoundError):
        verify_folder(tmp_path / "nowhere")


def test_a_folder_or_pipe_of_that_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / _FILE.name).mkdir()
    os.mkfifo(tmp_path / _FILE.unpacked_name)
    with pytest.raises(DatasetNotFoundError):
        read_verified(tmp_path, _FILE)


@contextmanager
def _as_somebody_else() -> Iterator[None]:
    """Root reads everything, so be nobody for a while; others are told no by the file's mode."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("locked", ["file", "folder"])
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, locked: str) -> None:
    path = tmp_path / _FILE.name
    path.write_bytes(_packed())
    barred = path if locked == "file" else tmp_path
    barred.chmod(0)
    try:
        with _as_somebody_else(), pytest.raises(StorageError) as caught:
            read_verified(tmp_path, _FILE)
    finally:
        barred.chmod(0o700)
    assert caught.value.message == f"Cannot read {path}: permission denied."
    assert "chmod" in caught.value.hint


def test_only_verified_files_are_kept(tmp_path: Path) -> None:
    scratch, cache = tmp_path / "scratch", tmp_path / "cache"
    scratch.mkdir()
    (scratch / _FILE.name).write_bytes(_packed(b"other"))
    with pytest.raises(DatasetCorruptError):
        keep(cache, scratch, _FILE)
    assert not cache.exists()
    (scratch / _FILE.name).write_bytes(_packed())
    keep(cache, scratch, _FILE)
    assert [path.name for path in cache.iterdir()] == [_FILE.name]
    assert read_verified(cache, _FILE) == _CONTENTS


def test_an_empty_cache_lacks_everything(tmp_path: Path) -> None:
    assert lacking(tmp_path / "nowhere", FILES) == FILES


def test_the_real_dataset_is_the_published_one(real_data_folder: Path) -> None:
    verify_folder(real_data_folder)
    assert lacking(real_data_folder, FILES) == ()
