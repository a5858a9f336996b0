"""Camera bytes become a model's input, and raw outputs become scores, exactly as declared."""

import numpy as np
import pytest

from fmnist_edge.artifact import Quantization, TensorSpec
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.runtimes import numpy_
from fmnist_edge.session import (
    SessionOptions,
    check_classifier,
    classify,
    decode_scores,
    prepare_images,
    scale_pixels,
)
from tests.examples import INPUT, OUTPUT, bare, npz_model

# Every value that a pixel can have.
_PIXELS = np.resize(np.arange(256, dtype=np.uint8), (1, 28, 28))


def _spec(dtype: str, quantization: Quantization | None = None) -> TensorSpec:
    return TensorSpec("image", (1, 28, 28), dtype, quantization)


def test_a_float_input_takes_pixels_from_zero_to_one() -> None:
    tensor = prepare_images(_PIXELS, _spec("float32"))
    assert tensor.dtype == np.float32
    assert tensor.min() == 0.0
    assert tensor.max() == 1.0
    np.testing.assert_allclose(tensor, _PIXELS / 255, rtol=1e-7)
    np.testing.assert_array_equal(tensor, scale_pixels(_PIXELS))


# A file keeps its scale as float32, so 1/255 may come back rounded.
@pytest.mark.parametrize("scale", [1 / 255, float(np.float32(1 / 255))])
def test_the_byte_flip_is_what_quantization_would_give(scale: float) -> None:
    tensor = prepare_images(_PIXELS, _spec("int8", Quantization(scale, -128)))
    assert tensor.dtype == np.int8
    by_definition = np.rint(_PIXELS / 255 / scale) - 128
    np.testing.assert_array_equal(tensor, by_definition)
    np.testing.assert_array_equal(tensor, _PIXELS.astype(int) - 128)


def test_an_int8_input_of_another_quantization_is_rounded_and_clipped() -> None:
    pixels = np.array([0, 1, 2, 51, 127, 128, 254, 255], np.uint8)
    tensor = prepare_images(pixels, _spec("int8", Quantization(0.01, 50)))
    assert tensor.dtype == np.int8
    assert tensor.tolist() == [50, 50, 51, 70, 100, 100, 127, 127]


def test_a_uint8_input_takes_the_bytes_as_they_are() -> None:
    tensor = prepare_images(_PIXELS[:, ::-1], _spec("uint8"))
    assert tensor.dtype == np.uint8
    assert tensor.flags.c_contiguous
    np.testing.assert_array_equal(tensor, _PIXELS[:, ::-1])


def test_a_uint8_input_of_the_pixels_own_scale_takes_the_bytes_too() -> None:
    tensor = prepare_images(_PIXELS, _spec("uint8", Quantization(1 / 255, 0)))
    np.testing.assert_array_equal(tensor, _PIXELS, strict=True)


@pytest.mark.parametrize(
    "spec",
    [
        _spec("float16"),
        _spec("int8"),
        _spec("int16", Quantization(1 / 255, 0)),
        _spec("float32", Quantization(1 / 255, 0)),
    ],
)
def test_an_input_of_another_kind_is_refused(spec: TensorSpec) -> None:
    with pytest.raises(ModelUnsupportedError, match=f"The input 'image' wants {spec.dtype};"):
        prepare_images(_PIXELS, spec)


def test_the_images_are_never_written_to() -> None:
    before = _PIXELS.copy()
    for spec in (_spec("float32"), _spec("int8", Quantization(1 / 255, -128))):
        prepare_images(_PIXELS, spec)[:] = 1
    np.testing.assert_array_equal(_PIXELS, before)


def test_float_scores_are_copied_out_of_the_buffer_of_the_runtime() -> None:
    buffer = np.arange(10, dtype=np.float32).reshape(1, 10)
    scores = decode_scores(buffer, OUTPUT)
    buffer[:] = 0
    assert scores.dtype == np.float32
    assert scores.tolist() == [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", -128), ("uint8", 0)])
def test_quantized_scores_become_real_ones(dtype: str, zero_point: int) -> None:
    spec = TensorSpec("scores", (1, 10), dtype, Quantization(1 / 256, zero_point))
    raw = np.array([[zero_point, zero_point + 64, zero_point + 255]]).astype(dtype)
    scores = decode_scores(raw, spec)
    assert scores.dtype == np.float32
    assert scores.tolist() == [[0.0, 0.25, 0.99609375]]


def test_a_classifier_is_recognised() -> None:
    assert check_classifier(bare(b""), [INPUT], [OUTPUT]) == (INPUT, OUTPUT)


@pytest.mark.parametrize(
    ("inputs", "outputs", "problem"),
    [
        ([INPUT, INPUT], [OUTPUT], "has 2 inputs and 1 outputs, not one of each"),
        ([INPUT], [], "has 1 inputs and 0 outputs"),
        (
            [TensorSpec("x", (1, 224, 224, 3), "float32")],
            [OUTPUT],
            r"takes \[1,224,224,3\], not \[N,28,28\]",
        ),
        ([TensorSpec("x", (), "float32")], [OUTPUT], r"takes \[\], not \[N,28,28\]"),
        (
            [INPUT],
            [TensorSpec("y", (None, 1000), "float32")],
            r"gives \[N,1000\], not \[N,10\]",
        ),
    ],
)
def test_another_model_is_refused(
    inputs: list[TensorSpec], outputs: list[TensorSpec], problem: str
) -> None:
    with pytest.raises(ModelUnsupportedError, match=f"^model.npz {problem}") as caught:
        check_classifier(bare(b""), inputs, outputs)
    assert caught.value.hint.startswith("Only Fashion-MNIST classifiers")


def test_a_last_batch_that_is_not_full_is_classified_too() -> None:
    session = numpy_.open(bare(npz_model(favourite=7)), SessionOptions(batch=4))
    scores = classify(session, np.zeros((9, 28, 28), np.uint8))
    assert scores.shape == (9, 10)
    assert scores.argmax(axis=1).tolist() == [7] * 9
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)
