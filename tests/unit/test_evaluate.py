"""A model file becomes an evaluation: runtimes, batches, scores and mistakes in the request."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import Artifact, TensorSpec, write_artifact
from fmnist_edge.dataset.verify import path_of
from fmnist_edge.errors import (
    ArtifactExistsError,
    ArtifactNotFoundError,
    MissingDependencyError,
    ModelUnsupportedError,
    StorageError,
    UsageError,
)
from fmnist_edge.evaluation.record import SplitName
from fmnist_edge.libraries import matplotlib as matplotlib_library
from fmnist_edge.optional import install_command
from fmnist_edge.pipeline import evaluate as pipeline
from fmnist_edge.pipeline import parity
from fmnist_edge.pipeline.evaluate import EvaluateRequest
from fmnist_edge.records import replace
from fmnist_edge.runtimes import numpy_
from fmnist_edge.session import SessionOptions
from tests.examples import OUTPUT, Diary, manifest, npz, npz_model
from tests.fakes import FakeSession

_data = cache(dataset.load)


def _write(folder: Path, payload: bytes) -> Path:
    path = folder / "model.npz"
    path.write_bytes(payload)
    return path


def _means(data: dataset.Dataset, activation: str) -> dict[str, NDArray[np.generic]]:
    """A classifier that answers with the class whose mean image is nearest."""
    pixels = data.train.images.reshape(-1, 784).astype(np.float32) / 255
    means = np.stack([pixels[data.train.labels == label].mean(axis=0) for label in range(10)])
    return {
        "activations": np.array([activation]),
        "kernel_0": np.ascontiguousarray(means.T),
        "bias_0": -0.5 * (means**2).sum(axis=1),
    }


def test_a_classifier_is_evaluated_on_the_split_that_was_asked_for(
    real_data_folder: Path, tmp_path: Path
) -> None:
    path = _write(tmp_path, npz(_means(_data(real_data_folder), "softmax")))
    diary = Diary()
    request = EvaluateRequest(path, split="validation", worst=3)
    done = pipeline.evaluate(request, real_data_folder, diary)
    found = done.evaluation
    assert (found.images, found.split, found.case.runtime) == (5_000, "validation", "numpy")
    assert 0.6 < found.accuracy < 0.75
    assert found.baseline.accuracy == 0.1
    assert [sum(row) for row in found.confusion] == [500] * 10
    assert found.data_sha256 == dataset.DATASET_SHA256
    validation = _data(real_data_folder).validation
    for mistake, image in zip(found.mistakes, done.worst, strict=True):
        assert dataset.LABELS[validation.labels[mistake.index]] == mistake.true
        assert np.array_equal(image, validation.images[mistake.index])
    assert diary.started == [("Evaluate model.npz", 5_000)]
    assert (diary.steps, diary.finished) == (5_000, 1)


def test_logits_become_the_probabilities_that_a_softmax_would_give(
    real_data_folder: Path, tmp_path: Path
) -> None:
    told = []
    for activation, scores in (("softmax", "probabilities"), ("linear", "logits")):
        payload = npz(_means(_data(real_data_folder), activation))
        name = f"{scores}.npz"
        described = replace(manifest(payload, name), scores=scores, labels=dataset.LABELS)
        path = write_artifact(tmp_path, payload, described)
        told.append(pipeline.evaluate(EvaluateRequest(path), real_data_folder).evaluation)
    first, second = told
    assert first.accuracy == second.accuracy
    assert first.cross_entropy == pytest.approx(second.cross_entropy, rel=1e-5)
    assert first.calibration_error == pytest.approx(second.calibration_error, abs=1e-4)
    assert first.case.subject.precision is not None


@pytest.mark.parametrize("split", ["test", "validation"])
def test_files_that_the_split_does_not_need_may_be_missing(
    real_data_folder: Path, tmp_path: Path, split: SplitName
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for file in pipeline.files_needed(split):
        path = path_of(real_data_folder, file)
        (folder / path.name).symlink_to(path)
    path = _write(tmp_path, npz(_means(_data(real_data_folder), "softmax")))
    request = EvaluateRequest(path, split)
    found = pipeline.evaluate(request, folder).evaluation
    expected = pipeline.evaluate(request, real_data_folder).evaluation
    assert replace(found, created=expected.created) == expected


def test_the_labels_of_the_manifest_are_used(real_data_folder: Path, tmp_path: Path) -> None:
    payload = npz_model(3)
    path = write_artifact(tmp_path, payload, manifest(payload))
    found = pipeline.evaluate(EvaluateRequest(path), real_data_folder).evaluation
    assert [each.label for each in found.classes] == list("abcdefghij")
    assert {each.predicted for each in found.mistakes} == {"d"}


@pytest.mark.parametrize(
    "batches", [(None, None, [1, 250]), (8, None, [1, 8]), (None, 3, [3])], ids=str
)
def test_a_bare_file_is_opened_with_its_own_batch(
    real_data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batches: tuple[int | None, int | None, list[int]],
) -> None:
    declared, asked, used = batches
    opened: list[FakeSession] = []

    def open_(_: Artifact, options: SessionOptions) -> FakeSession:
        source = TensorSpec("image", (declared, 28, 28), "float32")

        def answer(images: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.full((len(images), 10), 0.1, np.float32)

        opened.append(FakeSession(answer, options, (source, OUTPUT)))
        return opened[-1]

    monkeypatch.setattr(numpy_, "open", open_)
    request = EvaluateRequest(_write(tmp_path, b"bare"), batch=asked)
    found = pipeline.evaluate(request, real_data_folder).evaluation
    assert [each.batch for each in opened] == used
    assert all(each.closed for each in opened)
    assert (found.images, found.case.batch) == (10_000, used[-1])


# What cannot be


def test_an_unknown_runtime_is_answered_with_the_known_ones(
    real_data_folder: Path, tmp_path: Path
) -> None:
    request = EvaluateRequest(_write(tmp_path, npz_model()), runtime="nonsense")
    with pytest.raises(UsageError, match="There is no runtime called 'nonsense'"):
        pipeline.evaluate(request, real_data_folder)


@pytest.mark.parametrize("name", ["null", "litert"])
def test_a_runtime_that_does_not_compute_such_files_is_refused(
    real_data_folder: Path, tmp_path: Path, name: str
) -> None:
    request = EvaluateRequest(_write(tmp_path, npz_model()), runtime=name)
    with pytest.raises(UsageError, match=f"{name} does not run npz") as caught:
        pipeline.evaluate(request, real_data_folder)
    assert caught.value.hint == "Runtimes that do: numpy."


def test_a_runtime_that_is_not_installed_is_named_with_its_extra(
    real_data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.tflite").write_bytes(b"any")
    monkeypatch.setattr(parity, "installed", lambda _: False)
    with pytest.raises(MissingDependencyError) as caught:
        pipeline.evaluate(EvaluateRequest(tmp_path / "m.tflite"), real_data_folder)
    assert caught.value.hint == f"Install it with: {install_command('litert')}"
    package = runtimes.get("onnxruntime").PACKAGE
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "m.onnx").write_bytes(b"any")
    request = EvaluateRequest(tmp_path / "m.onnx", runtime="onnxruntime")
    with pytest.raises(MissingDependencyError, match="'onnxruntime' is not installed"):
        pipeline.evaluate(request, real_data_folder)


def test_what_is_no_classifier_of_ten_classes_is_refused(
    real_data_folder: Path, tmp_path: Path
) -> None:
    arrays = {
        "activations": np.array(["softmax"]),
        "kernel_0": np.zeros((784, 7), np.float32),
        "bias_0": np.zeros(7, np.float32),
    }
    request = EvaluateRequest(_write(tmp_path, npz(arrays)))
    with pytest.raises(ModelUnsupportedError, match=r"takes \[N,28,28\] and gives \[N,7\]\."):
        pipeline.evaluate(request, real_data_folder)


def test_a_file_that_is_not_there_is_a_sentence(real_data_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError):
        pipeline.evaluate(EvaluateRequest(tmp_path / "no.npz"), real_data_folder)


# Figures


def test_a_figure_is_not_replaced_unless_told_to(tmp_path: Path) -> None:
    (tmp_path / "per-class.svg").write_text("mine")
    with pytest.raises(ArtifactExistsError, match=r"per-class\.svg is there already"):
        pipeline.check_plots(tmp_path, force=False)
    pipeline.check_plots(tmp_path, force=True)
    assert (tmp_path / "per-class.svg").read_text() == "mine"


def test_a_folder_that_takes_no_figures_is_found_out_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        pipeline.check_plots(tmp_path / "file", force=False)


def test_that_nothing_draws_is_found_out_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matplotlib_library.matplotlib.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError):
        pipeline.check_plots(tmp_path, force=False)


def test_all_figures_are_drawn(real_data_folder: Path, tmp_path: Path) -> None:
    request = EvaluateRequest(_write(tmp_path, npz_model()), worst=2)
    done = pipeline.evaluate(request, real_data_folder)
    written = pipeline.draw(done, tmp_path / "figures")
    names = ("confusion", "reliability", "per-class", "worst")
    assert [path.name for path in written] == [
        f"{name}{suffix}" for name in names for suffix in (".png", ".svg")
    ]
    assert all(path.stat().st_size > 1_000 for path in written)
