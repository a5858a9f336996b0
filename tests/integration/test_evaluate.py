"""`fmnist-edge evaluate` on real files, as a person or a script starts it."""

import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.artifact import read_manifest
from fmnist_edge.dataset import DATASET_SHA256
from fmnist_edge.evaluation import Evaluation
from fmnist_edge.files import sha256_of
from fmnist_edge.optional import install_command
from fmnist_edge.records import decode_document, replace
from tests.commands import CommandLine, Finished
from tests.examples import npz, npz_model

# The command line as it is where a package is missing.
WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None
from fmnist_edge_cli.main import main
main()
"""


def _told(done: Finished) -> Evaluation:
    assert done.returncode == 0, done.stderr
    return decode_document(Evaluation, done.stdout, 1)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that always says "Dress"."""
    path = tmp_path / "model.npz"
    path.write_bytes(npz_model(3))
    return path


@pytest.mark.parametrize(
    ("file", "runtime"),
    [
        ("default-int8.tflite", "litert"),
        ("default-float32.onnx", "onnxruntime"),
        ("default-float32.npz", "numpy"),
        ("default-int8.ort", "onnxruntime"),
        ("default-float32.xml", "openvino"),
        ("default-float32.saved-model", "tensorflow"),
    ],
)
def test_an_exported_file_reaches_the_accuracy_that_its_export_found(
    cli: CommandLine, exported: Path, file: str, runtime: str
) -> None:
    found = _told(cli("evaluate", exported / file, "--json", "-"))
    inside = exported / file / "saved_model.pb"
    path = inside if inside.exists() else exported / file
    manifest = read_manifest(path)
    assert manifest is not None
    assert manifest.parity is not None
    assert manifest.parity.accuracy is not None
    assert found.accuracy == pytest.approx(manifest.parity.accuracy.own, abs=2e-4)
    assert found.case.runtime == runtime
    assert manifest.parity.runtime == f"{runtime} {found.runtime_version}"
    assert found.case.subject.sha256 == sha256_of(path.read_bytes())
    assert (found.data_sha256, found.images, found.split) == (DATASET_SHA256, 10_000, "test")
    assert found.correct == sum(found.confusion[label][label] for label in range(10))
    assert [each.support for each in found.classes] == [1_000] * 10
    assert len(found.mistakes) == 20
    assert found.interval.low < found.accuracy < found.interval.high
    assert (found.baseline.label, found.baseline.accuracy) == ("T-shirt/top", 0.1)


def test_a_trained_model_reaches_the_accuracy_of_its_training(
    cli: CommandLine, trained: Path
) -> None:
    manifest = read_manifest(trained)
    assert manifest is not None
    assert manifest.training is not None
    found = _told(cli("evaluate", trained, "--split", "validation", "--json", "-"))
    assert found.accuracy == pytest.approx(manifest.training.validation_accuracy, abs=4e-4)
    assert found.images == 5_000
    # The loss that Keras has told of is that of the same images, and of the same weights.
    losses = manifest.training.history["val_loss"]
    assert found.cross_entropy == pytest.approx(losses[manifest.training.best_epoch - 1], abs=0.1)


def test_the_answer_is_on_stdout_and_the_figures_are_where_they_were_asked_for(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    lonely = replace(cli, home=home)
    figures = tmp_path / "figures"
    done = lonely("evaluate", exported / "default-float32.npz", "--plots", figures, "--worst", 7)
    assert done.returncode == 0, done.stderr
    assert "default-float32.npz (" in done.stdout
    assert "Confusion matrix" in done.stdout
    assert "Evaluate default-float32.npz: 100 %" in done.stderr
    assert "Warning" not in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    names = ("confusion", "per-class", "reliability", "worst")
    assert sorted(path.name for path in figures.iterdir()) == [
        f"{name}.{suffix}" for name in names for suffix in ("png", "svg")
    ]
    for name in names:
        assert (figures / f"{name}.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        ET.fromstring((figures / f"{name}.svg").read_text())  # noqa: S314 - our own
    before = {path.name: path.read_bytes() for path in figures.iterdir()}
    refused = lonely("evaluate", exported / "default-float32.npz", "--plots", figures)
    assert (refused.returncode, refused.stdout, refused.speaks_plainly) == (23, "", True)
    again = ("evaluate", exported / "default-float32.npz", "--plots", figures, "--force")
    assert _told(lonely(*again, "--json", "-", "--worst", 7)).images == 10_000
    assert {path.name: path.read_bytes() for path in figures.iterdir()} == before
    assert list(home.iterdir()) == []


def test_the_help_has_examples_that_start_with_the_command(cli: CommandLine) -> None:
    shown = cli("evaluate", "--help").stdout.partition("  Examples:\n")[2].partition("\n\n")[0]
    assert shown.count("fmnist-edge evaluate ") == len(shown.splitlines()) == 5


# What cannot be


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--runtime", "nonsense"], 2, "There is no runtime called 'nonsense'"),
        (["--runtime", "litert"], 2, "litert does not run npz files"),
        (["--split", "nonsense"], 2, "'nonsense' is not one of test, validation, train"),
        (["--worst", "-1"], 2, "--worst"),
        (["--threads", "0"], 2, "--threads"),
        (["--plots", "model.npz"], 60, "part of its path is a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_impossible_request_ends_with_a_sentence(
    inside: CommandLine, model: Path, arguments: list[str], code: int, sentence: str
) -> None:
    done = inside("evaluate", model, *arguments, cwd=model.parent)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (code, "", True)
    assert sentence in " ".join(done.stderr.split())
    assert list(model.parent.iterdir()) == [model]


def test_what_is_no_classifier_of_ten_classes_ends_with_25(
    inside: CommandLine, tmp_path: Path
) -> None:
    kernel, bias = np.zeros((784, 7), np.float32), np.zeros(7, np.float32)
    arrays = {"activations": np.array(["softmax"]), "kernel_0": kernel, "bias_0": bias}
    (tmp_path / "seven.npz").write_bytes(npz(arrays))
    done = inside("evaluate", tmp_path / "seven.npz")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (25, "", True)
    assert "is no Fashion-MNIST classifier" in done.stderr


def test_what_is_not_there_ends_with_20(inside: CommandLine) -> None:
    done = inside("evaluate", "nowhere.npz")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (20, "", True)


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("matplotlib", ["default-float32.npz", "--plots", "figures"], "plots"),
        ("onnxruntime", ["default-float32.onnx", "--runtime", "onnxruntime"], "onnx"),
    ],
    ids=["matplotlib", "onnxruntime"],
)
def test_without_a_package_its_extra_is_named(
    cli: CommandLine, exported: Path, package: str, arguments: list[str], extra: str
) -> None:
    before = sorted(exported.iterdir())
    done = cli.python("-c", WITHOUT, package, "evaluate", *arguments, cwd=exported)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (30, "", True)
    assert shlex.split(install_command(extra))[-1] in done.stderr
    assert sorted(exported.iterdir()) == before
