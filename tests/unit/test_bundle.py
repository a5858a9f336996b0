"""Bundles: written the same each time, and read without being believed."""

import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from fmnist_edge.artifact import SAVED_MODEL_FILE, Format, manifest_path, open_artifact
from fmnist_edge.artifact import write_artifact as write
from fmnist_edge.bundle import (
    DATA_FILES,
    bundles_folder,
    data_beside,
    open_bundle,
    write_bundle,
)
from fmnist_edge.bundle.index import LARGEST_BUNDLE_BYTES, data_path
from fmnist_edge.dataset import DATASET_SHA256, TEST_FILES, TRAIN_FILES, load_test, locate
from fmnist_edge.dataset.verify import read_verified
from fmnist_edge.errors import (
    ArtifactExistsError,
    ArtifactNotFoundError,
    BundleError,
    DatasetNotFoundError,
    HashMismatchError,
    StorageError,
    UsageError,
)
from fmnist_edge.files import sha256_of
from fmnist_edge.records import replace
from tests.archives import FILES, HOSTILE, MODEL, bundle, entries
from tests.examples import manifest, npz_model

_MEBIBYTE = 1 << 20


def _model(folder: Path, file: str = "model.npz", payload: bytes = b"a model") -> Path:
    return write(folder, payload, manifest(payload, file))


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    """Three models in two folders: with a manifest, with a companion, and with neither."""
    shelf = tmp_path / "shelf"
    plain = _model(shelf, payload=npz_model())
    weights = b"weights"
    described = replace(
        manifest(b"<net/>", "model.xml"),
        format=Format.OPENVINO,
        companions={"model.bin": sha256_of(weights)},
    )
    openvino = write(shelf / "deep", b"<net/>", described, {"model.bin": weights})
    bare = shelf / "deep" / "bare.tflite"
    bare.write_bytes(b"TFL3")
    return [plain, openvino, bare]


@pytest.fixture
def file(tmp_path: Path, models: list[Path]) -> Path:
    """A bundle of them, without data."""
    write_bundle(models, tmp_path / "b.zip", data=None)
    return tmp_path / "b.zip"


# Writing


def test_what_is_packed_comes_out_again(file: Path, models: list[Path], tmp_path: Path) -> None:
    opened = open_bundle(file, tmp_path / "cache")
    assert [each.relative_to(opened.folder / "models").as_posix() for each in opened.models] == [
        "deep/bare.tflite",
        "deep/model.xml",
        "model.npz",
    ]
    for before, after in zip(sorted(models), sorted(opened.models), strict=True):
        packed, unpacked = open_artifact(before), open_artifact(after)
        assert unpacked == replace(packed, path=after)
        assert unpacked.companions == packed.companions
    assert opened.data is None
    assert opened.sha256 == sha256_of(file.read_bytes())
    assert opened.folder == tmp_path / "cache" / opened.sha256


