"""ONNX and ORT files: what is in them, what they answer, and what cannot be had."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fmnist_edge import __version__
from fmnist_edge.artifact import Artifact, Format, TensorSpec, open_artifact, read_manifest
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.exporters import LAYER_READERS
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import ort
from fmnist_edge.session import Images, Scores, Session, SessionOptions, classify
from tests.commands import CommandLine

ONNX: Final = [name for name, recipe in RECIPES.items() if recipe.format is Format.ONNX]
ORT: Final = [name for name, recipe in RECIPES.items() if recipe.format is Format.ORT]
EACH: Final = ONNX + ORT
OPSETS: Final = range(13, 19)
METHODS: Final = ("minmax", "entropy", "percentile")
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
}

# Makes what the command line has no short way to, for the price of starting TensorFlow once.
VARY = """
import json, sys
from pathlib import Path
import numpy as np
from fmnist_edge import dataset
from fmnist_edge.artifact import Format, open_artifact
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import EXPORTERS, load_parent
from fmnist_edge.recipes import RECIPES, Choices
data, out, model = map(Path, sys.argv[1:])
parent = load_parent(open_artifact(model))
images = dataset.stratified(dataset.load(data).train, 100, 0).images
refusals = {}
def make(name, recipe, choices=Choices(), calibration=images):
    try:
        made = EXPORTERS[Format.KERAS, recipe].export(parent, RECIPES[recipe], choices, calibration)
    except ExportError as error:
        refusals[name] = [error.message, error.hint]
    else:
        (suffix, payload), = made.items()
        (out / f"{name}{suffix}").write_bytes(payload)
make("plain", "npz-float32")
for recipe in RECIPES:
    if recipe.startswith(("onnx", "ort")):
        make(f"logits-{recipe}", recipe, Choices(scores="logits"))
        make(f"four-{recipe}", recipe, Choices(batch=4))
        make(f"open-{recipe}", recipe, Choices(batch=None))
for opset in (7, *range(12, 20)):
    make(f"opset-{opset}", "onnx-int8", Choices(opset=opset))
for method in ("minmax", "entropy", "percentile", "mse"):
    make(method, "onnx-int8", Choices(calibration_method=method))
