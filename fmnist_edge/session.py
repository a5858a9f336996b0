"""A session: one model file opened by one runtime, with fixed options.

Only `run` is inference, and only `run` is ever timed. What comes before it (`prepare`: camera bytes
to the model's input tensor) and after it (`decode`: raw output to class scores) is the same for all
runtimes and lives here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, Quantization, TensorSpec
from fmnist_edge.errors import ModelUnsupportedError

__all__ = [
    "IMAGE_SHAPE",
    "PIXEL_SCALE",
    "WHITE",
    "RuntimeModule",
    "Session",
    "SessionOptions",
    "check_classifier",
    "classify",
    "decode_scores",
    "prepare_images",
    "scale_pixels",
]

IMAGE_SHAPE: Final = (28, 28)
CLASSES: Final = 10
# The quantization under which int8 = uint8 - 128, exactly.
WHITE: Final = 255.0  # the brightest pixel
PIXEL_SCALE: Final = 1 / WHITE
_PIXEL_ZERO_POINT: Final = -128
_CLASSIFIERS_ONLY: Final = (
    "Only Fashion-MNIST classifiers (28x28 images in, 10 scores out) can be used."
)

Images = NDArray[np.uint8]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class SessionOptions:
    """What a session is opened with.

    Args:
        threads: Threads that one inference may use.
        batch: Images per inference.
        device: Where the runtime executes.
    """

    threads: int = 1
    batch: int = 1
    device: str = "cpu"


class Session(Protocol):
    """An opened model."""

    @property
    def input(self) -> TensorSpec:
        """The input tensor the file declares."""

    @property
    def output(self) -> TensorSpec:
        """The output tensor the file declares."""

    @property
    def batch(self) -> int:
        """Images that one `run` takes."""

    @property
    def used(self) -> Mapping[str, str]:
        """What the runtime says it really uses (threads, provider, delegate, ...)."""

    def prepare(self, images: Images) -> NDArray[Any]:
        """Turn uint8[batch,28,28] images into the exact input tensor."""

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        """Infer; return once the raw output is visible to the caller.

        Raises:
            ModelUnsupportedError: the runtime gives up on this model.
        """

    def decode(self, output: NDArray[Any]) -> Scores:
        """Turn a raw output into float32[batch,10] class scores."""

    def close(self) -> None:
        """Give back what the runtime holds."""


class RuntimeModule(Protocol):
    """What a module in `fmnist_edge.runtimes` offers (a module has no `self` to pass).

    Attributes:
        FORMATS: The formats it opens.
        PACKAGE: The Python package it needs; empty when the base install suffices.
        EXTRA: The dependency group that installs it.
        READS_MODEL: False for a runtime whose answer does not depend on the model: it weighs the
            harness, so a run needs it once and not once per artifact.
    """

    FORMATS: frozenset[Format]
    PACKAGE: str
    EXTRA: str
    READS_MODEL: bool

    def load_library(self) -> str:
        """Import the runtime and return its version.

        Raises:
            MissingDependencyError: it is not installed.
        """

    def open(self, artifact: Artifact, options: SessionOptions) -> Session:
        """Open a model.

        Raises:
            ModelUnreadableError: the file is damaged or of another kind.
            ModelUnsupportedError: the model is no Fashion-MNIST classifier, or the options ask for
                what the runtime lacks.
        """


def check_classifier(
    artifact: Artifact, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> tuple[TensorSpec, TensorSpec]:
    """Make sure that a model takes Fashion-MNIST images and gives ten scores.

    Returns:
        Its one input and its one output.

    Raises:
        ModelUnsupportedError: it is another kind of model.
    """
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelUnsupportedError(
            f"{artifact.path} has {len(inputs)} inputs and {len(outputs)} outputs, "
            "not one of each.",
            hint=_CLASSIFIERS_ONLY,
        )
    _check_shape(artifact, "takes", inputs[0], IMAGE_SHAPE)
    _check_shape(artifact, "gives", outputs[0], (CLASSES,))
    return inputs[0], outputs[0]


def _check_shape(artifact: Artifact, verb: str, spec: TensorSpec, wanted: tuple[int, ...]) -> None:
    if spec.shape[1:] != wanted:
        raise ModelUnsupportedError(
            f"{artifact.path} {verb} {_shape(spec.shape)}, not {_shape((None, *wanted))}.",
            hint=_CLASSIFIERS_ONLY,
        )


def _shape(shape: tuple[int | None, ...]) -> str:
    return "[" + ",".join("N" if size is None else str(size) for size in shape) + "]"


def scale_pixels(images: Images) -> NDArray[np.float32]:
    """uint8 pixels of any shape as float32 in 0..1: the scale every model here is trained on."""
    return np.multiply(images, np.float32(PIXEL_SCALE), dtype=np.float32)


def prepare_images(images: Images, spec: TensorSpec) -> NDArray[Any]:
    """Turn camera bytes into the tensor that `spec` declares.

    A float input takes pixel/255. An int8 input with scale 1/255 and zero point -128 takes the same
    bytes with the top bit flipped, so that no float is ever touched.

    Args:
        images: uint8[N,28,28].
        spec: dtype float32, int8 or uint8; the shape beyond the batch axis is [28,28].

    Raises:
        ModelUnsupportedError: the input has another dtype.
    """
    quantization = spec.quantization
    if quantization is None and spec.dtype == "float32":
        return scale_pixels(images)
    if quantization is None and spec.dtype == "uint8":
        return np.ascontiguousarray(images)
    if quantization is None or spec.dtype not in {"int8", "uint8"}:
        raise ModelUnsupportedError(
            f"The input {spec.name!r} wants {spec.dtype}; known are float32, int8 and uint8.",
            hint="Export the model with one of these input types.",
        )
    if spec.dtype == "int8" and _is_pixel_shift(quantization):
        flipped: NDArray[np.int8] = np.bitwise_xor(images, np.uint8(0x80)).view(np.int8)
        return flipped
    return _quantize(images, quantization, np.dtype(spec.dtype))


def _is_pixel_shift(quantization: Quantization) -> bool:
    # Files keep the scale as float32, so 1/255 comes back rounded to that.
    same_scale = np.float32(quantization.scale) == np.float32(PIXEL_SCALE)
    return bool(same_scale) and quantization.zero_point == _PIXEL_ZERO_POINT


def _quantize(images: Images, quantization: Quantization, dtype: np.dtype[Any]) -> NDArray[Any]:
    stored = (
        np.rint(scale_pixels(images) / np.float32(quantization.scale)) + quantization.zero_point
    )
    limits = np.iinfo(dtype)
    quantized: NDArray[Any] = np.clip(stored, limits.min, limits.max).astype(dtype)
    return quantized


def decode_scores(output: NDArray[Any], spec: TensorSpec) -> Scores:
    """Turn a raw output into class scores.

    Args:
        output: [N,10] in the dtype that `spec` declares.
        spec: The output tensor.

    Returns:
        float32[N,10], a copy: runtimes reuse their buffers.
    """
    scores = output.astype(np.float32)
    if spec.quantization is not None:
        scores -= np.float32(spec.quantization.zero_point)
        scores *= np.float32(spec.quantization.scale)
    return scores


def classify(session: Session, images: Images) -> Scores:
    """The class scores of any number of images, through a session of any batch size.

    The last batch is filled up with its own last image; what that adds is cut off again.

    Args:
        session: An opened model.
        images: uint8[N,28,28], N at least 1.

    Returns:
        float32[N,10].
    """
    scores = np.empty((len(images), CLASSES), np.float32)
    for start in range(0, len(images), session.batch):
        part = images[start : start + session.batch]
        short = session.batch - len(part)
        full = np.concatenate([part, np.repeat(part[-1:], short, axis=0)]) if short else part
        decoded = session.decode(session.run(session.prepare(full)))
        scores[start : start + len(part)] = decoded[: len(part)]
    return scores
