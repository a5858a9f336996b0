"""Every recipe in the table: what is exported, what is written beside it, and what is refused."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.artifact import (
    Artifact,
    Format,
    Manifest,
    Precision,
    find_artifacts,
    manifest_path,
    open_artifact,
    read_manifest,
)
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.errors import ParityError
from fmnist_edge.exporters import ROUTES
from fmnist_edge.pipeline.parity import check, compare
from fmnist_edge.recipes import RECIPES, Recipe
from fmnist_edge.runtimes import RUNTIMES, reading
from fmnist_edge.session import Scores, Session, SessionOptions, classify
from tests.commands import CommandLine, Finished, copy_artifact, model_path
from tests.contract.conftest import ATTEMPTED, Answers, Attempts
from tests.jobs import Attempt

INT8 = [name for name, recipe in RECIPES.items() if recipe.precision is Precision.INT8]
FLOATS = [name for name, recipe in RECIPES.items() if recipe.precision is Precision.FLOAT32]


def _path(folder: Path, recipe: Recipe) -> Path:
    return model_path(folder, "default", recipe)


def _open(folder: Path, name: str) -> Session:
    recipe = RECIPES[name]
    runtime = RUNTIMES[reading(recipe.format)[0]]
    return runtime.open(open_artifact(_path(folder, recipe)), SessionOptions())


def _manifest(path: Path) -> Manifest:
    manifest = read_manifest(path)
    assert manifest is not None
    return manifest


# The table


def test_every_recipe_has_a_route_and_every_route_a_recipe() -> None:
    assert {name for parent, name in ROUTES if parent is Format.KERAS} == set(RECIPES)
    assert {name for _, name in ROUTES} == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_named_after_what_it_makes(name: str) -> None:
    recipe = RECIPES[name]
    assert name == recipe.name == f"{recipe.format.value}-{recipe.precision.value}"


@pytest.mark.parametrize("name", RECIPES)
def test_every_export_can_be_opened_by_a_runtime(name: str) -> None:
    assert reading(RECIPES[name].format)


# What lies in the folder


def test_an_export_makes_one_file_per_recipe_and_nothing_else(exported: Path) -> None:
    models = {exported / "default.keras", *(_path(exported, each) for each in RECIPES.values())}
    assert set(find_artifacts(exported)) == models
    known = {each.path for model in models for each in _files(model)}
    assert {path for path in exported.rglob("*") if path.is_file()} == known


@dataclass(frozen=True)
class _File:
    path: Path
    sha256: str | None


def _files(model: Path) -> list[_File]:
    """All files of an artifact, with the hashes that its manifest tells."""
    manifest = _manifest(model)
    companions = [_File(model.parent / name, each) for name, each in manifest.companions.items()]
    return [_File(model, manifest.sha256), *companions, _File(manifest_path(model), None)]


@pytest.mark.parametrize("name", RECIPES)
def test_the_manifest_describes_the_files(exported: Path, name: str) -> None:
    recipe = RECIPES[name]
    path = _path(exported, recipe)
    manifest = _manifest(path)
    hashed = [each for each in _files(path) if each.sha256]
    assert manifest.file == path.name
    assert (manifest.format, manifest.precision) == (recipe.format, recipe.precision)
    assert manifest.recipe == name
    assert manifest.size_bytes == sum(each.path.stat().st_size for each in hashed)
    for each in hashed:
        assert each.sha256 == hashlib.sha256(each.path.read_bytes()).hexdigest()
    assert manifest.labels == LABELS
    assert manifest.training is None


@pytest.mark.parametrize("name", RECIPES)
def test_the_manifest_names_the_parent_by_its_hash(exported: Path, study: Path, name: str) -> None:
    parent = hashlib.sha256(study.read_bytes()).hexdigest()
    assert _manifest(_path(exported, RECIPES[name])).parent_sha256 == parent


@pytest.mark.parametrize("name", RECIPES)
def test_the_manifest_names_the_tools_that_made_the_file(exported: Path, name: str) -> None:
    tools = _manifest(_path(exported, RECIPES[name])).tools
    assert set(tools) == {"python", "fmnist-edge", *ROUTES[Format.KERAS, name].tools}
    assert all(version[0].isdigit() for version in tools.values())


@pytest.mark.parametrize("name", RECIPES)
def test_the_manifest_holds_the_tensors_that_the_runtime_reports(exported: Path, name: str) -> None:
    manifest = _manifest(_path(exported, RECIPES[name]))
    session = _open(exported, name)
    assert (manifest.input, manifest.output) == (session.input, session.output)


@pytest.mark.parametrize("name", RECIPES)
def test_the_parity_in_the_manifest_can_be_measured_again(
    exported: Path, answers: Answers, name: str
) -> None:
    recipe = RECIPES[name]
    recorded = _manifest(_path(exported, recipe)).parity
    assert recorded is not None
    assert recorded.images == len(answers(name)) == 10_000
    assert recorded.runtime.startswith(f"{reading(recipe.format)[0]} ")
    assert recorded.agreement >= recipe.min_agreement
    assert recorded.max_abs_difference <= recipe.max_difference
    # Held against the model's own arithmetic in plain NumPy.
    measured = np.abs(answers(name) - answers("npz-float32")).max()
    assert measured == pytest.approx(recorded.max_abs_difference, abs=5e-6)


@pytest.mark.parametrize("name", RECIPES)
def test_another_process_makes_the_same_bytes_in_whatever_order(
    exported: Path, attempts: Attempts, name: str
) -> None:
    folders = exported, attempts["again"].folder
    first, second = (_path(folder, RECIPES[name]) for folder in folders)
    firsts, seconds = ([each.path for each in _files(path)[:-1]] for path in (first, second))
    assert [path.read_bytes() for path in firsts] == [path.read_bytes() for path in seconds]


def test_export_answers_with_the_manifests_as_json(exporting: Finished, exported: Path) -> None:
    answer = json.loads(exporting.stdout)
    paths = [_path(exported, recipe) for recipe in RECIPES.values()]
    assert answer == [json.loads(manifest_path(path).read_text()) for path in paths]


# Accuracy


def _correct(scores: Scores, unseen: Split) -> int:
    return int(np.sum(scores.argmax(axis=1) == unseen.labels))


@pytest.mark.parametrize("name", FLOATS)
def test_a_float_file_labels_as_many_test_images_right_as_keras(
    answers: Answers, study: Path, unseen: Split, name: str
) -> None:
    training = _manifest(study).training
    assert training is not None
    keras = round(training.test_accuracy * len(unseen.labels))
    assert abs(_correct(answers(name), unseen) - keras) <= 1


@pytest.mark.parametrize("name", INT8)
def test_int8_costs_at_most_half_a_point_of_accuracy(
    answers: Answers, study: Path, unseen: Split, name: str
) -> None:
    training = _manifest(study).training
    assert training is not None
    accuracy = _correct(answers(name), unseen) / len(unseen.labels)
    assert accuracy >= training.test_accuracy - 0.005


@pytest.mark.parametrize("name", INT8)
def test_int8_is_a_quarter_of_the_size(exported: Path, name: str) -> None:
    whole = _path(exported, RECIPES["npz-float32"]).stat().st_size
    assert _path(exported, RECIPES[name]).stat().st_size < 0.28 * whole


# What is refused


def test_a_file_that_lost_its_weights_is_no_export(
    exported: Path, unseen: Split, answers: Answers, tmp_path: Path
) -> None:
    path = tmp_path / "default-float32.npz"
    with np.load(exported / path.name) as arrays:
        np.savez(path, **{k: v * 0 if v.dtype == np.float32 else v for k, v in arrays.items()})
    broken = Artifact(path, Format.NPZ, path.read_bytes(), None)
    scores = classify(RUNTIMES["numpy"].open(broken, SessionOptions()), unseen.images)
    parity = compare(answers("npz-float32"), scores, unseen.labels, "numpy")
    with pytest.raises(ParityError, match=r"default-float32\.npz gives \d+\.\d% of 10,000 images"):
        check(path.name, parity, RECIPES["npz-float32"], max_drop=100)


def test_a_file_that_lost_its_accuracy_is_never_written(attempts: Attempts) -> None:
    # Ranges that were taken in the dark do not hold what a picture brings.
    dark = attempts["dark"]
    names = ("default-int8.tflite", "default-int8.onnx", "default-int8.ort", "default-int8.xml")
    _is_told(dark, [(51, f"{name} gives ") for name in names])
    assert all(hint.startswith("Nothing was written. Try cal") for _, _, hint in dark.errors)
    for _, message, _ in dark.errors[:2]:  # the others do not let themselves be looked into
        assert "Worst layer: " in message
    assert dark.made == []
    assert not dark.folder.exists()


def test_the_command_line_tells_of_every_file_that_failed(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "dark.npz", images=np.zeros((100, 28, 28), np.uint8))
    out = tmp_path / "out"
    # An ONNX parent needs no TensorFlow, which would have to start first.
    parent = exported / "default-float32.onnx"
    int8 = ["--format", "onnx", "--format", "ort", "--precision", "int8", "--verify", "fast"]
    done = cli("export", parent, *int8, "--calibration", tmp_path / "dark.npz", "--out", out)
    assert done.returncode == 51
    assert "Traceback" not in done.stderr
    for name in ("default-int8.onnx", "default-int8.ort"):
        assert f"Error: {name} gives " in done.stderr
    assert "Nothing was written." in done.stderr
    assert not out.exists()


def test_a_damaged_model_is_refused_before_tensorflow_starts(
    cli: CommandLine, study: Path, tmp_path: Path
) -> None:
    model = copy_artifact(study, tmp_path)
    model.write_bytes(model.read_bytes()[:-1])
    done = cli("export", model, "--out", tmp_path / "out")
    assert (done.returncode, done.speaks_plainly) == (22, True)
    assert "TensorFlow" not in done.stderr


@pytest.mark.parametrize(
    ("model", "code", "sentence"),
    [
        ("larger-images.keras", 25, "takes [N,32,32], not [N,28,28]."),
        ("code-inside.keras", 24, "code-inside.keras: Requested the deserialization of a `Lambda`"),
        ("empty.keras", 24, "empty.keras: File is not a zip file."),
        ("text.keras", 24, "text.keras: File is not a zip file."),
        ("two-inputs.tflite", 2, "npz-float32 cannot be made from a tflite file."),
    ],
)
def test_what_cannot_be_exported_is_refused_with_a_sentence(
    attempts: Attempts, model: str, code: int, sentence: str
) -> None:
    attempt = attempts[model]
    _is_told(attempt, [(code, sentence)])
    assert attempt.made == []
    assert not attempt.folder.exists()


def _is_told(attempt: Attempt, wanted: list[tuple[int, str]]) -> None:
    assert len(attempt.errors) == len(wanted)
    for (code, message, hint), (wanted_code, sentence) in zip(attempt.errors, wanted, strict=True):
        assert code == wanted_code
        assert sentence in message
        assert message.endswith(".")
        assert "\n" not in message
        assert hint


@pytest.mark.parametrize(
    ("model", "failures"),
    [
        ("with-channel.keras", []),
        ("without-bias.keras", []),
        ("foreign-layer.keras", []),
        ("layer-used-twice.keras", [(50, "layer-used-twice.keras is no plain chain of Dense")]),
        (
            "unusual-activation.keras",
            [(50, "has the activation gelu; plain arrays come with relu, softmax, linear.")],
        ),
    ],
)
def test_a_network_of_somebody_else_becomes_what_it_can(
    attempts: Attempts, model: str, failures: list[tuple[int, str]]
) -> None:
    attempt = attempts[model]
    _is_told(attempt, failures)
    made = {_manifest(path).recipe for path in find_artifacts(attempt.folder)}
    assert made == set(attempt.made)
    assert len(made) == len(ATTEMPTED) - len(failures)
