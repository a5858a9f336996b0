"""An artifact is a file and a manifest that agree, or it is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_edge.artifact import (
    Artifact,
    Format,
    Quantization,
    find_artifacts,
    find_models,
    manifest_path,
    open_artifact,
    read_manifest,
    refuse_to_replace,
    write_artifact,
)
from fmnist_edge.errors import (
    ArtifactExistsError,
    ArtifactNotFoundError,
    HashMismatchError,
    ManifestError,
    ModelUnsupportedError,
    StorageError,
)
from fmnist_edge.records import replace
from tests.examples import manifest

# Where files end after 300 bytes: a small model fits, no manifest does.
_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from fmnist_edge.artifact import write_artifact
from fmnist_edge.errors import StorageError
from tests.examples import manifest
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
payload = bytes(int(sys.argv[2]))
try:
    write_artifact(Path(sys.argv[1]), payload, manifest(payload))
except StorageError as error:
    print(error.message)
"""


def _write_with_little_room(folder: Path, size: int) -> str:
    """Write a model of this size; what the error says."""
    return subprocess.run(
        [sys.executable, "-c", _LITTLE_ROOM, folder, str(size)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    ).stdout


def _write(folder: Path) -> Path:
    return write_artifact(folder, b"a model", manifest())


def _edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    data = json.loads(manifest_path(path).read_text())
    change(data)
    manifest_path(path).write_text(json.dumps(data))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_opened(tmp_path: Path) -> None:
    path = _write(tmp_path / "new")
    assert path == tmp_path / "new" / "model.npz"
    assert _names(path.parent) == ["model.npz", "model.npz.json"]
    artifact = open_artifact(path)
    assert artifact == Artifact(path, Format.NPZ, b"a model", manifest())
    assert artifact.sha256 == "97ff8a35544dcf40ad84047074439dd6aa3a0be469ea578a1b1c017d939ec61c"


def test_a_new_artifact_replaces_file_and_manifest(tmp_path: Path) -> None:
    _write(tmp_path)
    write_artifact(tmp_path, b"another", manifest(b"another"))
    assert open_artifact(tmp_path / "model.npz").payload == b"another"


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    path = _write(tmp_path)
    path.write_bytes(b"a modem")
    with pytest.raises(HashMismatchError, match=r"model\.npz is not the file its manifest"):
        open_artifact(path)


def test_a_truncated_file_is_found(tmp_path: Path) -> None:
    path = _write(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(HashMismatchError):
        open_artifact(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data.pop("labels"), "missing required field `labels`"),
        (lambda data: data.update(size_bytes="7"), "size_bytes: expected `int`, got `str`"),
        (lambda data: data.update(format="pickle"), "format: invalid enum value 'pickle'"),
        (lambda data: data.update(sha256="no"), "it: 'no' is no SHA-256"),
        (lambda data: data.update(kind="recipe"), "kind is 'recipe'"),
        (lambda data: data.update(schema_version=2, news=1), "newer schema version 2; version 1"),
        (lambda data: data.update(schema_version=0), "older schema version 0"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    tmp_path: Path, change: Callable[[dict[str, object]], object], problem: str
) -> None:
    path = _write(tmp_path)
    _edit(path, change)
    with pytest.raises(ManifestError, match=problem) as caught:
        open_artifact(path)
    assert caught.value.message.startswith(f"The manifest {path}.json cannot be understood: ")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe\x00", b"[1]"])
def test_a_manifest_that_is_damaged_is_refused(tmp_path: Path, text: bytes) -> None:
    path = _write(tmp_path)
    manifest_path(path).write_bytes(text)
    with pytest.raises(ManifestError, match="cannot be understood"):
        open_artifact(path)


def test_a_manifest_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    manifest_path(tmp_path / "model.npz").mkdir()
    with pytest.raises(ManifestError, match="Cannot read the manifest"):
        open_artifact(tmp_path / "model.npz")


def test_an_artifact_may_be_moved(tmp_path: Path) -> None:
    _write(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    assert open_artifact(tmp_path / "there" / "model.npz").manifest == manifest()


def test_an_artifact_may_not_be_renamed(tmp_path: Path) -> None:
    path = _write(tmp_path)
    other = tmp_path / "other.npz"
    manifest_path(path).rename(manifest_path(other))
    path.rename(other)
    with pytest.raises(ManifestError, match=r"describes 'model\.npz', not 'other\.npz'"):
        open_artifact(other)


def test_a_file_without_manifest_has_the_format_of_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "someone-elses.TFLITE"
    path.write_bytes(b"abc")
    artifact = open_artifact(path)
    assert artifact == Artifact(path, Format.TFLITE, b"abc", None)
    assert artifact.sha256.startswith("ba7816bf8f01cfea")
    assert read_manifest(path) is None


@pytest.mark.parametrize(
    ("name", "weights"),
    [("a.xml", "a.bin"), ("a.param", "a.bin"), ("a.ncnn.param", "a.ncnn.bin")],
)
def test_a_file_without_manifest_comes_with_the_weights_beside_it(
    tmp_path: Path, name: str, weights: str
) -> None:
    (tmp_path / name).write_bytes(b"layers")
    assert open_artifact(tmp_path / name).companions == {}
    (tmp_path / weights).write_bytes(b"weights")
    artifact = open_artifact(tmp_path / name)
    assert artifact.companions == {weights: b"weights"}
    assert artifact.size_bytes == len(b"layers" + b"weights")


@pytest.mark.parametrize("name", ["model.h5", "model", ".npz", "model.npz.json"])
def test_a_file_without_manifest_and_known_suffix_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"abc")
    with pytest.raises(
        ModelUnsupportedError,
        match=r"\(\.keras, \.tflite, \.onnx, \.ort, \.xml, \.pb, \.param, \.npz\)",
    ):
        open_artifact(tmp_path / name)


@pytest.mark.parametrize("name", ["nowhere.npz", "."])
def test_what_is_no_file_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactNotFoundError, match=f"^Cannot read {name}: "):
        open_artifact(Path(name))


def test_a_manifest_without_its_file_is_no_artifact(tmp_path: Path) -> None:
    path = _write(tmp_path)
    path.unlink()
    with pytest.raises(ArtifactNotFoundError):
        open_artifact(path)


def test_at_no_moment_a_manifest_stands_beside_a_file_it_does_not_describe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path)
    moments = []
    replace_file = Path.replace

    def watched(self: Path, target: Path) -> Path:
        placed = replace_file(self, target)
        moments.append([name for name in _names(tmp_path) if not name.endswith(".partial")])
        return placed

    monkeypatch.setattr(Path, "replace", watched)
    write_artifact(tmp_path, b"another", manifest(b"another"))
    assert moments == [["model.npz"], ["model.npz", "model.npz.json"]]


