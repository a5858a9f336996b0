"""ONNX and ORT files: what is in them, what they answer, and what cannot be had."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fmnist_edge import __version__
from fmnist_edge.artifact import Artifact, Format, TensorSpec, open_artifact, read_manifest
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import ROUTES
from fmnist_edge.exporters.onnx.tidy import tidy
from fmnist_edge.pipeline.parity import LAYER_READERS
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import ort
from fmnist_edge.session import Images, Scores, Session, SessionOptions, classify
from tests.commands import CommandLine, model_path
from tests.contract.conftest import Answers, Attempts, ExportEach
from tests.jobs import Job

ONNX: Final = [name for name, recipe in RECIPES.items() if recipe.format is Format.ONNX]
ORT: Final = [name for name, recipe in RECIPES.items() if recipe.format is Format.ORT]
EACH: Final = ONNX + ORT
OPSETS: Final = (13, 15, 18)
METHODS: Final = ("minmax", "entropy", "percentile")
FROM_ONNX: Final = [name for name in RECIPES if (Format.ONNX, name) in ROUTES]
# Somebody's classifiers: the shape of an image, and whether the softmax is in the file.
THEIRS: Final = {
    "plain": ((28, 28), True),
    "channel-first": ((1, 28, 28), False),
    "channel-last": ((28, 28, 1), True),
    "flat": ((784,), False),
}
_WEIGHTS: Final = ["DequantizeLinear", "DequantizeLinear", "Gemm"]
_DYNAMIC: Final = ["DynamicQuantizeLinear", "Mul", "MatMulInteger", "Cast", "Mul", "Add"]
_CHAIN: Final = ["Gemm", "Relu", "Gemm", "Relu", "Gemm", "Softmax"]
_REQUANTIZE: Final = ["QuantizeLinear", "DequantizeLinear"]
OPERATORS: Final = {
    "onnx-float32": ["Cast", "Reshape", *_CHAIN],
    "onnx-float16": ["Cast", "Mul", "Reshape", *_CHAIN, "Cast"],
    "onnx-int8": [
        *("Reshape", "DequantizeLinear", *_WEIGHTS, *_REQUANTIZE),
        *(*_WEIGHTS, *_REQUANTIZE, *_WEIGHTS, "Softmax"),
    ],
    "onnx-int8-dynamic": [
        *("Cast", "Reshape", *_DYNAMIC, "Relu", *_DYNAMIC, "Relu", *_DYNAMIC, "Softmax"),
    ],
    "ort-float32": ["Cast", "Reshape", *_CHAIN],
    "ort-int8": ["Reshape", "QGemm", "QGemm", "QGemm", "Softmax"],
}


def _path(folder: Path, name: str) -> Path:
    return folder / f"default-{RECIPES[name].precision}.{RECIPES[name].format}"


def _graph(folder: Path, name: str) -> Any:  # noqa: ANN401 - untyped
    return onnx.load(_path(folder, name)).graph


def _open(path: Path, batch: int = 1) -> Session:
    return ort.open(open_artifact(path), SessionOptions(batch=batch))


def _answers(path: Path, images: Images, batch: int = 1) -> Scores:
    return classify(_open(path, batch), images)


def _model(attempts: Attempts, variant: str, name: str = "onnx-int8") -> Any:  # noqa: ANN401 - untyped
    return onnx.load(_path(attempts[variant].folder, name))


def _constants(graph: Any) -> dict[str, NDArray[Any]]:  # noqa: ANN401 - untyped
    return {each.name: numpy_helper.to_array(each) for each in graph.initializer}


# The graph


@pytest.mark.parametrize("name", ONNX)
def test_the_graph_holds_these_operators_and_no_others(exported: Path, name: str) -> None:
    assert [node.op_type for node in _graph(exported, name).node] == OPERATORS[name]


@pytest.mark.parametrize("name", ORT)
def test_an_ort_file_runs_these_operators_and_no_others(
    exported: Path, tmp_path: Path, name: str
) -> None:
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    session = onnxruntime.InferenceSession(_path(exported, name), options)
    session.run(None, {"image": np.zeros((1, 28, 28), np.uint8)})
    events = json.loads(Path(session.end_profiling()).read_bytes())
    run = [each["args"]["op_name"] for each in events if each["name"].endswith("_kernel_time")]
    assert run == OPERATORS[name]


@pytest.mark.parametrize("name", ONNX)
def test_the_file_passes_the_strictest_checks(exported: Path, name: str) -> None:
    model = onnx.load(_path(exported, name))
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 18)]
    assert model.ir_version == helper.find_min_ir_version_for(model.opset_import)


@pytest.mark.parametrize("name", ONNX)
def test_names_say_what_a_thing_is(exported: Path, name: str) -> None:
    graph = _graph(exported, name)
    tensors = [*_constants(graph), *(output for node in graph.node for output in node.output)]
    assert len({*tensors}) == len(tensors)
    assert {node.name.rstrip("0123456789").rstrip("_") for node in graph.node} >= {"reshape"}
    for each in tensors:
        # No counters of a converter's process, no colons, no slashes.
        assert each.replace("_", "").replace(".", "").isalnum()
        assert "__" not in each
    assert sorted(_constants(graph)) == [each.name for each in graph.initializer]


def test_every_weight_is_named_after_its_layer(exported: Path) -> None:
    floats, quantized = (_constants(_graph(exported, f"onnx-{p}")) for p in ("float32", "int8"))
    for index, shape in enumerate([(784, 256), (256, 128), (128, 10)]):
        assert floats[f"gemm_{index}.kernel"].shape == shape
        assert floats[f"gemm_{index}.bias"].shape == shape[1:]
        assert quantized[f"gemm_{index}.kernel.values"].dtype == np.int8
        assert quantized[f"gemm_{index}.kernel.scale"].shape == ()
        assert quantized[f"gemm_{index}.bias.values"].dtype == np.int32


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("onnx-float32", {"float32"}),
        ("onnx-float16", {"float16"}),
        ("onnx-int8-dynamic", {"int8"}),
    ],
)
def test_matrices_are_kept_in_the_recipes_precision(
    exported: Path, name: str, types: set[str]
) -> None:
    stored = _constants(_graph(exported, name)).values()
    assert {str(each.dtype) for each in stored if each.ndim > 1} == types


@pytest.mark.parametrize("name", EACH)
def test_bytes_go_in_and_real_numbers_come_out(exported: Path, name: str) -> None:
    session = _open(_path(exported, name))
    assert session.input == TensorSpec("image", (None, 28, 28), "uint8")
    assert session.output == TensorSpec("scores", (None, 10), "float32")


@pytest.mark.parametrize("method", [*METHODS, "dim"])
def test_a_quantized_pixel_is_the_pixel_whatever_was_calibrated_on(
    attempts: Attempts, method: str
) -> None:
    graph = _model(attempts, method).graph
    first = next(node for node in graph.node if node.op_type == "DequantizeLinear")
    scale, zero_point = (_constants(graph)[name] for name in first.input[1:])
    assert (scale, zero_point) == (np.float32(1 / 255), 0)
    assert zero_point.dtype == np.uint8


def test_calibration_methods_take_different_ranges(attempts: Attempts) -> None:
    scales = [
        float(_constants(_model(attempts, method).graph)["quantizelinear_0.scale"])
        for method in ("minmax", "percentile", "entropy", "dim")
    ]
    assert all(0 < scale < scales[0] for scale in scales[1:])


# Choices


@pytest.mark.parametrize("opset", OPSETS)
def test_an_older_opset_can_be_had(attempts: Attempts, unseen: Split, opset: int) -> None:
    model = _model(attempts, f"opset-{opset}")
    assert [(each.domain, each.version) for each in model.opset_import] == [("", opset)]
    given, usual = (
        _answers(_path(attempts[variant].folder, "onnx-int8"), unseen.images[:100])
        for variant in (f"opset-{opset}", "minmax")
    )
    np.testing.assert_allclose(given, usual, atol=1e-5)


@pytest.mark.parametrize("opset", [12, 19])
def test_an_opset_that_cannot_be_written_is_refused(attempts: Attempts, opset: int) -> None:
    ((code, message, hint),) = attempts[f"opset-{opset}"].errors
    assert code == 2
    assert message == f"ONNX opset {opset} cannot be written; 13 to 18 can."
    assert "--opset" in hint


def test_a_calibration_method_that_the_quantizer_lacks_is_refused(attempts: Attempts) -> None:
    ((code, message, hint),) = attempts["mse"].errors
    assert code == 50
    assert message == "ONNX Runtime's quantizer does not calibrate by 'mse'."
    assert hint == "It knows: minmax, entropy, percentile."


@pytest.mark.parametrize("name", EACH)
def test_the_batch_can_be_fixed_and_left_open(
    exported: Path, attempts: Attempts, unseen: Split, name: str
) -> None:
    session = _open(_path(attempts["eight-logits"].folder, name), batch=8)
    assert (session.input.shape, session.output.shape) == ((8, 28, 28), (8, 10))
    assert classify(session, unseen.images[:9]).shape == (9, 10)
    opened = _open(_path(attempts["open"].folder, name), batch=7)
    assert opened.input == _open(_path(exported, name)).input
    assert classify(opened, unseen.images[:9]).shape == (9, 10)


@pytest.mark.parametrize("name", EACH)
def test_logits_are_the_scores_before_the_softmax(
    attempts: Attempts, unseen: Split, name: str
) -> None:
    logits, usual = (
        _answers(_path(attempts[variant].folder, name), unseen.images[:200], batch=8)
        for variant in ("eight-logits", "open")
    )
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    tolerance = 2e-3 if name == "onnx-float16" else 1e-5
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), usual, atol=tolerance)


@pytest.mark.parametrize("name", ONNX)
def test_a_file_of_logits_has_no_softmax(attempts: Attempts, name: str) -> None:
    graph = _model(attempts, "eight-logits", name).graph
    wanted = [each for each in OPERATORS[name] if each != "Softmax"]
    assert [node.op_type for node in graph.node] == wanted


# What the file says of itself


@pytest.mark.parametrize("name", EACH)
def test_the_file_says_where_it_comes_from(exported: Path, study: Path, name: str) -> None:
    path = _path(exported, name)
    known = (
        {each.key: each.value for each in onnx.load(path).metadata_props}
        if RECIPES[name].format is Format.ONNX
        else _runtime_metadata(path)
    )
    manifest = read_manifest(path)
    assert manifest is not None
    assert json.loads(known["labels"]) == list(LABELS)
    assert known["parent_sha256"] == manifest.parent_sha256 == open_artifact(study).sha256
    assert known["recipe"] == name
    assert known["scores"] == "probabilities"
    assert known["preprocessing"] == "uint8 pixels as they are, 0 (background) to 255"
    tools = json.loads(known["tools"])
    assert {"fmnist-edge", "onnx"} < tools.keys()
    assert tools.items() <= manifest.tools.items()


def _runtime_metadata(path: Path) -> dict[str, str]:
    library = pytest.importorskip("onnxruntime")
    opened = library.InferenceSession(path, providers=["CPUExecutionProvider"])
    metadata: dict[str, str] = opened.get_modelmeta().custom_metadata_map
    return metadata


@pytest.mark.parametrize("name", ONNX)
def test_the_file_names_its_maker(exported: Path, name: str) -> None:
    model = onnx.load(_path(exported, name))
    assert (model.producer_name, model.graph.name) == ("fmnist-edge", "fashion_mnist")
    assert model.producer_version == __version__
    assert model.doc_string.startswith("Fashion-MNIST classifier")


# What it answers


@pytest.fixture(scope="session")
def arrays(exported: Path) -> Mapping[str, NDArray[Any]]:
    """The network itself, layer by layer."""
    with np.load(exported / "default-float32.npz") as stored:
        return dict(stored)


def _by_hand(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The same network, written by another hand from plain arrays."""
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["real", "white"], ["scaled"]),
        helper.make_node("Flatten", ["scaled"], ["values_0"]),
    ]
    constants = {"white": np.float32(255)}
    kinds = {"relu": "Relu", "softmax": "Softmax"}
    for index, activation in enumerate(arrays["activations"]):
        for role in ("kernel", "bias"):
            constants[f"{role}_{index}"] = arrays[f"{role}_{index}"]
        inputs = [f"values_{index}", f"kernel_{index}", f"bias_{index}"]
        nodes.append(helper.make_node("Gemm", inputs, [f"linear_{index}"]))
        linear, after = f"linear_{index}", f"values_{index + 1}"
        nodes.append(helper.make_node(kinds[str(activation)], [linear], [after]))
    last = f"values_{len(arrays['activations'])}"
    graph = helper.make_graph(
        nodes,
        "by_hand",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 28, 28])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    written: bytes = model.SerializeToString()
    return written


