"""The committed reference files are what their figures say, and reach what was promised."""

import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge import runtimes
from fmnist_edge.artifact import open_artifact
from fmnist_edge.dataset import Split
from fmnist_edge.session import SessionOptions, classify
from fmnist_edge.training import presets

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "artifacts/reference/reference.json"


def _only(name: str) -> Path:
    (path,) = ROOT.glob(f"benchmarks/results/*/{name}")
    return path


# Bytes of the int8 file at most, and accuracy at least, in the mean of the seeds.
PROMISED = {
    "majority": (5_000, 0.1),
    "smallest": (5_000, 0.15),
    "study": (300_000, 0.872),
    "default": (128_000, 0.900),
    "nano": (5_500, 0.840),
    "tiny": (10_000, 0.872),
    "small": (32_000, 0.896),
    "large": (400_000, 0.910),
    "best": (2_300_000, 0.925),
}


@pytest.mark.parametrize("preset", PROMISED)
def test_the_reference_keeps_what_was_promised(preset: str) -> None:
    figures = json.loads(REFERENCE.read_bytes())["figures"]
    own = [each for each in figures if each["preset"] == preset]
    assert {each["seed"] for each in own} == {0, 1, 2}
    assert {each["fingerprint"] for each in own} == {presets.get(preset).fingerprint}
    most, least = PROMISED[preset]
    assert max(each["file_bytes"] for each in own) <= most
    assert statistics.mean(each["test_accuracy"] for each in own) >= least


@pytest.mark.parametrize("preset", PROMISED)
def test_the_published_file_is_the_one_that_was_judged(preset: str, unseen: Split) -> None:
    reference = json.loads(REFERENCE.read_bytes())
    (figure,) = (
        each
        for each in reference["figures"]
        if (each["preset"], each["seed"]) == (preset, reference["published"][preset])
    )
    small = open_artifact(REFERENCE.parent / f"{preset}-int8.tflite")
    whole = open_artifact(REFERENCE.parent / f"{preset}-float32.keras")
    assert small.sha256 == figure["file_sha256"]
    assert small.manifest is not None
    assert small.manifest.parent_sha256 == whole.sha256 == figure["float_sha256"]
    assert small.size_bytes == figure["file_bytes"]
    session = runtimes.get("litert").open(small, SessionOptions())
    labels = classify(session, unseen.images).argmax(axis=1)
    assert np.mean(labels == unseen.labels) == pytest.approx(figure["test_accuracy"], abs=5e-4)


def test_what_the_list_of_presets_shows_is_the_reference() -> None:
    shown = json.loads((ROOT / "fmnist_edge/training/presets/measured.json").read_bytes())
    reference = json.loads(REFERENCE.read_bytes())
    figures, teacher = reference["figures"], reference["teacher"]
    assert shown["teacher_seconds"] == {teacher["preset"]: teacher["training_seconds"]}
    for name, found in shown["presets"].items():
        own = [each["test_accuracy"] for each in figures if each["preset"] == name]
        assert found["test_accuracy"] == pytest.approx(statistics.mean(own))
        assert found["seeds"] == len(own)
    assert set(shown["presets"]) == set(PROMISED)


def test_the_smallest_preset_is_the_one_that_the_search_found() -> None:
    tried = json.loads(_only("smallest-search.json").read_bytes())["tried"]
    winner = next(each for each in tried if each["beats_majority"])
    network = presets.get("smallest").architecture
    assert (winner["pool"], tuple(winner["hidden"])) == (network.pool, network.hidden)
    assert (winner["bias"], winner["parameters"]) == (network.bias, network.parameters)


def test_training_is_ten_times_as_fast_as_the_study() -> None:
    found = json.loads(_only("time-to-accuracy.json").read_bytes())
    assert len(found["races"]) >= 3
    assert found["ratio"]["ratio"] >= 10
    assert all(each["fast_accuracy"] >= found["goal"] for each in found["races"])
    assert all(each["default_seconds"] < 180 for each in found["races"])
