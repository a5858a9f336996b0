"""What the tests of several formats export otherwise than by default, and what exports answer."""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_edge.artifact import Format, manifest_path, open_artifact
from fmnist_edge.dataset import Split
from fmnist_edge.files import sha256_of
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import RUNTIMES, reading
from fmnist_edge.session import Scores, SessionOptions, classify
from tests.commands import copy_artifact, model_path
from tests.jobs import Attempts, ExportEach, Job

Answers = Callable[[str], Scores]

SAVED_MODEL = "saved-model-float32"
# The oldest, one between and the newest that can be written, and the two nearest that cannot.
OPSETS = (12, 13, 15, 18, 19)
METHODS = ("minmax", "entropy", "percentile", "mse")
ATTEMPTED = ("npz-float32", "tflite-float32", "onnx-float32")
TFLITE, ONNX, OTHERS = (
    [name for name, recipe in RECIPES.items() if recipe.format in formats]
    for formats in (
        {Format.TFLITE},
        {Format.ONNX, Format.ORT},
        {Format.OPENVINO, Format.SAVED_MODEL, Format.NCNN},
    )
)
# Files that can tell what they are; TensorFlow's folders hold more.
BARE = [
    name
    for name, recipe in RECIPES.items()
    if recipe.format not in {Format.NPZ, Format.NCNN, Format.SAVED_MODEL}
]


@pytest.fixture(scope="session")
def attempts(
    export_each: ExportEach,
    exported: Path,
    strangers: Path,
    unseen: Split,
    tmp_path_factory: pytest.TempPathFactory,
) -> Attempts:
    """What became of the trained model by other choices, and of other people's Keras files."""
    folder = tmp_path_factory.mktemp("attempts")
    model = copy_artifact(exported / "default.keras", folder)
    return export_each(
        "attempts",
        _variants(model, folder)
        | _calibrated(model, folder, unseen)
        | {"replaced": _replaced(model, exported, folder / "replaced")}
        | _brought(strangers, folder)
        # At the end and backwards: what a process made before must not show.
        | {"again": Job(model, [*reversed(RECIPES)], folder / "again")},
    )


def _variants(model: Path, folder: Path) -> dict[str, Job]:
    """Batch, scores, metadata and pixels; these are proved as usual, on fewer images."""
    logits = {"scores": "logits"}
    wanted: dict[str, tuple[Iterable[str], Mapping[str, Any]]] = {
        "eight-logits": ([*TFLITE, *ONNX, *OTHERS], {"batch": 8, **logits}),
        "open": ([*TFLITE, *ONNX], {"batch": None}),
        "open-logits": (OTHERS, {"batch": None, **logits}),
        "bare": ([*BARE, SAVED_MODEL], {"metadata": False}),
        "floats": (RECIPES, {"pixels": "float32"}),
    }
    return {
        # Of a thousand images, a dozen may tip over.
        name: Job(model, [*recipes], folder / name, choices, verify="fast", max_drop=1.5)
        for name, (recipes, choices) in wanted.items()
    }


def _calibrated(model: Path, folder: Path, unseen: Split) -> dict[str, Job]:
    """Older opsets, other ways to take ranges, and other images to take them from."""
    few = {"calibration_samples": 100}
    dim, dark = folder / "dim.npz", folder / "dark.npz"
    np.savez(dim, images=unseen.images[:100] // 3 + 20)  # neither black nor white
    np.savez(dark, images=np.zeros((100, 28, 28), np.uint8))
    choices = {f"opset-{opset}": {"opset": opset} for opset in OPSETS}
    choices |= {method: {"calibration_method": method} for method in METHODS}
    return {
        **{
            name: Job(model, ["onnx-int8"], folder / name, each, **few)
            for name, each in choices.items()
        },
        "dim": Job(model, ["tflite-int8", "onnx-int8"], folder / "dim", calibration=dim),
        "dark": Job(
            model,
            ["tflite-int8", "onnx-int8", "ort-int8", "openvino-int8"],
            folder / "dark",
            verify="fast",
            calibration=dark,
        ),
    }


def _replaced(model: Path, exported: Path, folder: Path) -> Job:
    """A new SavedModel where one lies that has a file more."""
    folder.mkdir()
    old = copy_artifact(model_path(exported, "default", RECIPES[SAVED_MODEL]), folder)
    (old.parent / "variables/former").write_bytes(b"")
    record = json.loads(manifest_path(old).read_text())
    record["companions"]["variables/former"] = sha256_of(b"")
    manifest_path(old).write_text(json.dumps(record))
    return Job(model, [SAVED_MODEL], folder, force=True)


def _brought(strangers: Path, folder: Path) -> dict[str, Job]:
    """Other people's files, and what is no model."""
    made_up = {folder / "empty.keras": b"", folder / "text.keras": b"I am no model.\n"}
    for path, payload in made_up.items():
        path.write_bytes(payload)
    models = [*strangers.glob("*.keras"), *made_up, strangers / "two-inputs.tflite"]
    return {
        each.name: Job(each, ATTEMPTED, folder / "out" / each.name, verify="fast")
        for each in models
    }


@pytest.fixture(scope="session")
def answers(exported: Path, unseen: Split) -> Answers:
    """By a recipe's name: what its file, opened by its runtime, answers to all test images."""

    def classified(name: str) -> Scores:
        recipe = RECIPES[name]
        artifact = open_artifact(model_path(exported, "default", recipe))
        # Ten thousand calls of TensorFlow take ten seconds, and a float32 score is the same in any
        # batch; what is quantized on the fly is not.
        batch = 100 if name == SAVED_MODEL else 1
        session = RUNTIMES[reading(recipe.format)[0]].open(artifact, SessionOptions(batch=batch))
        scores = classify(session, unseen.images)
        scores.flags.writeable = False
        return scores

    return functools.cache(classified)