def test_other_programs_read_a_bundle(file: Path) -> None:
    with zipfile.ZipFile(file) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [
            "bundle.json",
            "models/deep/bare.tflite",
            "models/deep/model.bin",
            "models/deep/model.xml",
            "models/deep/model.xml.json",
            "models/model.npz",
            "models/model.npz.json",
        ]
        assert {each.compress_type for each in opened.infolist()} == {zipfile.ZIP_STORED}
        assert {each.date_time for each in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {each.external_attr >> 16 for each in opened.infolist()} == {0o100644}


def test_zipfile_writes_the_same_bytes_when_it_is_told_the_same(tmp_path: Path) -> None:
    for name, payload in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(payload)
    write_bundle([tmp_path / name for name in FILES], tmp_path / "ours.zip", data=None)
    assert (tmp_path / "ours.zip").read_bytes() == bundle()


def test_the_same_models_give_the_same_bytes_wherever_they_lie(
    file: Path, models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "else where"
    shutil.copytree(models[0].parent, elsewhere)
    for path in elsewhere.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    monkeypatch.chdir(elsewhere)
    named = ["deep/bare.tflite", "./model.npz", "deep/../deep/model.xml", elsewhere / "model.npz"]
    write_bundle([Path(each) for each in named], Path("again.zip"), data=None)
    assert Path("again.zip").read_bytes() == file.read_bytes()


def test_data_are_the_same_bytes_packed_and_unpacked(
    models: list[Path], real_data_folder: Path, tmp_path: Path
) -> None:
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    for each in DATA_FILES:
        (unpacked / each.unpacked_name).write_bytes(read_verified(real_data_folder, each))
    for name, data in (("one.zip", real_data_folder), ("two.zip", unpacked)):
        index = write_bundle(models, tmp_path / name, data=data)
        assert index.data_sha256 == DATASET_SHA256
        assert index.data_bytes == sum(each.size for each in DATA_FILES)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    opened = open_bundle(tmp_path / "one.zip", tmp_path / "cache")
    assert opened.data is not None
    assert locate(opened.data, files=DATA_FILES).path == opened.data
    assert len(load_test(opened.data)) == 10_000
    # Whoever has such a model finds the data that came with it, and only those.
    for model in opened.models:
        assert data_beside(model, TEST_FILES, tmp_path / "cache") == opened.data
        assert data_beside(model, TRAIN_FILES, tmp_path / "cache") is None
        assert data_beside(model, TEST_FILES) is None, "it is in another cache"


def test_a_model_that_is_a_folder_keeps_its_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        described = replace(manifest(file=SAVED_MODEL_FILE), format=Format.SAVED_MODEL)
        write(tmp_path / f"{name}.saved-model", b"a model", described)
    one, two = (tmp_path / f"{name}.saved-model" / SAVED_MODEL_FILE for name in ("a", "b"))
    alone = write_bundle([one], tmp_path / "one.zip", data=None)
    assert alone.models == (f"models/a.saved-model/{SAVED_MODEL_FILE}",)
    both = write_bundle([one, two], tmp_path / "two.zip", data=None)
    assert both.models == tuple(f"models/{name}.saved-model/{SAVED_MODEL_FILE}" for name in "ab")


def test_nothing_is_replaced_unless_it_is_said(file: Path, models: list[Path]) -> None:
    before = file.read_bytes()
    with pytest.raises(ArtifactExistsError, match="is there already"):
        write_bundle(models[:1], file, data=None)
    assert file.read_bytes() == before
    write_bundle(models[:1], file, data=None, replace=True)
    assert file.read_bytes() != before


def test_what_cannot_be_in_a_bundle_is_refused_before_anything_is_written(
    models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "b.zip"
    with pytest.raises(UsageError, match=r"ends in \.zip"):
        write_bundle(models, tmp_path / "b.tar", data=None)
    upper = Path(shutil.copy(models[2], models[2].with_name("Bare.tflite")))
    with pytest.raises(UsageError, match="differ by upper and lower case only"):
        write_bundle([*models, upper], out, data=None)
    with pytest.raises(UsageError, match="has a backslash"):
        write_bundle([_model(tmp_path, "a\\b.npz")], out, data=None)
    with pytest.raises(DatasetNotFoundError):
        write_bundle(models, out, data=tmp_path)
    with pytest.raises(ArtifactNotFoundError):
        write_bundle([tmp_path / "nowhere.npz"], out, data=None)
    with monkeypatch.context() as patch:
        patch.setattr("fmnist_edge.bundle.write.LARGEST_MEMBER_BYTES", 3)
        with pytest.raises(UsageError, match="too much for one bundle"):
            write_bundle(models, out, data=None)
    models[0].write_bytes(b"damaged")
    with pytest.raises(HashMismatchError):
        write_bundle(models, out, data=None)
    with pytest.raises(StorageError):
        write_bundle(models[1:], models[1] / "b.zip", data=None)
    assert not list(tmp_path.glob("*.zip"))


# Reading what is hostile


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_bundle_is_refused_by_name_and_leaves_nothing(what: str, tmp_path: Path) -> None:
    make, said = HOSTILE[what]
    file = tmp_path / "b.zip"
    file.write_bytes(make())
    before = entries(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=said) as caught:
            open_bundle(file, tmp_path / "cache")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * _MEBIBYTE, "it decides itself how much memory is used"
    assert caught.value.message.startswith(f"{file} cannot be used as a bundle: ")
    assert "\n" not in caught.value.message
    left = entries(tmp_path)
    left.pop("cache", None)  # a folder, with nothing in it
    assert left == before


def test_a_newer_bundle_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    file.write_bytes(HOSTILE["newer"][0]())
    with pytest.raises(BundleError) as caught:
        open_bundle(file, tmp_path / "cache")
    assert caught.value.hint == "Update fmnist-edge here."


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError, match="No such file"):
        open_bundle(tmp_path / "nowhere.zip", tmp_path / "cache")
    os.mkfifo(tmp_path / "pipe.zip")
    for path in (tmp_path / "pipe.zip", tmp_path):
        with pytest.raises(BundleError, match="it is no file"):
            open_bundle(path, tmp_path / "cache")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "b.zip").open("wb") as stream:
        stream.truncate(LARGEST_BUNDLE_BYTES + 1)  # without a byte on the disk
    with pytest.raises(BundleError, match="it has more than 1024 MiB"):
        open_bundle(tmp_path / "b.zip", tmp_path / "cache")


# The cache


def test_a_bundle_is_unpacked_once(file: Path, tmp_path: Path) -> None:
    first = open_bundle(file, tmp_path / "cache")
    times = [path.stat().st_mtime_ns for path in first.models]
    again = open_bundle(Path(shutil.copy(file, tmp_path / "copy.zip")), tmp_path / "cache")
    assert again.models == first.models
    assert [path.stat().st_mtime_ns for path in again.models] == times
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_what_was_changed_in_the_cache_is_written_again(file: Path, tmp_path: Path) -> None:
    opened = open_bundle(file, tmp_path / "cache")
    whole = entries(opened.folder)
    opened.models[0].write_bytes(b"another model")
    manifest_path(opened.models[1]).unlink()
    shutil.rmtree(opened.folder / "models" / "deep")
    assert open_bundle(file, tmp_path / "cache").models == opened.models
    assert entries(opened.folder) == whole
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_the_usual_place_is_the_users_cache(file: Path) -> None:
    opened = open_bundle(file)
    assert opened.folder.parent == bundles_folder()
    assert bundles_folder().is_relative_to(Path.home() / ".cache")


def test_a_cache_that_cannot_be_written_is_told(file: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(StorageError):
        open_bundle(file, tmp_path / "cache")


def test_a_disk_that_becomes_full_leaves_nothing(file: Path, tmp_path: Path) -> None:
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n{OPEN}"
    with _python(code, file, tmp_path / "cache") as process:
        _, said = process.communicate(timeout=60)
    assert "StorageError: Cannot write" in said
    assert list((tmp_path / "cache").iterdir()) == []


OPEN = """
import sys
from pathlib import Path
from fmnist_edge.bundle import open_bundle
print(*(path.read_bytes().hex() for path in open_bundle(*map(Path, sys.argv[1:])).models))
"""
KILLED = """
import os, signal, sys
from fmnist_edge.bundle.archive import Archive
copy = Archive.copy
def once(self, member, take):
    copy(self, member, take)
    if member.path.endswith("model.xml"):
        os.kill(os.getpid(), signal.SIGKILL)
Archive.copy = once
"""


def _python(code: str, *arguments: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )


def test_processes_that_unpack_at_the_same_time_all_end_well(file: Path, tmp_path: Path) -> None:
    processes = [_python(OPEN, file, tmp_path / "cache") for _ in range(4)]
    told = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, told
    assert len({answer for answer, _ in told}) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_what_a_killed_process_leaves_is_not_taken_for_whole(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with _python(KILLED + OPEN, file, cache) as process:
        assert process.wait(timeout=60) == -signal.SIGKILL
    (left,) = cache.iterdir()
    assert left.name.endswith(".partial")
    opened = open_bundle(file, cache)
    assert list(cache.iterdir()) == [opened.folder]
    assert all(path.is_file() for path in opened.models)


def test_the_names_of_data_in_a_bundle_are_those_of_unpacked_files() -> None:
    assert [data_path(each) for each in TEST_FILES] == [
        "fashion-mnist/t10k-images-idx3-ubyte",
        "fashion-mnist/t10k-labels-idx1-ubyte",
    ]
    assert MODEL in FILES
