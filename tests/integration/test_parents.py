"""Other people's classifiers, through the real command line."""

import json
from pathlib import Path

import pytest

from fmnist_edge.artifact import find_manifests
from tests.commands import CommandLine

# Makes a folder of parents; each is trained a little, so that its scores tell images apart.
MAKE = Path(__file__).parents[1] / "parents.py"


@pytest.fixture(scope="session")
def parents(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parents")
    made = cli.python(MAKE, cli.data, folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.mark.parametrize(
    "model",
    [
        *("convolutional.keras", "functional.keras", "normalized.keras"),
        *("float.saved-model", "bytes.saved-model"),
    ],
)
def test_any_classifier_is_exported_and_proved(
    cli: CommandLine, parents: Path, tmp_path: Path, model: str
) -> None:
    formats = [part for each in ("tflite", "onnx", "openvino") for part in ("--format", each)]
    precisions = [part for each in ("float32", "int8") for part in ("--precision", each)]
    options = ("--verify", "fast", "--max-drop", "2", "--out", tmp_path, "--json")
    done = cli("export", parents / model, *formats, *precisions, *options)
    assert done.returncode == 0, done.stderr
    manifests = json.loads(done.stdout)
    stem = model.rpartition(".")[0]
    wanted = {f"{stem}-float32", f"{stem}-int8"}
    assert {path.stem for path in find_manifests(tmp_path)} == wanted
    assert len(manifests) == 6
    for manifest in manifests:
        assert manifest["parity"]["images"] == 1_000
        least = 0.999 if manifest["precision"] == "float32" else 0.95
        assert manifest["parity"]["agreement"] >= least


@pytest.mark.parametrize(
    ("model", "refusal"),
    [
        ("lambda.keras", (24, "lambda.keras: Requested the deserialization of a `Lambda` layer")),
        ("custom.keras", (24, "custom.keras: Could not locate class 'Strange'")),
        ("not-numbers.keras", (25, "not-numbers.keras has weights that are no numbers")),
        (
            "not-numbers.saved-model",
            (25, "saved_model.pb answers with scores that are no numbers."),
        ),
        ("writes.saved-model", (25, "saved_model.pb runs code or touches files (WriteFile).")),
        ("larger.saved-model", (25, "saved_model.pb takes [N,32,32], not [N,28,28].")),
        ("damaged.saved-model", (24, "TensorFlow cannot load ")),
    ],
)
def test_what_cannot_be_a_parent_is_refused_and_never_run(
    cli: CommandLine, parents: Path, tmp_path: Path, model: str, refusal: tuple[int, str]
) -> None:
    code, sentence = refusal
    done = cli("export", parents / model, "--format", "tflite", "--out", tmp_path / "out")
    assert (done.returncode, done.speaks_plainly) == (code, True), done.stderr
    assert sentence in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()
    assert not (parents / "it-ran").exists()


def test_the_lambda_would_have_left_its_mark(cli: CommandLine, parents: Path) -> None:
    code = "import sys, keras, numpy; keras.config.enable_unsafe_deserialization();"
    code += "keras.saving.load_model(sys.argv[1], compile=False)(numpy.zeros((1, 28, 28)))"
    done = cli.python("-c", code, parents / "lambda.keras")
    try:
        assert (parents / "it-ran").exists(), done.stderr
    finally:
        (parents / "it-ran").unlink(missing_ok=True)
