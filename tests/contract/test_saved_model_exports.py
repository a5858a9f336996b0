"""The SavedModel recipe, through the real command line, read with plain TensorFlow."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_edge.artifact import manifest_path, open_artifact, read_manifest
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.files import sha256_of
from fmnist_edge.keras_library import tensorflow
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import tensorflow_
from fmnist_edge.session import SessionOptions, classify
from tests.commands import CommandLine, copy_artifact, model_path

NAME = "saved-model-float32"
# What one call computes.
OPERATORS = [
    *("Placeholder", "Cast", "Reshape"),
    *("MatMul", "AddV2", "Relu", "MatMul", "AddV2", "Relu", "MatMul", "AddV2", "Softmax"),
    "Identity",
]
FOLDER = {
    "saved_model.pb",
    "saved_model.pb.json",
    "assets.extra/fmnist_edge.json",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
}

Export = Callable[..., Path]


@pytest.fixture(scope="session")
def export(cli: CommandLine, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Export the trained model to a SavedModel in a process of its own; returns its main file."""

    def run(*options: object, folder: Path | None = None) -> Path:
        where = folder or tmp_path_factory.mktemp("saved")
        model = copy_artifact(trained, where)
        done = cli("export", model, "--format", "saved-model", *options)
        assert done.returncode == 0, done.stderr
        return model_path(where, "default", RECIPES[NAME])

    return run


@pytest.fixture(scope="session")
def saved(export: Export) -> Path:
    return export()


def _files(main: Path) -> set[str]:
    found = main.parent.rglob("*")
    return {each.relative_to(main.parent).as_posix() for each in found if each.is_file()}


def _signature(main: Path) -> Any:  # noqa: ANN401 - untyped
    loaded = tensorflow().saved_model.load(str(main.parent))
    loaded.signatures["serving_default"].holds = loaded
    return loaded.signatures["serving_default"]


def test_the_folder_holds_what_the_manifest_names_and_nothing_else(saved: Path) -> None:
    manifest = read_manifest(saved)
    assert manifest is not None
    assert _files(saved) == FOLDER
    assert {"saved_model.pb", "saved_model.pb.json", *manifest.companions} == FOLDER
    sizes = [(saved.parent / each).stat().st_size for each in FOLDER - {"saved_model.pb.json"}]
    assert manifest.size_bytes == sum(sizes)


def test_the_signature_takes_the_cameras_bytes(saved: Path) -> None:
    tf = tensorflow()
    signature = _signature(saved)
    (source,) = signature.structured_input_signature[1].values()
    assert source == tf.TensorSpec((None, 28, 28), tf.uint8, name="image")
    assert signature.structured_outputs["scores"].shape.as_list() == [None, 10]


def test_it_computes_the_network_and_nothing_else(saved: Path) -> None:
    operators = [node.op for node in _inner(_signature(saved)).node if node.op != "Const"]
    assert sorted(operators) == sorted(OPERATORS)


def _inner(signature: Any) -> Any:  # noqa: ANN401 - untyped
    """The graph of the function that the signature wraps."""
    library = signature.graph.as_graph_def().library.function
    wrapped = max(library, key=lambda each: len(each.node_def))
    return tensorflow().compat.v1.GraphDef(node=[*_arguments(wrapped), *wrapped.node_def])


def _arguments(function: Any) -> list[Any]:  # noqa: ANN401 - untyped
    node = tensorflow().compat.v1.NodeDef
    return [node(name=each.name, op="Placeholder") for each in function.signature.input_arg]


def test_it_tells_where_it_comes_from(saved: Path, trained: Path) -> None:
    about = json.loads((saved.parent / "assets.extra/fmnist_edge.json").read_text())
    assert json.loads(about["labels"]) == list(LABELS)
    assert about["parent_sha256"] == sha256_of(trained.read_bytes())
    assert about["recipe"] == NAME


def test_another_process_makes_the_same_bytes(export: Export, saved: Path) -> None:
    # In whatever order: this one has traced other functions before.
    again = export("--format", "tflite", "--verify", "none")
    for name in FOLDER - {"saved_model.pb.json"}:
        assert (saved.parent / name).read_bytes() == (again.parent / name).read_bytes()


def test_it_labels_as_many_test_images_right_as_its_parent(
    saved: Path, trained: Path, unseen: Split
) -> None:
    training = getattr(read_manifest(trained), "training", None)
    scores = _signature(saved)(image=unseen.images)["scores"].numpy()
    right = np.mean(scores.argmax(axis=1) == unseen.labels)
    assert right == pytest.approx(training.test_accuracy, abs=1e-4)


@pytest.mark.parametrize(("batch", "size"), [("8", 8), ("dynamic", None)])
def test_batch_and_scores_are_as_chosen(
    export: Export, unseen: Split, batch: str, size: int | None
) -> None:
    main = export("--batch", batch, "--scores", "logits", "--verify", "fast")
    session = tensorflow_.open(open_artifact(main), SessionOptions(batch=8))
    assert session.input.shape == (size, 28, 28)
    assert classify(session, unseen.images[:8]).min() < 0


def test_replacing_one_leaves_nothing_of_the_former(
    export: Export, saved: Path, tmp_path: Path
) -> None:
    main = export("--verify", "none", folder=tmp_path)
    sidecar = manifest_path(main)
    record = json.loads(sidecar.read_text())
    (main.parent / "variables/former").write_bytes(b"")
    record["companions"]["variables/former"] = sha256_of(b"")
    sidecar.write_text(json.dumps(record))
    export("--verify", "none", "--force", folder=tmp_path)
    assert _files(main) == FOLDER
    assert main.read_bytes() == saved.read_bytes()