@pytest.mark.parametrize("name", ["onnx-float32", "ort-float32"])
def test_another_writer_of_the_same_network_gets_the_same_scores(
    exported: Path, arrays: Mapping[str, NDArray[Any]], unseen: Split, name: str
) -> None:
    artifact = Artifact(Path("x.onnx"), Format.ONNX, _by_hand(arrays), None)
    reference = ort.open(artifact, SessionOptions())
    images = unseen.images[:1000]
    expected = classify(reference, images)
    assert np.abs(_answers(_path(exported, name), images) - expected).max() <= 2e-6


@pytest.mark.parametrize("name", EACH)
def test_no_recipe_costs_half_a_point_of_accuracy(
    exported: Path, answers: Answers, unseen: Split, name: str
) -> None:
    manifest = read_manifest(_path(exported, name))
    assert manifest is not None
    assert manifest.parity is not None
    accuracy = manifest.parity.accuracy
    assert accuracy is not None
    labels = answers(name).argmax(axis=1)
    assert float((labels == unseen.labels).mean()) == accuracy.own >= accuracy.parent - 0.005


# Layer by layer


@pytest.mark.parametrize(
    ("name", "decibel"),
    [("onnx-float32", 110), ("onnx-float16", 60), ("onnx-int8", 30), ("onnx-int8-dynamic", 30)],
)
def test_every_layer_can_be_held_against_the_parents(
    exported: Path, name: str, decibel: float
) -> None:
    manifest = read_manifest(_path(exported, name))
    assert manifest is not None
    assert manifest.parity is not None
    layers = manifest.parity.layers
    assert [each.layer for each in layers][-1:] == ["scores"]
    assert len(layers) == 3
    assert all(each.sqnr_db is None or each.sqnr_db > decibel for each in layers)


