"""Every OpenVINO recipe: what is in the files, and what it answers.

The files are read with plain OpenVINO, without this project.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fmnist_edge.artifact import Artifact, Format, Quantization, TensorSpec, open_artifact
from fmnist_edge.artifact import read_manifest as manifest_of
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.files import sha256_of
from fmnist_edge.libraries.openvino import openvino
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import RUNTIMES, openvino_
from fmnist_edge.session import SessionOptions, classify
from tests.commands import model_path
from tests.contract.conftest import Answers, Attempts

NAMES = ["openvino-float32", "openvino-float16", "openvino-int8"]
LAYER, WIDENED = ("MatMul", "Add"), ("Convert", "MatMul", "Convert", "Add")
DEQUANTIZED = ("Convert", "Multiply")
QUANTIZED = ("FakeQuantize", *DEQUANTIZED, "MatMul", *DEQUANTIZED, "Add")
# All that each file computes, in order, constants aside.
OPERATORS = {
    "openvino-float32": ("Convert", "Reshape", *LAYER, "Relu", *LAYER, "Relu", *LAYER, "Softmax"),
    "openvino-float16": (
        *("Convert", "Reshape", *WIDENED, "Relu", *WIDENED, "Relu", *WIDENED, "Softmax"),
    ),
    # No Relu: the quantizers behind it start at 0.
    "openvino-int8": ("Convert", "Multiply", "Reshape", *QUANTIZED * 3, "Softmax"),
}
SIZES = {"openvino-float32": 940_600, "openvino-float16": 470_308, "openvino-int8": 237_500}


def _path(folder: Path, name: str) -> Path:
    return model_path(folder, "default", RECIPES[name])


def _model(path: Path) -> Any:  # noqa: ANN401 - untyped
    return openvino().Core().read_model(path)


def _operators(path: Path) -> tuple[str, ...]:
    kinds = [node.get_type_name() for node in _model(path).get_ordered_ops()]
    return tuple(each for each in kinds if each not in {"Parameter", "Constant", "Result"})


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_no_operators_but_those_of_the_network(exported: Path, name: str) -> None:
    assert _operators(_path(exported, name)) == OPERATORS[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_input_is_the_cameras_bytes_and_the_names_are_clean(exported: Path, name: str) -> None:
    model = _model(_path(exported, name))
    (source,), (target,) = model.inputs, model.outputs
    assert (source.names, target.names) == ({"image"}, {"scores"})
    assert (list(source.shape), list(target.shape)) == ([1, 28, 28], [1, 10])
    types = (source.element_type.get_type_name(), target.element_type.get_type_name())
    assert types == ("u8", "f32")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_tells_where_it_comes_from(exported: Path, study: Path, name: str) -> None:
    told = dict(_model(_path(exported, name)).get_rt_info(["fmnist_edge"]).value)
    assert json.loads(told.pop("labels")) == list(LABELS)
    tools = json.loads(told.pop("tools"))
    assert {"fmnist-edge", "openvino", "tensorflow"} <= tools.keys()
    assert told == {
        "license": "MIT",
        "parent_sha256": sha256_of(study.read_bytes()),
        "preprocessing": "uint8 pixels as they are, 0 (background) to 255",
        "recipe": name,
        "scores": "probabilities",
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_lie_beside_it_and_belong_to_it(exported: Path, name: str) -> None:
    path = _path(exported, name)
    weights = path.with_suffix(".bin")
    manifest = manifest_of(path)
    assert manifest is not None
    assert manifest.companions == {weights.name: sha256_of(weights.read_bytes())}
    assert weights.stat().st_size <= SIZES[name]


@pytest.mark.parametrize("name", NAMES)
def test_it_labels_as_many_test_images_right_as_its_parent(
    answers: Answers, study: Path, unseen: Split, name: str
) -> None:
    training = getattr(manifest_of(study), "training", None)
    right = np.mean(answers(name).argmax(axis=1) == unseen.labels)
    assert right == pytest.approx(training.test_accuracy, abs=0.005)


def test_what_was_used_is_told(exported: Path) -> None:
    artifact = open_artifact(_path(exported, "openvino-float32"))
    session = openvino_.open(artifact, SessionOptions(threads=2))
    used = dict(session.used)
    assert used.pop("kernels")  # whichever this CPU has
    assert used == {"threads": "2", "precision": "f32", "device": "CPU"}


@pytest.mark.parametrize(
    ("variant", "shape"), [("eight-logits", "[8,28,28]"), ("open-logits", "[?,28,28]")]
)
def test_batch_and_scores_are_as_chosen(attempts: Attempts, variant: str, shape: str) -> None:
    folder = attempts[variant].folder
    for name in NAMES:
        path = _path(folder, name)
        model = _model(path)
        assert str(model.input(0).partial_shape) == shape
        assert _operators(path) == OPERATORS[name][:-1]
        assert model.get_rt_info(["fmnist_edge", "scores"]).value == "logits"


# The runtime


def test_a_file_without_its_weights_is_refused_by_name(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "alone.xml"
    path.write_bytes(_path(exported, "openvino-float32").read_bytes())
    with pytest.raises(ModelUnreadableError, match=r"alone\.xml comes without alone\.bin"):
        openvino_.open(open_artifact(path), SessionOptions())


def test_a_bare_file_of_somebody_else_is_opened_with_the_weights_beside_it(
    strangers: Path, unseen: Split
) -> None:
    payload = (strangers / "four-at-once.onnx").read_bytes()
    artifact = Artifact(Path("four-at-once.onnx"), Format.ONNX, payload, None)
    session = openvino_.open(artifact, SessionOptions(batch=4))
    assert classify(session, unseen.images[:6]).shape == (6, 10)


def test_a_graph_made_for_one_image_is_refused_for_two(strangers: Path) -> None:
    artifact = open_artifact(strangers / "one-at-a-time.onnx")
    with pytest.raises(ModelUnsupportedError, match="cannot take 2 images at once"):
        openvino_.open(artifact, SessionOptions(batch=2))


def _int8_input(*nodes: onnx.NodeProto) -> bytes:
    kernel = np.random.default_rng(0).normal(0, 0.1, (784, 10)).astype(np.float32)
    constants = {
        "scale": np.float32(0.5),
        "zero": np.int8(-3),
        "kernel": kernel,
        "flat_shape": np.array([-1, 784]),
    }
    rest = [
        helper.make_node("Reshape", ["real", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "kernel"], ["scores"]),
    ]
    graph = helper.make_graph(
        [*nodes, *rest],
        "int8",
        [helper.make_tensor_value_info("image", TensorProto.INT8, ["N", 28, 28])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    written: bytes = model.SerializeToString()
    return written


def test_what_an_int8_input_means_is_read_from_the_graph() -> None:
    node = helper.make_node("DequantizeLinear", ["image", "scale", "zero"], ["real"])
    artifact = Artifact(Path("int8.onnx"), Format.ONNX, _int8_input(node), None)
    session = openvino_.open(artifact, SessionOptions())
    assert session.input == TensorSpec("image", (None, 28, 28), "int8", Quantization(0.5, -3))


def test_an_int8_input_that_tells_nothing_is_refused() -> None:
    node = helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT)
    artifact = Artifact(Path("int8.onnx"), Format.ONNX, _int8_input(node), None)
    with pytest.raises(ModelUnsupportedError, match=r"int8\.onnx takes int8 and does not tell"):
        openvino_.open(artifact, SessionOptions())


def test_onnx_files_are_proved_on_onnx_runtime_first() -> None:
    able = [name for name, module in RUNTIMES.items() if Format.ONNX in module.FORMATS]
    readers = [name for name in able if RUNTIMES[name].READS_MODEL]
    assert readers[:2] == ["onnxruntime", "openvino"]
