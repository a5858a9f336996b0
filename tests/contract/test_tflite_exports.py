"""Every TFLite recipe: what is in the file, and what it answers."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter

from fmnist_edge.artifact import Format, Quantization, TensorSpec, open_artifact, read_manifest
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.pipeline.parity import LAYER_READERS
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import Scores, Session, SessionOptions, classify
from tests.contract.conftest import Answers, Attempts

DENSE = ("FULLY_CONNECTED",) * 3
# The first layer would make rows of images itself on XNNPACK; LiteRT's GPU delegate then reads the
# last row of pixels only.
CHAIN = ("RESHAPE", *DENSE, "SOFTMAX")
# All that each file computes, in order. Nothing else: no variables, no dropout, no identities.
OPERATORS = {
    "tflite-float32": ("CAST", *CHAIN),
    # Kernels and biases, unpacked once when the file is opened.
    "tflite-float16": (*("DEQUANTIZE",) * 6, "CAST", *CHAIN),
    "tflite-int8": CHAIN,
    "tflite-int8-float-io": ("QUANTIZE", *CHAIN, "DEQUANTIZE"),
    "tflite-int8-dynamic": ("CAST", *CHAIN),
    "tflite-int16x8": ("QUANTIZE", *CHAIN, "DEQUANTIZE"),
    "tflite-int4": ("CAST", *CHAIN),
}
INPUTS = dict.fromkeys(OPERATORS, "uint8") | {
    "tflite-int8": "int8",
    "tflite-int8-float-io": "float32",
    "tflite-int16x8": "float32",
}
PER_CHANNEL = [name for name in OPERATORS if "int" in name]
KERNELS = [(256, 784), (128, 256), (10, 128)]
WEIGHTS, BIASES = sum(units * inputs for units, inputs in KERNELS), 256 + 128 + 10
WEIGHT_TYPES = dict.fromkeys(PER_CHANNEL, tflite.TensorType.INT8) | {
    "tflite-int4": tflite.TensorType.INT4
}
PIXELS = Quantization(float(np.float32(1 / 255)), -128)


def _path(folder: Path, name: str) -> Path:
    return folder / f"default-{RECIPES[name].precision}.tflite"


def _open(folder: Path, name: str, batch: int = 1) -> Session:
    artifact = open_artifact(_path(folder, name))
    return RUNTIMES["litert"].open(artifact, SessionOptions(batch=batch))


def _parse(folder: Path, name: str) -> Any:  # noqa: ANN401 - generated code
    return tflite.ModelT.InitFromPackedBuf(_path(folder, name).read_bytes())


def _operators(model: Any) -> tuple[str, ...]:  # noqa: ANN401 - generated code
    names = {code: name for name, code in vars(tflite.BuiltinOperator).items()}
    codes = [each.builtinCode for each in model.operatorCodes]
    return tuple(names[codes[each.opcodeIndex]] for each in model.subgraphs[0].operators)


def test_this_file_knows_every_tflite_recipe() -> None:
    wanted = {name for name, recipe in RECIPES.items() if recipe.format is Format.TFLITE}
    assert set(OPERATORS) == wanted


# What is in the file


@pytest.mark.parametrize("name", OPERATORS)
def test_a_file_has_exactly_these_operators(exported: Path, name: str) -> None:
    model = _parse(exported, name)
    assert len(model.subgraphs) == 1
    assert _operators(model) == OPERATORS[name]


@pytest.mark.parametrize("name", OPERATORS)
def test_the_signature_and_the_tensors_have_clean_names(exported: Path, name: str) -> None:
    interpreter = Interpreter(str(_path(exported, name)))
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["image"], "outputs": ["scores"]}
    }
    session = _open(exported, name)
    assert (session.input.name, session.output.name) == ("image", "scores")


@pytest.mark.parametrize("name", OPERATORS)
def test_the_signature_can_be_called_by_name(exported: Path, name: str, unseen: Split) -> None:
    session = _open(exported, name)
    tensor = session.prepare(unseen.images[:1])
    called = Interpreter(str(_path(exported, name))).get_signature_runner()(image=tensor)
    assert np.array_equal(called["scores"], session.run(tensor))


@pytest.mark.parametrize("name", OPERATORS)
def test_a_file_takes_this_type_of_pixels(exported: Path, name: str) -> None:
    quantization = PIXELS if name == "tflite-int8" else None
    expected = TensorSpec("image", (1, 28, 28), INPUTS[name], quantization)
    assert _open(exported, name).input == expected


def test_the_int8_file_answers_in_int8(exported: Path) -> None:
    target = _open(exported, "tflite-int8").output
    assert (target.dtype, target.quantization) == ("int8", Quantization(1 / 256, -128))


@pytest.mark.parametrize("name", OPERATORS)
def test_a_file_runs_on_xnnpack(exported: Path, name: str) -> None:
    # XNNPACK has no operators with 16-bit activations; LiteRT's own kernels compute those.
    delegate = "none" if name == "tflite-int16x8" else "XNNPACK"
    assert _open(exported, name).used["delegate"] == delegate


@pytest.mark.parametrize("name", PER_CHANNEL)
def test_weights_are_quantized_per_output_channel(exported: Path, name: str) -> None:
    model = _parse(exported, name)
    graph = model.subgraphs[0]
    dense = [
        operator
        for operator, kind in zip(graph.operators, _operators(model), strict=True)
        if kind == "FULLY_CONNECTED"
    ]
    kernels = [graph.tensors[each.inputs[1]] for each in dense]
    assert [tuple(each.shape) for each in kernels] == KERNELS
    for kernel in kernels:
        assert kernel.type == WEIGHT_TYPES[name]
        assert len(kernel.quantization.scale) == kernel.shape[0]
        assert kernel.quantization.quantizedDimension == 0
        assert not np.any(kernel.quantization.zeroPoint)


def test_the_int8_file_is_hardly_larger_than_its_weights(exported: Path) -> None:
    payload = _path(exported, "tflite-int8").read_bytes()
    model = _parse(exported, "tflite-int8")
    (entry,) = (each.buffer for each in model.metadata if each.name == b"TFLITE_METADATA")
    archive = len(payload) - payload.rindex(b"PK\3\4")
    standard = len(model.buffers[entry].data) + archive
    assert standard <= 1024
    # Scales of weights and biases, and zero points of 64 bits.
    assert len(payload) - standard <= WEIGHTS + 4 * BIASES + 16 * BIASES + 2100


@pytest.mark.parametrize("name", OPERATORS)
def test_weights_lie_where_vector_units_want_them(exported: Path, name: str) -> None:
    payload = _path(exported, name).read_bytes()
    model = tflite.Model.GetRootAs(payload)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    filled = [each for each in buffers if not each.DataIsNone()]
    whole = np.frombuffer(payload, np.uint8).ctypes.data
    many = [each for each in filled if each.DataLength() > 128]
    assert many
    assert all((each.DataAsNumpy().ctypes.data - whole) % 16 == 0 for each in many)
    assert all((each.DataAsNumpy().ctypes.data - whole) % 4 == 0 for each in filled)
    assert not any(each.Offset() for each in buffers)


@pytest.mark.parametrize("name", OPERATORS)
def test_a_file_says_of_itself_what_it_is(exported: Path, study: Path, name: str) -> None:
    model = _parse(exported, name)
    entries = {each.name.decode(): each.buffer for each in model.metadata}
    assert bytes(model.buffers[entries["min_runtime_version"]].data).rstrip(b"\0")
    known = json.loads(bytes(model.buffers[entries["fmnist_edge"]].data))
    assert known["labels"] == list(LABELS)
    assert known["recipe"] == name
    assert known["scores"] == "probabilities"
    assert known["license"] == "MIT"
    assert known["parent_sha256"] == hashlib.sha256(study.read_bytes()).hexdigest()
    manifest = read_manifest(_path(exported, name))
    assert manifest is not None
    assert known["tools"] == {k: v for k, v in manifest.tools.items() if k != "python"}
    assert INPUTS[name] in known["preprocessing"]


# What it answers


@pytest.fixture(scope="session")
def parent_scores(answers: Answers) -> Scores:
    """The float file's answers, which other tests hold against Keras."""
    return answers("tflite-float32")