@pytest.mark.parametrize("name", ONNX)
def test_layers_come_in_full_whatever_the_batch(
    exported: Path, attempts: Attempts, unseen: Split, name: str
) -> None:
    read = LAYER_READERS[Format.ONNX]
    images = unseen.images[:6]
    usual = read(_path(exported, name).read_bytes(), images)
    fixed = read(_path(attempts["eight-logits"].folder, name).read_bytes(), images)
    assert [each.shape for each in usual] == [(6, 256), (6, 128), (6, 10)]
    assert {str(each.dtype) for each in usual} == {"float32"}
    assert usual[0].min() == usual[1].min() == 0  # behind the relu
    assert usual[2].min() < 0  # before the softmax
    if name in {"onnx-float32", "onnx-float16"}:  # a rounding may tip a quantized value over
        for one, other in zip(usual, fixed, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-2)


# Somebody's float file


def _theirs(
    arrays: Mapping[str, NDArray[Any]], shape: tuple[int, ...], *, softmax: bool = True
) -> Any:  # noqa: ANN401 - untyped
    """As other frameworks write it: MatMul and Add, Identity, pixels in 0..1."""
    count = len(arrays["activations"])
    nodes = [helper.make_node("Flatten", ["input"], ["flat"])]
    value = "flat"
    for index in range(count):
        nodes += [
            helper.make_node("MatMul", [value, f"kernel_{index}"], [f"product_{index}"]),
            helper.make_node("Add", [f"bias_{index}", f"product_{index}"], [f"sum_{index}"]),
            helper.make_node(
                "Relu" if index < count - 1 else "Identity", [f"sum_{index}"], [f"v{index}"]
            ),
        ]
        value = f"v{index}"
    nodes.append(helper.make_node("Softmax" if softmax else "Identity", [value], ["output"]))
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(v, k) for k, v in arrays.items() if k != "activations"],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="session")
def foreign(
    export_each: ExportEach,
    exported: Path,
    strangers: Path,
    arrays: Mapping[str, NDArray[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Attempts:
    """What became of other people's ONNX files, and of ours that are no parents."""
    folder = tmp_path_factory.mktemp("foreign")
    jobs = {}
    for name, (shape, softmax) in THEIRS.items():
        (folder / name).mkdir()
        path = folder / name / "theirs-float32.onnx"
        onnx.save(_theirs(arrays, shape, softmax=softmax), path)
        jobs[name] = Job(path, FROM_ONNX, folder / name, verify="fast")
    half = folder / "half.onnx"
    half.write_bytes((exported / "default-float32.onnx").read_bytes()[:5000])
    ours = [_path(exported, name) for name in ONNX if name != "onnx-float32"]
    for path in (half, *ours, *strangers.glob("*.onnx")):
        jobs[path.name] = Job(path, ORT, folder / "out" / path.name)
    return export_each("foreign", jobs)


@pytest.mark.parametrize("name", THEIRS)
def test_somebodys_float_file_is_quantized(foreign: Attempts, name: str) -> None:
    assert foreign[name].made == FROM_ONNX
    for recipe in FROM_ONNX:
        path = model_path(foreign[name].folder, "theirs", RECIPES[recipe])
        manifest = read_manifest(path)
        assert manifest is not None
        assert manifest.parity is not None
        assert manifest.parity.agreement > 0.99
        assert manifest.input.dtype == "uint8"
    graph = onnx.load(foreign[name].folder / "theirs-int8.onnx").graph
    operators = [node.op_type for node in graph.node]
    assert [each for each in operators if each not in {"Flatten", "Reshape"}] == [
        each for each in OPERATORS["onnx-int8"] if each != "Reshape"
    ]


def test_an_operator_that_onnx_lacks_is_named(arrays: Mapping[str, NDArray[Any]]) -> None:
    model = _theirs(arrays, (28, 28), softmax=True)
    model.graph.node[-1].op_type = "Digamma"
    with pytest.raises(ExportError, match="ONNX has no operator for TensorFlow's Digamma"):
        tidy(model)


def test_our_own_float_file_becomes_what_the_keras_file_becomes(
    cli: CommandLine, exported: Path, unseen: Split, tmp_path: Path
) -> None:
    model = exported / "default-float32.onnx"
    done = cli("export", model, "--json", "-", "--verify", "fast", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [each["recipe"] for each in json.loads(done.stdout)] == FROM_ONNX
    images = unseen.images[:1000]
    ours, theirs = (_answers(_path(folder, "onnx-int8"), images) for folder in (exported, tmp_path))
    assert np.abs(ours - theirs).max() < 0.02
    operators = [node.op_type for node in _graph(tmp_path, "onnx-int8").node]
    assert operators == OPERATORS["onnx-int8"]


@pytest.mark.parametrize(
    ("model", "code", "sentence"),
    [
        ("default-int8.onnx", 25, "is quantized already."),
        ("default-int8-dynamic.onnx", 25, "is quantized already."),
        (
            "default-float16.onnx",
            25,
            "is no float32 classifier: its input is uint8, its weights are float16.",
        ),
        ("larger-images.onnx", 25, "takes [N,32,32], not [N,28,28]."),
        ("seven-scores.onnx", 25, "gives [N,7], not [N,10]."),
        ("two-inputs.onnx", 25, "has 2 inputs and 1 outputs"),
        ("four-at-once.onnx", 25, "takes 4 images at once."),
        ("wide-numbers.onnx", 25, "is no float32 classifier: its input is double."),
        ("half.onnx", 24, "is no valid ONNX model"),
    ],
)
def test_a_file_that_cannot_be_quantized_is_refused(
    foreign: Attempts, model: str, code: int, sentence: str
) -> None:
    attempt = foreign[model]
    ((told, message, hint),) = attempt.errors
    assert told == code
    assert f"{model} {sentence}" in message
    assert "\n" not in message
    assert hint
    assert attempt.made == []
    assert not attempt.folder.exists()


def test_the_command_line_refuses_a_quantized_parent(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    model = _path(exported, "onnx-int8")
    done = cli("export", model, "--format", "ort", "--precision", "int8", "--out", tmp_path / "out")
    assert (done.returncode, done.speaks_plainly) == (25, True)
    assert f"Error: {model} is quantized already." in done.stderr.replace("\n", " ")
    assert not (tmp_path / "out").exists()
