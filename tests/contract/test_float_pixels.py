"""Files for code, or accelerators, that have floats: `--pixels float32`."""

import copy
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as tflite

from fmnist_edge.artifact import Artifact, Format, open_artifact, read_manifest
from fmnist_edge.dataset import Split
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import ROUTES, Conversion, stages_of
from fmnist_edge.exporters.parents import tflite as tflite_parent
from fmnist_edge.exporters.tflite import file as tflite_file
from fmnist_edge.libraries.openvino import openvino
from fmnist_edge.recipes import RECIPES, Choices
from fmnist_edge.runtimes import RUNTIMES, reading
from fmnist_edge.session import Images, Scores, SessionOptions, classify
from tests.commands import CommandLine, copy_artifact, model_path
from tests.contract.conftest import SAVED_MODEL
from tests.jobs import Attempts, Job, attempt

FLOATS: Final = Choices(pixels="float32")
NONE: Final[Images] = np.zeros((0, 28, 28), np.uint8)
IMAGES: Final = 500


@pytest.fixture(scope="session")
def floats(attempts: Attempts) -> Path:
    assert attempts["floats"].errors == []
    return attempts["floats"].folder


def _path(folder: Path, name: str) -> Path:
    return model_path(folder, "default", RECIPES[name])


def _of(*formats: Format) -> list[str]:
    return [name for name, recipe in RECIPES.items() if recipe.format in formats]


def _tflite_operators(payload: bytes) -> list[str]:
    model: Any = tflite.ModelT.InitFromPackedBuf(payload)
    names = {code: name for name, code in vars(tflite.BuiltinOperator).items()}
    codes = [names[each.builtinCode] for each in model.operatorCodes]
    return [codes[each.opcodeIndex] for each in model.subgraphs[0].operators]


@pytest.mark.parametrize("name", RECIPES)
def test_every_file_but_one_takes_floats(floats: Path, name: str) -> None:
    manifest = read_manifest(_path(floats, name))
    assert manifest is not None
    expected = "int8" if name == "tflite-int8" else "float32"
    assert manifest.input.dtype == expected
    assert manifest.parity is not None


@pytest.mark.parametrize("name", RECIPES)
def test_it_gives_the_labels_of_the_file_for_bytes(
    floats: Path, exported: Path, unseen: Split, name: str
) -> None:
    runtime = RUNTIMES[reading(RECIPES[name].format)[0]]

    def answer(folder: Path) -> Scores:
        batch = 100 if name == SAVED_MODEL else 1
        session = runtime.open(open_artifact(_path(folder, name)), SessionOptions(batch=batch))
        return classify(session, unseen.images[:IMAGES])

    given, expected = answer(floats), answer(exported)
    assert np.mean(given.argmax(axis=1) == expected.argmax(axis=1)) >= 0.998
    assert np.abs(given - expected).mean() < 1e-3


@pytest.mark.parametrize("name", _of(Format.TFLITE))
def test_a_tflite_file_begins_with_no_cast(floats: Path, exported: Path, name: str) -> None:
    made, usual = (
        _tflite_operators(_path(folder, name).read_bytes()) for folder in (floats, exported)
    )
    assert "CAST" not in made
    assert made == [each for each in usual if each != "CAST"]


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("onnx-float32", ["Reshape", "Gemm"]),
        ("onnx-float16", ["Cast", "Reshape", "Gemm"]),  # from float32
        ("onnx-int8", ["Reshape", "QuantizeLinear", "DequantizeLinear"]),
        ("onnx-int8-dynamic", ["Reshape", "DynamicQuantizeLinear"]),
    ],
)
def test_an_onnx_file_begins_with_what_it_computes(
    floats: Path, name: str, begin: list[str]
) -> None:
    model = onnx.load(_path(floats, name))
    assert [node.op_type for node in model.graph.node][: len(begin)] == begin
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert model.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    told = {each.key: each.value for each in model.metadata_props}
    assert told["Image.NominalPixelRange"] == "Normalized_0_1"
    assert told["preprocessing"] == "float32 = uint8 pixel / 255"


def test_nothing_rounds_the_scores_of_a_quantized_file(floats: Path) -> None:
    kinds = [node.op_type for node in onnx.load(_path(floats, "onnx-int8")).graph.node]
    assert kinds[-2:] == ["Gemm", "Softmax"]


@pytest.mark.parametrize("name", _of(Format.OPENVINO))
def test_an_openvino_file_begins_with_what_it_computes(floats: Path, name: str) -> None:
    model = openvino().Core().read_model(_path(floats, name))
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    steps = [each for each in kinds if each not in {"Parameter", "Constant", "Convert"}]
    assert steps[0] == "Reshape"
    assert model.input(0).element_type.get_type_name() == "f32"
    told = model.get_rt_info(["fmnist_edge", "preprocessing"]).value
    assert told == "float32 = uint8 pixel / 255"


def test_a_saved_model_says_what_it_takes(floats: Path) -> None:
    about = _path(floats, SAVED_MODEL).parent / "assets.extra/fmnist_edge.json"
    assert json.loads(about.read_bytes())["preprocessing"] == "float32 = uint8 pixel / 255"


# From a float TFLite file


@pytest.mark.parametrize("name", ["tflite-float16", "tflite-int8-dynamic", "tflite-int4"])
def test_a_float_tflite_file_of_ours_loses_its_cast(
    cli: CommandLine, exported: Path, tmp_path: Path, name: str
) -> None:
    source = copy_artifact(_path(exported, "tflite-float32"), tmp_path)
    job = Job(source, [name], tmp_path, {"pixels": "float32"}, verify="fast", max_drop=1.5)
    assert attempt(job, cli.data).errors == []
    assert "CAST" not in _tflite_operators(_path(tmp_path, name).read_bytes())


def test_bytes_that_cannot_become_floats_are_refused(exported: Path) -> None:
    model = tflite_file.unpack(_path(exported, "tflite-float32").read_bytes())
    graph = model.subgraphs[0]
    (dense, *_) = [each for each in graph.operators if len(each.inputs) > 1]
    graph.tensors.append(copy.copy(graph.tensors[dense.inputs[1]]))  # the kernel has another use
    graph.tensors[-1].name = b"another"
    parent = tflite_parent.load(
        Artifact(Path("x.tflite"), Format.TFLITE, tflite_file.pack(model), None)
    )
    route, stages = ROUTES[Format.TFLITE, "tflite-int4"], stages_of(parent, FLOATS, NONE)
    conversion = Conversion(parent, RECIPES["tflite-int4"], FLOATS, NONE, route.tools, stages)
    with pytest.raises(ExportError, match=r"x\.tflite keeps its bytes") as caught:
        route.export(conversion)
    assert "--pixels float32" in caught.value.hint


def test_the_command_line_asks_for_floats_too(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    # An ONNX parent needs no TensorFlow, which would have to start first.
    parent = copy_artifact(exported / "default-float32.onnx", tmp_path)
    wanted = ("--format", "onnx", "--precision", "int8-dynamic", "--pixels", "float32")
    done = cli("export", parent, *wanted, "--verify", "none", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    made = onnx.load(_path(tmp_path, "onnx-int8-dynamic"))
    assert made.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