@pytest.mark.parametrize("name", OPERATORS)
def test_accuracy_is_within_half_a_point_of_the_parent(
    answers: Answers, unseen: Split, parent_scores: Scores, name: str
) -> None:
    own, parent = (
        float(np.mean(scores.argmax(axis=1) == unseen.labels))
        for scores in (answers(name), parent_scores)
    )
    assert own >= parent - 0.005


@pytest.mark.parametrize("name", OPERATORS)
def test_a_file_for_one_image_can_be_resized(exported: Path, unseen: Split, name: str) -> None:
    single = classify(_open(exported, name), unseen.images[:50])
    resized = classify(_open(exported, name, 50), unseen.images[:50])
    assert np.allclose(single, resized, atol=1e-5)


@pytest.mark.parametrize("name", OPERATORS)
def test_batch_and_logits_can_be_chosen(
    attempts: Attempts, unseen: Split, parent_scores: Scores, name: str
) -> None:
    eight_logits = attempts["eight-logits"].folder
    model = _parse(eight_logits, name)
    assert _operators(model) == tuple(each for each in OPERATORS[name] if each != "SOFTMAX")
    session = _open(eight_logits, name, 8)
    assert (session.input.shape, session.output.shape) == ((8, 28, 28), (8, 10))
    logits = classify(session, unseen.images[:500])
    assert not np.allclose(logits.sum(axis=1), 1, atol=0.1)
    assert np.mean(logits.argmax(axis=1) == parent_scores[:500].argmax(axis=1)) > 0.95


@pytest.mark.parametrize("name", OPERATORS)
def test_the_batch_can_be_left_open(
    attempts: Attempts, unseen: Split, parent_scores: Scores, name: str
) -> None:
    any_batch = attempts["open"].folder
    assert _open(any_batch, name).input.shape == (None, 28, 28)
    for batch in (1, 7):
        scores = classify(_open(any_batch, name, batch), unseen.images[:100])
        agreement = np.mean(scores.argmax(axis=1) == parent_scores[:100].argmax(axis=1))
        assert agreement > 0.9


@pytest.mark.parametrize("name", OPERATORS)
def test_each_layer_can_be_read(
    exported: Path, unseen: Split, parent_scores: Scores, name: str
) -> None:
    outputs = LAYER_READERS[Format.TFLITE](_path(exported, name).read_bytes(), unseen.images[:100])
    assert [each.shape for each in outputs] == [(100, 256), (100, 128), (100, 10)]
    assert all(each.dtype == np.float32 for each in outputs)
    assert all(each.min() >= 0 for each in outputs[:2])  # behind the relu
    assert outputs[2].min() < 0  # before the softmax
    agreement = np.mean(outputs[2].argmax(axis=1) == parent_scores[:100].argmax(axis=1))
    assert agreement > 0.9


def test_the_manifest_tells_what_survives_of_each_layer(exported: Path) -> None:
    manifest = read_manifest(_path(exported, "tflite-int8"))
    assert manifest is not None
    assert manifest.parity is not None
    assert len(manifest.parity.layers) == len(DENSE)
    assert all(30 < (each.sqnr_db or 0) < 60 for each in manifest.parity.layers)