@pytest.mark.parametrize(("size", "culprit"), [(1000, "model.npz"), (10, "model.npz.json")])
def test_an_artifact_that_cannot_be_written_is_not_there(
    tmp_path: Path, size: int, culprit: str
) -> None:
    said = _write_with_little_room(tmp_path, size)
    assert said == f"Cannot write {tmp_path / culprit}: the file would be too large.\n"
    assert _names(tmp_path) == []


@pytest.mark.parametrize("size", [1000, 10])
def test_an_artifact_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, size: int) -> None:
    path = _write(tmp_path)
    assert "too large" in _write_with_little_room(tmp_path, size)
    assert open_artifact(path).manifest == manifest()
    assert _names(tmp_path) == ["model.npz", "model.npz.json"]


@pytest.mark.parametrize("name", ["model.npz", "model.npz.json"])
def test_an_artifact_does_not_replace_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(StorageError, match=f"{name}: it is a folder"):
        _write(tmp_path)
    assert _names(tmp_path) == [name]


def test_manifests_are_found_in_all_folders_in_order(tmp_path: Path) -> None:
    for folder in (tmp_path / "b", tmp_path / "a" / "deep", tmp_path):
        _write(folder)
    for name in ("bare.npz", "notes.json", "package.txt.json", ".hidden.npz.json"):
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in find_artifacts(tmp_path)] == [
        "a/deep/model.npz",
        "b/model.npz",
        "model.npz",
    ]


def test_models_of_other_people_are_found_without_a_manifest(tmp_path: Path) -> None:
    _write(tmp_path)
    models = (
        *("a.tflite", "b/c.onnx", "d.keras", "saved/saved_model.pb", "ir.xml", "e.ort"),
        *("h.param", "i.ncnn.param"),
    )
    others = (
        "ir.bin",
        "h.bin",
        "i.ncnn.bin",
        "some.param",
        "page.xml",
        "frozen.pb",
        "images.npz",
        "notes.txt",
        ".venv/f.onnx",
        "g.json",
    )
    for name in (*models, *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_models(tmp_path)]
    assert found == sorted([*models, "model.npz"])
    assert find_artifacts(tmp_path) == (tmp_path / "model.npz",)


def test_a_manifest_without_its_file_is_found_so_that_the_file_is_missed(tmp_path: Path) -> None:
    _write(tmp_path).unlink()
    assert find_models(tmp_path) == (tmp_path / "model.npz",)


@pytest.mark.parametrize("folder", ["reference", "teachers"])
def test_what_lies_apart_is_found_where_it_is_named(tmp_path: Path, folder: str) -> None:
    _write(tmp_path / folder)
    assert find_artifacts(tmp_path) == ()
    assert find_artifacts(tmp_path / folder) == (tmp_path / folder / "model.npz",)


def test_no_folder_holds_no_manifests(tmp_path: Path) -> None:
    assert find_artifacts(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("name", ["model.npz", "model.npz.json"])
def test_nothing_is_replaced_unasked(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.npz"
    refuse_to_replace(path, force=False)
    (tmp_path / name).touch()
    with pytest.raises(ArtifactExistsError, match="is there already") as caught:
        refuse_to_replace(path, force=False)
    assert "--force" in caught.value.hint
    refuse_to_replace(path, force=True)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b.npz", "/b.npz"])
def test_a_manifest_names_a_plain_file(name: str) -> None:
    with pytest.raises(ValueError, match="is no plain file name"):
        replace(manifest(), file=name)


@pytest.mark.parametrize("sha256", ["", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_manifest_holds_a_sha256(sha256: str) -> None:
    with pytest.raises(ValueError, match="is no SHA-256"):
        replace(manifest(), sha256=sha256)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_quantization_scale_is_positive(scale: float) -> None:
    with pytest.raises(ValueError, match="a quantization scale of"):
        Quantization(scale, 0)


def test_a_payload_does_not_flood_the_screen() -> None:
    assert len(repr(Artifact(Path("x"), Format.NPZ, bytes(10**6), None))) < 200


def test_a_manifest_says_what_it_is() -> None:
    assert (manifest().kind, manifest().schema_version) == ("fmnist-edge artifact", 1)
