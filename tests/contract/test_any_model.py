"""Models of other tasks: whatever has one input and one output is opened and run."""

from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.artifact import Format, Quantization, TensorSpec, open_artifact
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import (
    Session,
    SessionOptions,
    classify,
    is_image_classifier,
    synthetic_inputs,
)
from tests.strangers import ANY

READING = [
    (name, kind)
    for name, module in RUNTIMES.items()
    if module.READS_MODEL
    for kind in sorted(module.FORMATS)
]
# The shape of one item, and how many scores.
SHAPES = {"larger-images": ((32, 32), 10), "seven-scores": ((28, 28), 7), "table-rows": ((5,), 3)}
# Files of which several runtimes must tell the same.
SHARED = [
    "channel-first.onnx",
    "channel-last.onnx",
    "channel-last.tflite",
    "colour-bytes.tflite",
    "flat.onnx",
    "indices.onnx",
    "int8-images.tflite",
    "table-rows.keras",
    "table-rows.onnx",
    "table-rows.tflite",
    "wrong-answer.onnx",
]
# Called from C, an output must have room before its size is known.
NOT_FROM_C = {"wrong-answer.onnx"}
REFUSED = {
    "lone-number.onnx": "takes a single number, not a batch of items",
    "no-inputs.onnx": "has 0 inputs and 1 outputs, not one of each",
    "open-height.onnx": r"leaves axis 1 of its input open \(\[1,N,28\]\)",
    "three-inputs.onnx": "has 3 inputs and 1 outputs",
    "two-outputs.onnx": "has 1 inputs and 2 outputs",
    "two-outputs.tflite": "has 1 inputs and 2 outputs",
    "words.onnx": "string.*only numbers of 8 to 64 bits can be used",
}


@pytest.fixture(scope="session")
def folder(strangers: Path) -> Path:
    return strangers / ANY


def _path(folder: Path, name: str, kind: Format) -> Path:
    if kind is Format.SAVED_MODEL:
        return folder / f"{name}.{kind}" / "saved_model.pb"
    return folder / f"{name}{kind.export_suffix}"


def _open(path: Path, runtime: str, batch: int = 1) -> Session:
    return RUNTIMES[runtime].open(open_artifact(path), SessionOptions(batch=batch))


def _readers(path: Path) -> list[str]:
    kind = open_artifact(path).format
    return [name for name, each in READING if each is kind]


@pytest.mark.parametrize(("runtime", "kind"), READING)
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("batch", [1, 4])
def test_any_shape_is_opened_and_run(
    folder: Path, runtime: str, kind: Format, name: str, batch: int
) -> None:
    item, scores = SHAPES[name]
    session = _open(_path(folder, name, kind), runtime, batch)
    flat = (int(np.prod(item)),)
    assert session.input.shape[1:] in {item, flat}  # plain arrays know no rows and columns
    assert session.output.shape[1:] == (scores,)
    given = synthetic_inputs(session.input, 6, seed=0)
    answer = classify(session, given)
    assert (answer.shape, answer.dtype) == ((6, scores), np.float32)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
    assert len({row.tobytes() for row in answer}) == 6  # each item has an answer of its own
    assert not is_image_classifier(session.input, session.output)


@pytest.mark.parametrize(("runtime", "kind"), READING)
def test_real_numbers_are_given_as_they_are(folder: Path, runtime: str, kind: Format) -> None:
    session = _open(_path(folder, "table-rows", kind), runtime)
    rows = np.array([[0.0, 51.0, 255.0, 102.0, 1.0]])
    pixels = classify(session, rows.astype(np.uint8))
    np.testing.assert_allclose(classify(session, rows / 255), pixels, rtol=1e-5)
    assert np.abs(classify(session, -rows / 255) - pixels).max() > 1e-3


@pytest.mark.needs("c-compiler")  # of all runtimes
@pytest.mark.parametrize("name", SHARED)
def test_runtimes_agree_on_what_a_file_computes(folder: Path, name: str) -> None:
    path = folder / name
    answers = []
    for runtime in _readers(path):
        if name in NOT_FROM_C and runtime.endswith("-native"):
            refused = "output of which axis 1 has no fixed size"
            with pytest.raises(ModelUnsupportedError, match=refused):
                _open(path, runtime, batch=2)
            continue
        session = _open(path, runtime, batch=2)
        answers.append(classify(session, synthetic_inputs(session.input, 5, seed=1)))
    assert len(answers) > 1
    for other in answers[1:]:
        np.testing.assert_allclose(other, answers[0], atol=1e-6)


