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
    is_image_classifier,
    prepare_images,
    scale_pixels,
    single_pair,
    synthetic_inputs,
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
    pixels = np.array([[0, 1, 2, 51, 127, 128, 254, 255]], np.uint8)
    tensor = prepare_images(pixels, TensorSpec("row", (1, 8), "int8", Quantization(0.01, 50)))
    assert tensor.dtype == np.int8
    assert tensor.tolist() == [[50, 50, 51, 70, 100, 100, 127, 127]]


def test_a_uint8_input_takes_the_bytes_as_they_are() -> None:
    tensor = prepare_images(_PIXELS[:, ::-1], _spec("uint8"))
    assert tensor.dtype == np.uint8
    assert tensor.flags.c_contiguous
    np.testing.assert_array_equal(tensor, _PIXELS[:, ::-1])


def test_a_uint8_input_of_the_pixels_own_scale_takes_the_bytes_too() -> None:
    tensor = prepare_images(_PIXELS, _spec("uint8", Quantization(1 / 255, 0)))
    np.testing.assert_array_equal(tensor, _PIXELS, strict=True)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floats_take_the_same_values_in_their_own_precision(dtype: str) -> None:
    tensor = prepare_images(_PIXELS, _spec(dtype))
    assert tensor.dtype == dtype
    np.testing.assert_array_equal(tensor, (_PIXELS / 255).astype(dtype))


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "uint16", "uint32", "uint64"])
def test_a_plain_integer_input_takes_the_pixels_as_numbers(dtype: str) -> None:
    tensor = prepare_images(_PIXELS, _spec(dtype))
    np.testing.assert_array_equal(tensor, _PIXELS.astype(dtype), strict=True)


@pytest.mark.parametrize(
    "spec",
    [
        _spec("int8"),
        _spec("bool"),
        _spec("int32", Quantization(1 / 255, 0)),
        _spec("float32", Quantization(1 / 255, 0)),
    ],
)
def test_an_input_in_which_pixels_mean_nothing_is_refused(spec: TensorSpec) -> None:
    with pytest.raises(ModelUnsupportedError, match=f"takes .*{spec.dtype}, which pixels cannot"):
        prepare_images(_PIXELS, spec)
    assert not is_image_classifier(spec, OUTPUT)


# Data that is no image


ROWS = np.array([[-1.0, 0.0, 0.5], [1.0, 1.5, 200.0]])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_real_numbers_are_given_to_a_float_input_as_they_are(dtype: str) -> None:
    tensor = prepare_images(ROWS, TensorSpec("row", (None, 3), dtype))
    np.testing.assert_array_equal(tensor, ROWS.astype(dtype), strict=True)


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        ("int8", [[-12, -10, -9], [-8, -7, 127]]),
        ("uint8", [[0, 0, 0], [0, 0, 255]]),
        ("int16", [[-12, -10, -9], [-8, -7, 390]]),
    ],
)
def test_real_numbers_are_quantized_as_the_input_declares(
    dtype: str, stored: list[list[int]]
) -> None:
    spec = TensorSpec("row", (None, 3), dtype, Quantization(0.5, -10))
    tensor = prepare_images(ROWS, spec)
    np.testing.assert_array_equal(tensor, np.array(stored, dtype), strict=True)


def test_integers_are_what_the_input_stores() -> None:
    indices = np.array([[0, 70_000, 3]])
    wide = prepare_images(indices, TensorSpec("index", (None, 3), "int32"))
    np.testing.assert_array_equal(wide, indices.astype(np.int32), strict=True)
    stored = np.array([[-128, 0, 127]], np.int8)
    spec = TensorSpec("row", (None, 3), "int8", Quantization(0.5, -10))
    np.testing.assert_array_equal(prepare_images(stored, spec), stored, strict=True)


@pytest.mark.parametrize(
    ("items", "dtype", "what"),
    [
        (ROWS, "int64", "real numbers"),
        (np.array([[0, 70_000, 3]]), "int16", "these int64 values"),
        (np.array([[0, 1, 3]]), "float32", "these int64 values"),
        (np.array([[True, False, True]]), "uint8", "these bool values"),
    ],
)
def test_values_that_mean_nothing_in_an_input_are_refused(
    items: np.ndarray, dtype: str, what: str
) -> None:
    with pytest.raises(ModelUnsupportedError, match=f"takes {dtype}, which {what}"):
        prepare_images(items, TensorSpec("row", (None, 3), dtype))


