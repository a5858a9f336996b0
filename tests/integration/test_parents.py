"""Other people's classifiers, through the real command line."""

from pathlib import Path

import pytest

from fmnist_edge.artifact import (
    SAVED_MODEL_FILE,
    Precision,
    display_name,
    find_artifacts,
    read_manifest,
)
from tests.commands import CommandLine
from tests.jobs import Attempts, ExportEach, Job

RECIPES = [
    f"{kind}-{each}" for kind in ("tflite", "onnx", "openvino") for each in ("float32", "int8")
]
SOUND = [
    *("convolutional.keras", "functional.keras", "normalized.keras", "pooled.keras"),
    *("float.saved-model", "bytes.saved-model"),
    *("logits.keras", "logits.saved-model"),
]
# Model -> exit code, and what is said.
REFUSED = {
    "lambda.keras": (24, "lambda.keras: Requested the deserialization of a `Lambda` layer"),
    "custom.keras": (24, "custom.keras: Could not locate class 'Strange'"),
    "not-numbers.keras": (25, "not-numbers.keras has weights that are no numbers"),
    "not-numbers.saved-model": (25, "saved_model.pb answers with scores that are no numbers."),
    "writes.saved-model": (25, "saved_model.pb runs code or touches files (WriteFile)."),
    "larger.saved-model": (25, "saved_model.pb takes [N,32,32], not [N,28,28]."),
    "damaged.saved-model": (24, "TensorFlow cannot load "),
}


@pytest.fixture(scope="session")
def attempts(
    export_each: ExportEach, parents: Path, tmp_path_factory: pytest.TempPathFactory
) -> Attempts:
    folder = tmp_path_factory.mktemp("attempts")
    models = [*parents.glob("*.keras"), *parents.glob(f"*/{SAVED_MODEL_FILE}")]
    # A network that saw little data loses more to eight bits than one that is worth shipping.
    return export_each(
        "parents-exported",
        {
            display_name(model): Job(
                model, RECIPES, folder / display_name(model), verify="fast", max_drop=2.0
            )
            for model in models
        },
    )


@pytest.mark.parametrize("model", SOUND)
def test_any_classifier_is_exported_and_proved(attempts: Attempts, model: str) -> None:
    attempt = attempts[model]
    assert attempt.errors == []
    assert attempt.made == RECIPES
    files = find_artifacts(attempt.folder)
    assert len(files) == len(RECIPES)
    for path in files:
        manifest = read_manifest(path)
        assert manifest is not None
        assert manifest.parity is not None
        assert manifest.parity.images == 1_000
        assert manifest.scores == "probabilities"
        least = 0.999 if manifest.precision is Precision.FLOAT32 else 0.95
        assert manifest.parity.agreement >= least


@pytest.mark.parametrize("model", REFUSED)
def test_what_cannot_be_a_parent_is_refused_and_never_run(
    attempts: Attempts, parents: Path, model: str
) -> None:
    wanted, sentence = REFUSED[model]
    attempt = attempts[model]
    ((code, message, hint),) = attempt.errors
    assert code == wanted
    assert sentence in message
    assert message.endswith(".")
    assert hint
    assert attempt.made == []
    assert not attempt.folder.exists()
    assert not (parents / "it-ran").exists()


def test_the_table_above_is_complete(attempts: Attempts) -> None:
    assert set(attempts) == {*SOUND, *REFUSED}


def test_a_saved_model_is_named_by_its_folder(
    cli: CommandLine, parents: Path, tmp_path: Path
) -> None:
    wanted = ("--format", "tflite", "--precision", "float32", "--verify", "fast")
    done = cli("export", parents / "float.saved-model", *wanted, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        "float-float32.tflite",
        "float-float32.tflite.json",
    }


def test_the_lambda_would_have_left_its_mark(cli: CommandLine, parents: Path) -> None:
    code = "import sys, keras, numpy; keras.config.enable_unsafe_deserialization();"
    code += "keras.saving.load_model(sys.argv[1], compile=False)(numpy.zeros((1, 28, 28)))"
    done = cli.python("-c", code, parents / "lambda.keras")
    try:
        assert (parents / "it-ran").exists(), done.stderr
    finally:
        (parents / "it-ran").unlink(missing_ok=True)