@pytest.mark.needs("c-compiler")  # of all runtimes
@pytest.mark.parametrize(
    "name", ["channel-first.onnx", "channel-last.onnx", "channel-last.tflite", "flat.onnx"]
)
def test_images_take_the_shape_that_a_model_wants(folder: Path, name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), np.uint8)
    for runtime in _readers(folder / name):
        session = _open(folder / name, runtime, batch=2)
        tensor = session.prepare(images)
        assert tensor.shape[1:] == session.input.shape[1:]
        np.testing.assert_array_equal(tensor.ravel(), session.prepare(tensor).ravel())
        assert is_image_classifier(session.input, session.output)


@pytest.mark.parametrize("name", ["int8-images.tflite", "colour-bytes.tflite"])
def test_what_the_integers_of_a_tflite_file_mean_is_told_alike(folder: Path, name: str) -> None:
    litert, openvino = (_open(folder / name, runtime) for runtime in ("litert", "openvino"))
    assert openvino.input == litert.input
    assert openvino.output == litert.output
    assert litert.input.quantization is not None
    assert litert.input.quantization != Quantization(1 / 255, -128)


def test_a_table_is_looked_up_by_plain_integers(folder: Path) -> None:
    session = _open(folder / "indices.onnx", "onnxruntime")
    assert session.input == TensorSpec("index", (None, 4), "int64")
    found = classify(session, np.array([[0, 5, 5, 0]]))
    assert found.shape == (1, 4, 2)
    np.testing.assert_array_equal(found[0, 1], found[0, 2])
    assert not np.array_equal(found[0, 0], found[0, 1])


def test_an_answer_whose_size_the_data_decides_is_read_anew_each_time(folder: Path) -> None:
    session = _open(folder / "open-answer.onnx", "onnxruntime")
    for found in (2, 5, 1):
        row = np.zeros((1, 5), np.float32)
        row[0, :found] = 1
        places = session.run(session.prepare(row))
        assert places.tolist() == [[0] * found, list(range(found))]
    with pytest.raises(ModelUnsupportedError, match="only the data tells"):
        _open(folder / "open-answer.onnx", "openvino")


def test_an_answer_of_other_size_than_declared_is_given_whole_or_refused(folder: Path) -> None:
    session = _open(folder / "more-rows.onnx", "onnxruntime", batch=2)
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    for _ in range(3):
        np.testing.assert_array_equal(session.run(rows), rows.reshape(4, 2))
    with pytest.raises(ModelUnsupportedError, match="its shapes do not add up"):
        _open(folder / "more-rows.onnx", "openvino", batch=2)


@pytest.mark.needs("c-compiler")  # of all runtimes
@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_cannot_be_used_is_refused_in_a_sentence(folder: Path, name: str) -> None:
    for runtime in _readers(folder / name):
        with pytest.raises(ModelUnsupportedError, match=REFUSED[name]) as caught:
            _open(folder / name, runtime)
        assert str(folder / name) in caught.value.message
        assert caught.value.message.endswith(".")
        assert caught.value.hint


# Plain arrays have no words for two inputs.
@pytest.mark.parametrize(("runtime", "kind"), [each for each in READING if each[1] != Format.NPZ])
def test_two_inputs_are_refused(folder: Path, runtime: str, kind: Format) -> None:
    with pytest.raises(ModelUnsupportedError, match="has 2 inputs and 1 outputs"):
        _open(_path(folder, "two-inputs", kind), runtime)


@pytest.mark.parametrize("runtime", ["tensorflow", "keras-predict"])
def test_code_inside_a_keras_file_is_never_run(strangers: Path, runtime: str) -> None:
    with pytest.raises(ModelUnreadableError, match=r"cannot load .*code-inside\.keras") as caught:
        _open(strangers / "code-inside.keras", runtime)
    assert "Lambda" in caught.value.hint