@pytest.mark.parametrize("shape", [(784,), (28, 28, 1), (1, 28, 28)])
def test_images_take_the_shape_of_an_input_of_as_many_pixels(shape: tuple[int, ...]) -> None:
    spec = TensorSpec("image", (None, *shape), "uint8")
    assert is_image_classifier(spec, OUTPUT)
    tensor = prepare_images(_PIXELS, spec)
    assert tensor.shape == (1, *shape)
    np.testing.assert_array_equal(tensor.ravel(), _PIXELS.ravel())


@pytest.mark.parametrize(
    ("items", "shape", "told"),
    [
        (_PIXELS, (32, 32), "takes items of shape 32x32, not 28x28"),
        (_PIXELS.reshape(1, 784), (28, 28), "takes items of shape 28x28, not 784"),
        (ROWS, (4,), "takes items of shape 4, not 3"),
        # Only bytes are images.
        (_PIXELS.astype(np.float32), (784,), "takes items of shape 784, not 28x28"),
    ],
)
def test_items_of_another_shape_are_refused(
    items: np.ndarray, shape: tuple[int, ...], told: str
) -> None:
    with pytest.raises(ModelUnsupportedError, match=told):
        prepare_images(items, TensorSpec("image", (None, *shape), "float32"))


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
    spec = TensorSpec("scores", (1, 3), dtype, Quantization(1 / 256, zero_point))
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


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        (TensorSpec("x", (), "float32"), OUTPUT, "takes a single number"),
        (TensorSpec("x", (1, None, 3), "float32"), OUTPUT, r"leaves axis 1 .* \(\[1,N,3\]\)"),
        (TensorSpec("x", (None, 8, None), "int8"), OUTPUT, r"leaves axis 2 .* \(\[N,8,N\]\)"),
        (TensorSpec("x", (1, 8), "bool"), OUTPUT, "takes bool, and only numbers"),
        (INPUT, TensorSpec("y", (1, 8), "complex64"), "gives complex64, and only numbers"),
    ],
)
def test_what_no_runtime_can_run_is_refused(
    source: TensorSpec, target: TensorSpec, problem: str
) -> None:
    with pytest.raises(ModelUnsupportedError, match=f"^model.npz {problem}") as caught:
        single_pair(bare(b""), [source], [target])
    assert caught.value.hint


def test_one_input_and_one_output_of_numbers_will_do() -> None:
    source = TensorSpec("ids", (None, 128), "int64")
    target = TensorSpec("mask", (None, 21, None, None), "uint8")
    assert single_pair(bare(b""), [source], [target]) == (source, target)
    assert not is_image_classifier(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (TensorSpec("x", (None, 28, 28), "float32"), TensorSpec("y", (None, 7), "float32")),
        (TensorSpec("x", (None, 28, 28), "float32"), TensorSpec("y", (10,), "float32")),
        (TensorSpec("x", (None, 28, 28, 3), "float32"), OUTPUT),
        (TensorSpec("x", (None, 784), "int64"), OUTPUT),
        (TensorSpec("x", (784,), "float32"), OUTPUT),
    ],
)
def test_other_models_are_no_image_classifiers(source: TensorSpec, target: TensorSpec) -> None:
    assert not is_image_classifier(source, target)


@pytest.mark.parametrize(
    ("spec", "dtype"),
    [
        (TensorSpec("x", (None, 5), "float32"), "uint8"),
        (TensorSpec("x", (1, 8, 8, 3), "uint8"), "uint8"),
        (TensorSpec("x", (1, 32, 32), "int8", Quantization(0.1, 3)), "uint8"),
        (TensorSpec("x", (1, 32), "int8"), "int8"),
    ],
)
def test_synthetic_inputs_are_noise_that_a_seed_decides(spec: TensorSpec, dtype: str) -> None:
    items = synthetic_inputs(spec, 40, seed=3)
    assert (items.shape, items.dtype) == ((40, *spec.shape[1:]), dtype)
    assert len(np.unique(items)) > 100
    np.testing.assert_array_equal(items, synthetic_inputs(spec, 40, seed=3))
    assert not np.array_equal(items, synthetic_inputs(spec, 40, seed=4))
    assert prepare_images(items, spec).dtype == spec.dtype


def test_synthetic_indices_are_found_in_every_table() -> None:
    items = synthetic_inputs(TensorSpec("ids", (None, 16), "int64"), 4, seed=0)
    np.testing.assert_array_equal(items, np.zeros((4, 16), np.int64), strict=True)


def test_a_last_batch_that_is_not_full_is_classified_too() -> None:
    session = numpy_.open(bare(npz_model(favourite=7)), SessionOptions(batch=4))
    scores = classify(session, np.zeros((9, 28, 28), np.uint8))
    assert scores.shape == (9, 10)
    assert scores.argmax(axis=1).tolist() == [7] * 9
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)
