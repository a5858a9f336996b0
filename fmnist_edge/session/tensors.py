"""Converting images to the input tensor of a model, and its output to real numbers."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Quantization, TensorSpec
from fmnist_edge.errors import ModelUnsupportedError

IMAGE_SHAPE: Final = (28, 28)
WHITE: Final = 255.0  # the brightest pixel
PIXEL_SCALE: Final = 1 / WHITE
# With a scale of 1/255 and this zero point, int8 = uint8 - 128, exactly.
_PIXEL_ZERO_POINT: Final = -128
_FLOATS: Final = frozenset({"float16", "float32", "float64"})
_QUANTIZED: Final = frozenset({"int8", "uint8", "int16"})
_INTEGERS: Final = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
NUMBERS: Final = _FLOATS | _INTEGERS

Images = NDArray[np.uint8]
Scores = NDArray[np.float32]


def scale_pixels(images: Images) -> NDArray[np.float32]:
    """Return uint8 pixels of any shape as float32 in 0..1, the scale that models are trained on."""
    return np.multiply(images, np.float32(PIXEL_SCALE), dtype=np.float32)


def holds_pixels(spec: TensorSpec) -> bool:
    """Return whether an input can take pixels.

    It can if it is a float, a quantized integer, or uint8.
    """
    if spec.quantization is not None:
        return spec.dtype in _QUANTIZED
    return spec.dtype in {*_FLOATS, "uint8"}


def prepare_images(images: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    """Convert pixels or numbers to the tensor that `spec` declares.

    The dtype of the values decides what they mean:

    - uint8 values are pixels. A float input takes pixel/255; a quantized input takes the quantized
      value of pixel/255. For an int8 input with scale 1/255 and zero point -128, that is the same
      byte with its top bit flipped, and no float is computed. Images of 28x28 pixels are reshaped
      to an input of 784 values: [784], [28,28,1], [1,28,28].
    - Floats are real values, which are passed to a float input and quantized for an integer one.
    - Other integers are the stored values of the input, such as indices or quantized values.

    An integer input without a quantization stores plain numbers.

    Args:
        images: [N,...], uint8[N,28,28] or items of the input's own shape.
        spec: A model's input.

    Returns:
        [N,...] of the spec's dtype, contiguous; it may be `images` itself.

    Raises:
        ModelUnsupportedError: The input has another shape, or cannot take such values.
    """
    items = _shaped(images, spec)
    if items.dtype == np.uint8:
        return _from_pixels(items, spec)
    if items.dtype.kind == "f":
        return _from_reals(items, spec)
    return _from_stored(items, spec)


def _shaped(items: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    wanted, given = spec.shape[1:], items.shape[1:]
    if len(wanted) == len(given) and all(
        size in {None, have} for size, have in zip(wanted, given, strict=True)
    ):
        return items
    sizes = [size or 0 for size in wanted]
    if items.dtype == np.uint8 and given == IMAGE_SHAPE and prod(sizes) == prod(given):
        return items.reshape(len(items), *sizes)
    raise ModelUnsupportedError(
        f"The input {spec.name!r} takes items of shape {_shown(wanted)}, not {_shown(given)}.",
        hint="Give it data of its own shape.",
    )


def _shown(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "()"


def _from_pixels(pixels: Images, spec: TensorSpec) -> NDArray[Any]:
    quantization = spec.quantization
    if quantization is None and spec.dtype == "float32":
        return scale_pixels(pixels)
    if quantization is None and spec.dtype in _FLOATS:
        return np.divide(pixels, WHITE).astype(spec.dtype)
    if quantization is None and spec.dtype in _INTEGERS - {"int8"}:
        return np.ascontiguousarray(pixels, spec.dtype)
    if quantization is None or spec.dtype not in _QUANTIZED:
        raise _meaningless(spec, "pixels")
    if spec.dtype == "int8" and _is_pixel_shift(quantization):
        flipped: NDArray[np.int8] = np.bitwise_xor(pixels, np.uint8(0x80)).view(np.int8)
        return flipped
    return _quantize(scale_pixels(pixels), quantization, np.dtype(spec.dtype))


def _from_reals(values: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    if spec.quantization is None and spec.dtype in _FLOATS:
        return np.ascontiguousarray(values, spec.dtype)
    if spec.quantization is None or spec.dtype not in _QUANTIZED:
        raise _meaningless(spec, "real numbers")
    return _quantize(values.astype(np.float32), spec.quantization, np.dtype(spec.dtype))


def _from_stored(values: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    is_number = values.dtype.kind in "iu" and spec.dtype in _INTEGERS
    stored: NDArray[Any] = np.ascontiguousarray(values, spec.dtype if is_number else None)
    if not is_number or not np.array_equal(stored, values):
        raise _meaningless(spec, f"these {values.dtype} values")
    return stored


def _meaningless(spec: TensorSpec, what: str) -> ModelUnsupportedError:
    kind = spec.dtype if spec.quantization is None else f"quantized {spec.dtype}"
    return ModelUnsupportedError(
        f"The input {spec.name!r} takes {kind}, which {what} cannot be converted to.",
        hint="Supported are float16, float32, float64, quantized int8, uint8 and int16, and plain "
        "integers.",
    )


def _is_pixel_shift(quantization: Quantization) -> bool:
    # Files keep the scale as float32, so 1/255 comes back rounded to that.
    same_scale = np.float32(quantization.scale) == np.float32(PIXEL_SCALE)
    return bool(same_scale) and quantization.zero_point == _PIXEL_ZERO_POINT


def _quantize(
    reals: NDArray[np.float32], quantization: Quantization, dtype: np.dtype[Any]
) -> NDArray[Any]:
    stored = np.rint(reals / np.float32(quantization.scale)) + quantization.zero_point
    limits = np.iinfo(dtype)
    quantized: NDArray[Any] = np.clip(stored, limits.min, limits.max).astype(dtype)
    return quantized


def decode_scores(output: NDArray[Any], spec: TensorSpec) -> Scores:
    """Convert a raw output to real numbers.

    Args:
        output: Array of any shape and of the dtype that `spec` declares; [N,C] of a classifier.
        spec: The output of the model.

    Returns:
        float32 of the same shape; always a copy, because runtimes reuse their buffers.
    """
    scores = output.astype(np.float32)
    if spec.quantization is not None:
        scores -= np.float32(spec.quantization.zero_point)
        scores *= np.float32(spec.quantization.scale)
    return scores


def synthetic_inputs(spec: TensorSpec, count: int, seed: int) -> NDArray[Any]:
    """Return items to time a model of unknown purpose with, for `prepare_images`.

    An input that can take pixels, or plain int8, gets uniform noise. Other plain integers may be
    indices into tables of unknown size, so these inputs get zeros, which index every table.

    Args:
        spec: The input of the model; only its batch axis may have no fixed size.
        count: Number of items.
        seed: Seed of the noise.

    Returns:
        [count,...] items of the input's shape: uint8 pixels, or the integers that it stores.
    """
    shape = (count, *(size or 1 for size in spec.shape[1:]))
    make = _SYNTHETIC.get("pixels" if holds_pixels(spec) else spec.dtype, _zeros)
    return make(shape, spec, np.random.default_rng(seed))


# A measuring process that draws nothing is spared `numpy.random`, so its types stand in quotes.
Maker = Callable[[tuple[int, ...], TensorSpec, "np.random.Generator"], NDArray[Any]]


def _pixels(shape: tuple[int, ...], _: TensorSpec, noise: "np.random.Generator") -> NDArray[Any]:
    return noise.integers(0, 256, shape, np.uint8)


def _bytes(shape: tuple[int, ...], _: TensorSpec, noise: "np.random.Generator") -> NDArray[Any]:
    return noise.integers(-128, 128, shape, np.int8)


def _zeros(shape: tuple[int, ...], spec: TensorSpec, _: "np.random.Generator") -> NDArray[Any]:
    return np.zeros(shape, spec.dtype)


_SYNTHETIC: Final[Mapping[str, Maker]] = {"pixels": _pixels, "int8": _bytes}
