"""The SavedModel recipe, read with plain TensorFlow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_edge.artifact import open_artifact, read_manifest
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.files import sha256_of
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import tensorflow_
from fmnist_edge.session import SessionOptions, classify
from tests.commands import model_path
from tests.contract.conftest import Attempts

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


@pytest.fixture(scope="session")
def saved(exported: Path) -> Path:
    """Its main file."""
    return _main(exported)


def _main(folder: Path) -> Path:
    return model_path(folder, "default", RECIPES[NAME])


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


def test_it_tells_where_it_comes_from(saved: Path, study: Path) -> None:
    about = json.loads((saved.parent / "assets.extra/fmnist_edge.json").read_text())
    assert json.loads(about["labels"]) == list(LABELS)
    assert about["parent_sha256"] == sha256_of(study.read_bytes())
    assert about["recipe"] == NAME


def test_it_labels_as_many_test_images_right_as_its_parent(
    saved: Path, study: Path, unseen: Split
) -> None:
    training = getattr(read_manifest(study), "training", None)
    scores = _signature(saved)(image=unseen.images)["scores"].numpy()
    right = np.mean(scores.argmax(axis=1) == unseen.labels)
    assert right == pytest.approx(training.test_accuracy, abs=1e-4)


@pytest.mark.parametrize(("variant", "size"), [("eight-logits", 8), ("open-logits", None)])
def test_batch_and_scores_are_as_chosen(
    attempts: Attempts, unseen: Split, variant: str, size: int | None
) -> None:
    main = _main(attempts[variant].folder)
    session = tensorflow_.open(open_artifact(main), SessionOptions(batch=8))
    assert session.input.shape == (size, 28, 28)
    assert classify(session, unseen.images[:8]).min() < 0


def test_replacing_one_leaves_nothing_of_the_former(attempts: Attempts, saved: Path) -> None:
    main = _main(attempts["replaced"].folder)
    assert _files(main) == FOLDER
    assert main.read_bytes() == saved.read_bytes()
