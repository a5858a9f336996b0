"""A forward pass in NumPy, for the cost of the arithmetic without an inference engine.

It reads the `npz` format: float32 arrays `kernel_0`, `bias_0`, `kernel_1`, ... and the array
`activations` with one name per layer. The optional integer `pool` is the side in pixels of the
squares whose means are the input of the first layer.
"""

from collections.abc import Callable, Mapping
from math import isqrt, prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.arrays import read_arrays
from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.errors import ModelUnreadableError
from fmnist_edge.session import (
    IMAGE_SHAPE,
    DefaultUse,
    PlainSession,
    SessionOptions,
    check_device,
)

FORMATS = frozenset({Format.NPZ})
PACKAGE = "numpy"
EXTRA = ""
DEVICES = CPU_ONLY
READS_MODEL = True
DEFAULT_USE = DefaultUse.ALWAYS

Array = NDArray[np.float32]


def load_library() -> str:
    """Return the version of NumPy, which the base install has."""
    return np.__version__


def _relu(values: Array) -> None:
    np.maximum(values, 0, out=values)


def _softmax(values: Array) -> None:
    # Shifted by the largest value, so that exp never overflows.
    values -= values.max(axis=1, keepdims=True)
    np.exp(values, out=values)
    values /= values.sum(axis=1, keepdims=True)


def _linear(values: Array) -> None:
    pass


_ACTIVATIONS: Final[Mapping[str, Callable[[Array], None]]] = {
    "relu": _relu,
    "softmax": _softmax,
    "linear": _linear,
}


def _as_it_is(pixels: Array) -> Array:
    return pixels


class _Layer:
    """A Dense layer with a buffer of its own, so that a call allocates no array."""

    def __init__(self, kernel: Array, bias: Array, activation: str, batch: int) -> None:
        self.kernel: Final = np.ascontiguousarray(kernel)
        self.bias: Final = bias
        self.activate: Final = _ACTIVATIONS[activation]
        self.buffer: Final = np.empty((batch, kernel.shape[1]), np.float32)

    def __call__(self, values: Array) -> Array:
        np.dot(values, self.kernel, out=self.buffer)
        np.add(self.buffer, self.bias, out=self.buffer)
        self.activate(self.buffer)
        return self.buffer


class _Pool:
    """Average pooling with a buffer of its own.

    Args:
        side: Side of a square in pixels.
        rows: Number of squares per row and per column.
        batch: Images per call.
    """

    def __init__(self, side: int, rows: int, batch: int) -> None:
        self.squares: Final = (batch, rows, side, rows, side)
        self.share: Final = np.float32(1 / side**2)
        self.buffer: Final = np.empty((batch, rows, rows), np.float32)

    def __call__(self, pixels: Array) -> Array:
        np.add.reduce(pixels.reshape(self.squares), axis=(2, 4), out=self.buffer)
        np.multiply(self.buffer, self.share, out=self.buffer)
        return self.buffer


class _Session(PlainSession):
    def __init__(self, pool: int, layers: tuple[_Layer, ...], batch: int) -> None:
        means = layers[0].kernel.shape[0]
        pixels = means * pool**2
        shape = IMAGE_SHAPE if pixels == prod(IMAGE_SHAPE) else (pixels,)
        source = TensorSpec("image", (None, *shape), "float32")
        target = TensorSpec("scores", (None, layers[-1].kernel.shape[1]), "float32")
        super().__init__(source, target, batch)
        # The environment of the worker limits the threads of BLAS; NumPy cannot report them.
        self.used: Mapping[str, str] = {}
        self._pool: Final = _Pool(pool, isqrt(means), batch) if pool > 1 else _as_it_is
        self._layers: Final = layers

    def run(self, tensor: NDArray[Any], /) -> Array:
        values = self._pool(tensor).reshape(self.batch, -1)
        for layer in self._layers:
            values = layer(values)
        return values


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Open a file of plain arrays."""
    check_device("NumPy", options, DEVICES)
    try:
        arrays = read_arrays(artifact.payload)
        layers = _layers(arrays, options.batch)
        pool = _pool(arrays, layers[0])
    except ValueError as error:
        raise ModelUnreadableError(
            f"{artifact.path} is not a model of plain arrays: {error}.",
            hint="Export it again with: fmnist-edge export --format npz",
        ) from error
    return _Session(pool, layers, options.batch)


def _take(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if name not in arrays:
        raise ValueError(f"it lacks the array {name!r}")
    return arrays[name]


def _layers(arrays: Mapping[str, NDArray[Any]], batch: int) -> tuple[_Layer, ...]:
    activations = _take(arrays, "activations")
    if activations.ndim != 1:
        raise ValueError("its activations are not a list")
    layers: list[_Layer] = []
    for index, activation in enumerate(activations.tolist()):
        kernel, bias = _take(arrays, f"kernel_{index}"), _take(arrays, f"bias_{index}")
        _check_layer(index, kernel, bias, activation)
        if layers and layers[-1].kernel.shape[1] != kernel.shape[0]:
            raise ValueError(f"layer {index} does not fit the one before it")
        layers.append(_Layer(kernel, bias, activation, batch))
    if not layers:
        raise ValueError("it has no layers")
    return tuple(layers)


def _pool(arrays: Mapping[str, NDArray[Any]], first: _Layer) -> int:
    pool = arrays.get("pool", np.array(1))
    if pool.shape or pool.dtype.kind not in "iu" or pool < 1:
        raise ValueError("its pool is not a positive integer")
    if pool > 1 and first.kernel.shape[0] * int(pool) ** 2 != prod(IMAGE_SHAPE):
        raise ValueError("layer 0 does not fit the pool before it")
    return int(pool)


def _check_layer(index: int, kernel: NDArray[Any], bias: NDArray[Any], activation: str) -> None:
    if activation not in _ACTIVATIONS:
        raise ValueError(f"layer {index} has the unknown activation {activation!r}")
    matrix = 2
    if kernel.dtype != np.float32 or bias.dtype != np.float32 or kernel.ndim != matrix:
        raise ValueError(f"layer {index} is not a float32 matrix and a float32 vector")
    if bias.shape != kernel.shape[1:]:
        raise ValueError(f"the bias of layer {index} does not fit its kernel")
