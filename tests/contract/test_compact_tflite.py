"""TFLite files are made small at the end: the same answers, bit by bit, wherever they are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, open_artifact
from fmnist_edge.dataset import Split, load
from fmnist_edge.exporters import ROUTES, Conversion, stages_of
from fmnist_edge.exporters.parents import keras as keras_parent
from fmnist_edge.exporters.tflite import file as tflite_file
from fmnist_edge.exporters.tflite.compact import compact
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.recipes import RECIPES, Choices
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import Images, SessionOptions, classify, prepare_images

TFLITE = [name for name, recipe in RECIPES.items() if recipe.format is Format.TFLITE]
MODELS = ("default", "pooled")
IMAGES = 200
Answer = NDArray[Any]


@dataclass(frozen=True)
class _Pair:
    """A file as its converter leaves it, and as it is exported."""

    before: bytes
    after: bytes


@pytest.fixture(scope="session")
def pairs(study: Path, parents: Path, real_data_folder: Path) -> Callable[[str, str], _Pair]:
    """By model and recipe."""
    calibration = load(real_data_folder).train.images[:200]
    paths = {"default": study, "pooled": parents / "pooled.keras"}
    loaded = {name: keras_parent.load(open_artifact(path)) for name, path in paths.items()}
    made: dict[tuple[str, str], _Pair] = {}

    def pair(model: str, name: str) -> _Pair:
        if (model, name) not in made:
            parent, recipe = loaded[model], RECIPES[name]
            given = calibration if recipe.calibrated else calibration[:0]
            route, stages = ROUTES[Format.KERAS, name], stages_of(parent, Choices(), calibration)
            conversion = Conversion(parent, recipe, Choices(), given, route.tools, stages)
            before = route.convert(conversion)
            (after,) = route.finish(before, conversion).values()
            made[model, name] = _Pair(before, after)
        return made[model, name]

    return pair


def _by_litert(payload: bytes, images: Images, *, delegate: bool) -> Answer:
    kinds = OpResolverType
    resolver = kinds.AUTO if delegate else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return _run(
        Interpreter(model_content=payload, experimental_op_resolver_type=resolver), payload, images
    )


def _by_tensorflow(payload: bytes, images: Images) -> Answer:
    return _run(tensorflow().lite.Interpreter(model_content=payload), payload, images)


def _by_openvino(payload: bytes, images: Images) -> Answer:
    artifact = Artifact(Path("x.tflite"), Format.TFLITE, payload, None)
    return classify(RUNTIMES["openvino"].open(artifact, SessionOptions()), images)


def _run(interpreter: Any, payload: bytes, images: Images) -> Answer:  # noqa: ANN401 - untyped
    artifact = Artifact(Path("x.tflite"), Format.TFLITE, payload, None)
    source = RUNTIMES["litert"].open(artifact, SessionOptions()).input
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for image in images:
        interpreter.set_tensor(given["index"], prepare_images(image[None], source))
        interpreter.invoke()
        answers.append(interpreter.get_tensor(made["index"]).copy())
    return np.concatenate(answers)


READERS: Mapping[str, Callable[[bytes, Images], Answer]] = {
    "LiteRT with XNNPACK": lambda payload, images: _by_litert(payload, images, delegate=True),
    "LiteRT's own kernels": lambda payload, images: _by_litert(payload, images, delegate=False),
    "OpenVINO": _by_openvino,
    # It warns of its own end.
    "TensorFlow": _by_tensorflow,
}


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize("name", TFLITE)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("reader", READERS)
def test_every_reader_answers_the_same_bits(
    pairs: Callable[[str, str], _Pair], unseen: Split, model: str, name: str, reader: str
) -> None:
    pair, images = pairs(model, name), unseen.images[:IMAGES]
    before, after = (READERS[reader](each, images) for each in (pair.before, pair.after))
    assert before.shape == (IMAGES, 10)
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("name", TFLITE)
def test_a_resized_file_answers_the_same_bits(
    pairs: Callable[[str, str], _Pair], unseen: Split, name: str
) -> None:
    for model in MODELS:
        pair = pairs(model, name)
        answers = []
        for payload in (pair.before, pair.after):
            artifact = Artifact(Path("x.tflite"), Format.TFLITE, payload, None)
            session = RUNTIMES["litert"].open(artifact, SessionOptions(batch=20))
            answers.append(classify(session, unseen.images[:IMAGES]).tobytes())
        assert answers[0] == answers[1]


@pytest.mark.parametrize("model", MODELS)
def test_what_surrounds_the_numbers_shrinks_by_half(
    pairs: Callable[[str, str], _Pair], model: str
) -> None:
    pair = pairs(model, "tflite-int8")
    plain = tflite_file.pack(compact(tflite_file.unpack(pair.after), frozenset()))
    graph = tflite.ModelT.InitFromPackedBuf(pair.before)
    numbers = sum(
        len(graph.buffers[each.buffer].data) + 4 * len(each.quantization.scale)
        for each in graph.subgraphs[0].tensors
        if graph.buffers[each.buffer].data is not None and each.quantization.scale is not None
    )
    # Zero points are among what is left: 8 bytes for each unit.
    assert len(plain) - numbers < 0.6 * (len(pair.before) - numbers)


# What stays, and what goes


def _file(pairs: Callable[[str, str], _Pair], name: str) -> Any:  # noqa: ANN401 - generated code
    return tflite_file.unpack(pairs("pooled", name).after)


@pytest.mark.parametrize("name", TFLITE)
def test_nothing_stands_in_a_file_twice(pairs: Callable[[str, str], _Pair], name: str) -> None:
    model = _file(pairs, name)
    filled = [bytes(each.data) for each in model.buffers if each.data is not None]
    assert len(filled) == len(set(filled)) == len(model.buffers) - 1
    assert model.buffers[0].data is None
    graph = model.subgraphs[0]
    names = [each.name for each in graph.tensors]
    assert len(names) == len(set(names))
    used = {int(i) for each in graph.operators for i in (*each.inputs, *each.outputs)}
    assert used == set(range(len(graph.tensors)))
    assert {each.opcodeIndex for each in graph.operators} == set(range(len(model.operatorCodes)))


@pytest.mark.parametrize("name", TFLITE)
def test_what_is_written_once_is_read_everywhere(
    pairs: Callable[[str, str], _Pair], name: str
) -> None:
    before = pairs("pooled", name).before
    written = tflite_file.pack(tflite_file.unpack(before))
    assert len(written) < len(before)
    assert _told(tflite_file.unpack(written)) == _told(tflite_file.unpack(before))
    assert tflite_file.pack(tflite_file.unpack(written)) == written


def _told(value: Any) -> Any:  # noqa: ANN401 - a tree of generated objects
    """The tree as what can be compared."""
    if hasattr(value, "__dict__"):
        return {name: _told(part) for name, part in vars(value).items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_told(part) for part in value]
    return value


def test_only_float16_files_say_what_a_delegate_may_do(
    pairs: Callable[[str, str], _Pair],
) -> None:
    for name in TFLITE:
        entries = {each.name for each in _file(pairs, name).metadata}
        allowed = {b"reduced_precision_support"} if name == "tflite-float16" else set()
        assert entries - {b"fmnist_edge", b"TFLITE_METADATA"} <= {b"min_runtime_version"} | allowed
        assert allowed <= entries


# What is left alone


def _small() -> Any:  # noqa: ANN401 - generated code
    """RESHAPE and FULLY_CONNECTED, by hand."""
    kernel = np.ones((2, 4), np.float32)
    buffers = [
        tflite.BufferT(),
        tflite.BufferT(np.array([-1, 4], np.int32).view(np.uint8)),
        tflite.BufferT(kernel.view(np.uint8).ravel()),
    ]

    def tensor(name: str, shape: list[int], buffer: int = 0, kind: int = 0) -> Any:  # noqa: ANN401
        return tflite.TensorT(
            np.array(shape, np.int32), kind, buffer, name.encode(), tflite.QuantizationParametersT()
        )

    flat = 2
    graph = tflite.SubGraphT(
        [
            tensor("image", [1, 2, 2]),
            tensor("shape", [2], 1, tflite.TensorType.INT32),
            tensor("flat", [1, 4]),
            tensor("kernel", [2, 4], 2),
            tensor("scores", [1, 2]),
        ],
        np.array([0], np.int32),
        np.array([4], np.int32),
        [
            tflite.OperatorT(0, np.array([0, 1], np.int32), np.array([flat], np.int32)),
            tflite.OperatorT(
                1,
                np.array([flat, 3, -1], np.int32),
                np.array([4], np.int32),
                tflite.BuiltinOptions.FullyConnectedOptions,
                tflite.FullyConnectedOptionsT(),
            ),
        ],
        b"main",
    )
    codes = [
        tflite.OperatorCodeT(code, None, 1, code)
        for code in (tflite.BuiltinOperator.RESHAPE, tflite.BuiltinOperator.FULLY_CONNECTED)
    ]
    return tflite.ModelT(3, codes, [graph], b"by hand", buffers)


def _kinds(model: Any) -> list[int]:  # noqa: ANN401 - generated code
    graph = model.subgraphs[0]
    return [model.operatorCodes[each.opcodeIndex].builtinCode for each in graph.operators]


def test_the_shape_of_a_reshape_is_an_option() -> None:
    model = compact(_small(), frozenset())
    # LiteRT's GPU delegate computes nonsense, and says nothing, if nothing makes rows of an image.
    assert _kinds(model) == [
        tflite.BuiltinOperator.RESHAPE,
        tflite.BuiltinOperator.FULLY_CONNECTED,
    ]
    reshape, dense = model.subgraphs[0].operators
    assert reshape.inputs.tolist() == [0]
    # Open, so that a file for one image can be resized.
    assert reshape.builtinOptions.newShape.tolist() == [-1, 4]
    assert [each.name for each in model.subgraphs[0].tensors] == [b"image", "1", "2", b"scores"]
    assert dense.inputs.tolist() == [1, 2, -1]
    assert len(model.buffers) == 2


def test_the_operator_that_comes_most_often_has_the_index_that_takes_no_bytes(
    pairs: Callable[[str, str], _Pair],
) -> None:
    model = tflite_file.unpack(pairs("default", "tflite-int8").after)
    assert model.operatorCodes[0].builtinCode == tflite.BuiltinOperator.FULLY_CONNECTED


def test_a_scalar_may_lack_a_shape() -> None:
    # The converter writes such scalars for graphs with an open batch axis.
    model = _small()
    model.subgraphs[0].tensors[0].shape = None
    assert compact(model, frozenset()).subgraphs[0].tensors[0].shape is None


def test_a_graph_of_somebody_else_computes_the_same() -> None:
    answers = []
    for model in (_small(), compact(_small(), frozenset())):
        interpreter = Interpreter(model_content=tflite_file.pack(model))
        interpreter.allocate_tensors()
        given = interpreter.get_input_details()[0]["index"]
        interpreter.set_tensor(given, np.arange(4, dtype=np.float32).reshape(1, 2, 2))
        interpreter.invoke()
        made = interpreter.get_output_details()
        answers.append([interpreter.get_tensor(each["index"]).tolist() for each in made])
    assert answers[0] == answers[1]
    assert answers[0][0] == [[6.0, 6.0]]