make("dim", "onnx-int8", calibration=images // 3)
print(json.dumps(refusals))
"""


@dataclass(frozen=True)
class Variants:
    """Files that came out of other choices, and what was refused: message and hint."""

    folder: Path
    refusals: Mapping[str, tuple[str, str]]

    def model(self, name: str) -> Any:  # noqa: ANN401 - untyped
        return onnx.load(self.folder / f"{name}.onnx")


@pytest.fixture(scope="session")
def files(cli: CommandLine, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every ONNX and ORT recipe, made by the real command."""
    return _export(cli, trained, tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="session")
def files_again(cli: CommandLine, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same once more, by another process in another folder."""
    return _export(cli, trained, tmp_path_factory.mktemp("onnx-again"))


@pytest.fixture(scope="session")
def variants(cli: CommandLine, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Variants:
    folder = tmp_path_factory.mktemp("onnx-variants")
    done = cli.python("-c", VARY, cli.data, folder, trained)
    assert done.returncode == 0, done.stderr
    return Variants(folder, json.loads(done.stdout.splitlines()[-1]))


def _export(cli: CommandLine, model: Path, out: Path, *more: object) -> Path:
    done = cli("export", model, "--format", "onnx", "--format", "ort", "--out", out, *more)
    assert done.returncode == 0, done.stderr
    return out


def _path(folder: Path, name: str) -> Path:
    return folder / f"default-{RECIPES[name].precision}.{RECIPES[name].format}"


def _graph(folder: Path, name: str) -> Any:  # noqa: ANN401 - untyped
    return onnx.load(_path(folder, name)).graph


def _open(path: Path, batch: int = 1) -> Session:
    return ort.open(open_artifact(path), SessionOptions(batch=batch))


def _answers(path: Path, images: Images) -> Scores:
    return classify(_open(path), images)


def _constants(graph: Any) -> dict[str, NDArray[Any]]:  # noqa: ANN401 - untyped
    return {each.name: numpy_helper.to_array(each) for each in graph.initializer}


# The graph


@pytest.mark.parametrize("name", ONNX)
def test_the_graph_holds_these_operators_and_no_others(files: Path, name: str) -> None:
    assert [node.op_type for node in _graph(files, name).node] == OPERATORS[name]


@pytest.mark.parametrize("name", ONNX)
def test_the_file_passes_the_strictest_checks(files: Path, name: str) -> None:
    model = onnx.load(_path(files, name))
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 18)]
    assert model.ir_version == helper.find_min_ir_version_for(model.opset_import)


@pytest.mark.parametrize("name", ONNX)
def test_names_say_what_a_thing_is(files: Path, name: str) -> None:
    graph = _graph(files, name)
    tensors = [*_constants(graph), *(output for node in graph.node for output in node.output)]
    assert len({*tensors}) == len(tensors)
    assert {node.name.rstrip("0123456789").rstrip("_") for node in graph.node} >= {"reshape"}
    for each in tensors:
        # No counters of a converter's process, no colons, no slashes.
        assert each.replace("_", "").replace(".", "").isalnum()
        assert "__" not in each
    assert sorted(_constants(graph)) == [each.name for each in graph.initializer]


def test_every_weight_is_named_after_its_layer(files: Path) -> None:
    floats, quantized = (_constants(_graph(files, f"onnx-{p}")) for p in ("float32", "int8"))
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
    files: Path, name: str, types: set[str]
) -> None:
    stored = _constants(_graph(files, name)).values()
    assert {str(each.dtype) for each in stored if each.ndim > 1} == types


@pytest.mark.parametrize("name", EACH)
def test_bytes_go_in_and_real_numbers_come_out(files: Path, name: str) -> None:
    session = _open(_path(files, name))
    assert session.input == TensorSpec("image", (None, 28, 28), "uint8")
    assert session.output == TensorSpec("scores", (None, 10), "float32")


@pytest.mark.parametrize("method", [*METHODS, "dim"])
def test_a_quantized_pixel_is_the_pixel_whatever_was_calibrated_on(
    variants: Variants, method: str
) -> None:
    graph = variants.model(method).graph
    first = next(node for node in graph.node if node.op_type == "DequantizeLinear")
    scale, zero_point = (_constants(graph)[name] for name in first.input[1:])
    assert (scale, zero_point) == (np.float32(1 / 255), 0)
    assert zero_point.dtype == np.uint8


def test_calibration_methods_take_different_ranges(variants: Variants) -> None:
    scales = [
        float(_constants(variants.model(method).graph)["quantizelinear_0.scale"])
        for method in ("minmax", "percentile", "dim")
    ]
    assert scales[0] > scales[1] > 0
    assert scales[0] > scales[2] > 0


# Choices


@pytest.mark.parametrize("opset", OPSETS)
def test_an_older_opset_can_be_had(variants: Variants, unseen: Split, opset: int) -> None:
    name = f"opset-{opset}"
    model = variants.model(name)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", opset)]
    path, images = variants.folder / f"{name}.onnx", unseen.images[:100]
    usual = _answers(variants.folder / "minmax.onnx", images)
    np.testing.assert_allclose(_answers(path, images), usual, atol=1e-5)


@pytest.mark.parametrize("opset", [7, 12, 19])
def test_an_opset_that_cannot_be_written_is_refused(variants: Variants, opset: int) -> None:
    message, hint = variants.refusals[f"opset-{opset}"]
    assert message == f"ONNX opset {opset} cannot be written; 13 to 18 can."
    assert "--opset" in hint


def test_a_calibration_method_that_the_quantizer_lacks_is_refused(variants: Variants) -> None:
    message, hint = variants.refusals["mse"]
    assert message == "ONNX Runtime's quantizer does not calibrate by 'mse'."
    assert hint == "It knows: minmax, entropy, percentile."


def test_nothing_else_was_refused(variants: Variants) -> None:
    assert set(variants.refusals) == {"opset-7", "opset-12", "opset-19", "mse"}


@pytest.mark.parametrize("name", EACH)
def test_the_batch_can_be_fixed(files: Path, variants: Variants, unseen: Split, name: str) -> None:
    path = variants.folder / f"four-{name}.{RECIPES[name].format}"
    session = _open(path, batch=4)
    assert (session.input.shape, session.output.shape) == ((4, 28, 28), (4, 10))
    assert classify(session, unseen.images[:9]).shape == (9, 10)
    opened = _open(variants.folder / f"open-{name}.{RECIPES[name].format}", batch=7)
    assert opened.input == _open(_path(files, name)).input
    assert classify(opened, unseen.images[:9]).shape == (9, 10)


@pytest.mark.parametrize("name", EACH)
def test_logits_are_the_scores_before_the_softmax(
    variants: Variants, unseen: Split, name: str
) -> None:
    suffix = RECIPES[name].format.suffix
    images = unseen.images[:200]
    logits = _answers(variants.folder / f"logits-{name}{suffix}", images)
    usual = _answers(variants.folder / f"open-{name}{suffix}", images)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    tolerance = 2e-3 if name == "onnx-float16" else 1e-5
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), usual, atol=tolerance)


@pytest.mark.parametrize("name", ONNX)
def test_a_file_of_logits_has_no_softmax(variants: Variants, name: str) -> None:
    operators = [node.op_type for node in variants.model(f"logits-{name}").graph.node]
    assert operators == [each for each in OPERATORS[name] if each != "Softmax"]


# What the file says of itself


@pytest.mark.parametrize("name", EACH)
def test_the_file_says_where_it_comes_from(files: Path, trained: Path, name: str) -> None:
    path = _path(files, name)
    known = (
        {each.key: each.value for each in onnx.load(path).metadata_props}
        if RECIPES[name].format is Format.ONNX
        else _runtime_metadata(path)
    )
    manifest = read_manifest(path)
    assert manifest is not None
    assert json.loads(known["labels"]) == list(LABELS)
    assert known["parent_sha256"] == manifest.parent_sha256 == open_artifact(trained).sha256
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
def test_the_file_names_its_maker(files: Path, name: str) -> None:
    model = onnx.load(_path(files, name))
    assert (model.producer_name, model.graph.name) == ("fmnist-edge", "fashion_mnist")
    assert model.producer_version == __version__
    assert model.doc_string.startswith("Fashion-MNIST classifier")


@pytest.mark.parametrize("name", EACH)
def test_two_processes_write_the_same_bytes(files: Path, files_again: Path, name: str) -> None:
    assert _path(files, name).read_bytes() == _path(files_again, name).read_bytes()


# What it answers


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
    files: Path, variants: Variants, unseen: Split, name: str
) -> None:
    with np.load(variants.folder / "plain.npz") as arrays:
        payload = _by_hand(arrays)
    reference = ort.open(Artifact(Path("x.onnx"), Format.ONNX, payload, None), SessionOptions())
    images = unseen.images[:1000]
    expected = classify(reference, images)
    assert np.abs(_answers(_path(files, name), images) - expected).max() <= 2e-6


@pytest.mark.parametrize("name", EACH)
def test_no_recipe_costs_half_a_point_of_accuracy(files: Path, unseen: Split, name: str) -> None:
    manifest = read_manifest(_path(files, name))
    assert manifest is not None
    assert manifest.parity is not None
    accuracy = manifest.parity.accuracy
    assert accuracy is not None
    labels = _answers(_path(files, name), unseen.images).argmax(axis=1)
    assert float((labels == unseen.labels).mean()) == accuracy.own >= accuracy.parent - 0.005


# Layer by layer


@pytest.mark.parametrize(
    ("name", "decibel"),
    [("onnx-float32", 110), ("onnx-float16", 60), ("onnx-int8", 30), ("onnx-int8-dynamic", 30)],
)
def test_every_layer_can_be_held_against_the_parents(
    files: Path, name: str, decibel: float
) -> None:
    manifest = read_manifest(_path(files, name))
    assert manifest is not None
    assert manifest.parity is not None
    layers = manifest.parity.layers
    assert [each.layer for each in layers][-1:] == ["scores"]
    assert len(layers) == 3
    assert all(each.sqnr_db is None or each.sqnr_db > decibel for each in layers)


@pytest.mark.parametrize("name", ONNX)
def test_layers_come_in_full_whatever_the_batch(
    files: Path, variants: Variants, unseen: Split, name: str
) -> None:
    read = LAYER_READERS[Format.ONNX]
    images = unseen.images[:6]
    usual = read(_path(files, name).read_bytes(), images)
    fixed = read((variants.folder / f"four-{name}.onnx").read_bytes(), images)
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
def arrays(variants: Variants) -> Mapping[str, NDArray[Any]]:
    with np.load(variants.folder / "plain.npz") as stored:
        return dict(stored)


def _export_theirs(cli: CommandLine, model: Any, folder: Path) -> dict[str, Any]:  # noqa: ANN401 - untyped
    path = folder / "theirs-float32.onnx"
    onnx.save(model, path)
    done = cli("export", path, "--json")
    assert done.returncode == 0, done.stderr
    return {each["recipe"]: each for each in json.loads(done.stdout)}


@pytest.mark.parametrize(
    ("shape", "softmax"),
    [((28, 28), True), ((1, 28, 28), False), ((28, 28, 1), True), ((784,), False)],
)
def test_somebodys_float_file_is_quantized(
    cli: CommandLine,
    arrays: Mapping[str, NDArray[Any]],
    tmp_path: Path,
    shape: tuple[int, ...],
    softmax: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    made = _export_theirs(cli, _theirs(arrays, shape, softmax=softmax), tmp_path)
    assert set(made) == {*EACH} - {"onnx-float32"}
    for manifest in made.values():
        assert manifest["parity"]["agreement"] > 0.99
        assert manifest["input"]["dtype"] == "uint8"
    operators = [node.op_type for node in onnx.load(tmp_path / "theirs-int8.onnx").graph.node]
    assert [each for each in operators if each not in {"Flatten", "Reshape"}] == [
        each for each in OPERATORS["onnx-int8"] if each != "Reshape"
    ]


def test_our_own_float_file_becomes_what_the_keras_file_becomes(
    cli: CommandLine, files: Path, unseen: Split, tmp_path: Path
) -> None:
    done = cli(
        *("export", files / "default-float32.onnx", "--format", "onnx", "--precision", "int8"),
        *("--out", tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("*.onnx")] == ["default-int8.onnx"]
    images = unseen.images[:1000]
    ours, theirs = (_answers(folder / "default-int8.onnx", images) for folder in (files, tmp_path))
    assert np.abs(ours - theirs).max() < 0.02
    operators = [node.op_type for node in _graph(tmp_path, "onnx-int8").node]
    assert operators == OPERATORS["onnx-int8"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("onnx-int8", "is quantized already."),
        ("onnx-int8-dynamic", "is quantized already."),
        ("onnx-float16", "is no float32 classifier: its input is uint8, its weights are float16."),
    ],
)
def test_a_file_that_is_no_float32_classifier_is_refused(
    cli: CommandLine, files: Path, tmp_path: Path, name: str, sentence: str
) -> None:
    model = _path(files, name)
    done = cli("export", model, "--format", "ort", "--precision", "int8", "--out", tmp_path / "out")
    assert (done.returncode, done.speaks_plainly) == (25, True)
    assert f"Error: {model} {sentence}" in done.stderr.replace("\n", " ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("larger-images.onnx", "takes [N,32,32], not [N,28,28]."),
        ("seven-scores.onnx", "gives [N,7], not [N,10]."),
        ("two-inputs.onnx", "has 2 inputs and 1 outputs"),
        ("four-at-once.onnx", "takes 4 images at once."),
        ("wide-numbers.onnx", "is no float32 classifier: its input is double."),
    ],
)
def test_somebodys_file_that_cannot_be_quantized_is_refused(
    cli: CommandLine, strangers: Path, tmp_path: Path, model: str, sentence: str
) -> None:
    done = cli("export", strangers / model, "--format", "ort", "--out", tmp_path / "out")
    assert (done.returncode, done.speaks_plainly) == (25, True)
    assert sentence in " ".join(done.stderr.split())


def test_a_damaged_onnx_file_is_refused(cli: CommandLine, files: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.onnx"
    path.write_bytes((files / "default-float32.onnx").read_bytes()[:5000])
    done = cli("export", path, "--format", "ort", "--out", tmp_path / "out")
    assert (done.returncode, done.speaks_plainly) == (24, True)
    assert "is no valid ONNX model" in " ".join(done.stderr.split())
