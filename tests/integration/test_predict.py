"""`fmnist-edge predict` on real files, as a person or a script starts it."""

import json
import platform
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.dataset import LABELS, TEST_FILES, Split
from fmnist_edge.dataset.verify import path_of
from fmnist_edge.files import sha256_of
from fmnist_edge.score_file import read_score_file
from tests.commands import CommandLine
from tests.examples import npz, npz_model

REFERENCE = Path(__file__).parents[2] / "artifacts/reference"
MODEL = REFERENCE / "tiny-int8.tflite"
# The command line as it is where TensorFlow and ONNX Runtime are not installed.
ON_A_DEVICE = """
import sys
for name in ("tensorflow", "keras", "onnx", "onnxruntime", "openvino", "ncnn", "scipy"):
    sys.modules[name] = None
from fmnist_edge_cli.main import main
main()
"""


def test_a_device_classifies_the_test_images_and_keeps_the_scores(
    cli: CommandLine, unseen: Split, tmp_path: Path
) -> None:
    done = cli.python(
        *("-c", ON_A_DEVICE, "predict", "--artifact", MODEL, "--out", "scores.npz"), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "tiny-int8.tflite on litert " in done.stdout
    assert "Scores written: scores.npz." in done.stderr
    kept = read_score_file(tmp_path / "scores.npz")
    facts = kept.facts
    assert facts.case.subject.sha256 == sha256_of(MODEL.read_bytes())
    assert (facts.case.runtime, facts.source, facts.classes) == ("litert", "fashion-mnist", LABELS)
    assert (facts.used["threads"], facts.host["architecture"]) == ("1", platform.machine())
    np.testing.assert_array_equal(kept.truth, unseen.labels)
    right = int((kept.labels == unseen.labels).sum())
    assert f"10,000 images, {right:,} of them with the right label; the first 10" in done.stdout
    manifest = json.loads((REFERENCE / "reference.json").read_bytes())
    [accuracy] = [
        each["test_accuracy"]
        for each in manifest["figures"]
        if each["preset"] == "tiny" and each["seed"] == manifest["published"]["tiny"]
    ]
    assert right / 10_000 == pytest.approx(accuracy, abs=5e-4)


def test_a_script_gets_a_line_for_each_image_of_a_file(
    inside: CommandLine, unseen: Split, tmp_path: Path
) -> None:
    images, labels = unseen.images[:7], unseen.labels[:7]
    (tmp_path / "some.npz").write_bytes(npz({"images": images, "labels": labels}))
    done = inside("predict", "some.npz", "--artifact", MODEL, "--json", "-", "-q", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["index"] for each in told] == list(range(7))
    assert [each["true_label"] for each in told] == [LABELS[label] for label in labels]
    for each in told:
        best = int(np.argmax(each["probabilities"]))
        assert (each["label"], each["probability"]) == (LABELS[best], each["probabilities"][best])
    again = inside(
        *("predict", "some.npz", "--artifact", MODEL, "--json", "lines.json", "--batch", 4, "-q"),
        cwd=tmp_path,
    )
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "lines.json").read_text() == done.stdout
    assert "7 images, " in again.stdout
    # What this program has written may be replaced.
    command = ("predict", "some.npz", "--artifact", MODEL, "--json", "lines.json", "--show", "0")
    assert inside(*command, cwd=tmp_path).returncode == 0


def test_the_published_file_of_images_gives_the_scores_of_the_test_split(
    inside: CommandLine, real_data_folder: Path, tmp_path: Path
) -> None:
    published = path_of(real_data_folder, TEST_FILES[0])
    for name, images in (("named.npz", [published]), ("usual.npz", [])):
        done = inside("predict", *images, "--artifact", MODEL, "--out", name, "-q", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    named, usual = (read_score_file(tmp_path / name) for name in ("named.npz", "usual.npz"))
    np.testing.assert_array_equal(named.scores, usual.scores)
    assert named.truth is None
    assert named.facts.images_sha256 == usual.facts.images_sha256
    assert named.facts.source == published.name


def test_a_table_fits_a_terminal_and_names_what_the_model_would_have_said_next(
    inside: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "model.npz").write_bytes(npz_model(3))
    done = inside("predict", "--artifact", "model.npz", "--show", 3, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "Dress" in lines[4]
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "10,000 images, 1,000 of them with the right label; the first 3 are shown."


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--runtime", "nonsense"], 2, "There is no runtime called 'nonsense'"),
        (["--runtime", "litert"], 2, "litert does not run npz files"),
        (["--device", "webgpu"], 26, "does not run on webgpu"),
        (["--out", "scores.txt"], 2, "does not end in .npz"),
        (["--out", "model.npz"], 23, "is there already"),
        (["--out", "model.npz/scores.npz"], 60, "part of its path is a file"),
        (["nowhere.npz"], 2, "nowhere.npz cannot be read"),
        (["picture.png"], 2, "picture.png is no file of images"),
        (["flat.npz"], 25, "takes items of shape"),
        (["many.npz"], 25, "The labels go up to 10"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_impossible_request_ends_with_a_sentence(
    inside: CommandLine, tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    (tmp_path / "model.npz").write_bytes(npz_model(3))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "flat.npz").write_bytes(npz({"images": np.zeros((2, 100), np.uint8)}))
    images = np.zeros((1, 28, 28), np.uint8)
    (tmp_path / "many.npz").write_bytes(npz({"images": images, "labels": np.array([10])}))
    before = sorted(tmp_path.iterdir())
    done = inside("predict", *arguments, "--artifact", "model.npz", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (code, "", True)
    assert sentence in " ".join(done.stderr.split())
    assert sorted(tmp_path.iterdir()) == before


def test_the_help_has_examples_that_start_with_the_command(inside: CommandLine) -> None:
    shown = inside("predict", "--help").stdout.partition("  Examples:\n")[2].partition("\n\n")[0]
    assert shown.count("fmnist-edge predict ") == len(shown.splitlines()) == 3
