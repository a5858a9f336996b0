"""A Keras model that is a chain of Dense layers, as plain arrays.

A fixed average pool may come before the layers: the means of squares of pixels. An affine map that
is the same for all pixels may be applied before or after the mean.

Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) is at inference an affine map of
each unit, y = a x + c. After a Dense layer without activation it is folded into the kernel and the
bias of that layer, and anywhere else into those of the next layer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.records import replace
from fmnist_edge.session import IMAGE_SHAPE

Array = NDArray[np.float32]

_NO_EFFECT: Final = {"InputLayer", "Dropout", "GaussianNoise", "GaussianDropout"}


@dataclass(frozen=True)
class DenseLayer:
    """y = activation(x @ kernel + bias).

    Args:
        name: The name of the layer in the Keras model.
        kernel: float32[inputs, units].
        bias: float32[units].
        activation: Keras's name of the activation: relu, softmax, linear, ...
    """

    name: str
    kernel: Array
    bias: Array
    activation: str


@dataclass(frozen=True)
class DenseChain:
    """Dense layers, one after the other, behind an average pool.

    Args:
        layers: The layers, first to last, at least one. The first takes the means row by row.
        pool: The side of the squares of pixels that are averaged; 1 for the pixels themselves.
    """

    layers: tuple[DenseLayer, ...]
    pool: int = 1


@dataclass(frozen=True)
class _Affine:
    """The map x -> scale x + shift; each is one number per unit, or one number for all."""

    scale: Array
    shift: Array


class _NoChainError(Exception):
    """The layer is not Dense and cannot be folded into a Dense layer."""


class _Reader:
    """The chain that the layers read so far form.

    Args:
        shape: The shape of one item that the next layer takes, without the batch.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(shape)
        self.pool = 1
        self.found: list[DenseLayer] = []
        self.pending: _Affine | None = None

    def read(self, layer: Any) -> None:  # noqa: ANN401 - a Keras layer
        kind = type(layer).__name__
        if kind in _READERS:
            _READERS[kind](self, layer)
        elif (name := _activation(kind, layer)) is not None:
            self._activate(name)
        elif kind not in _NO_EFFECT:
            raise _NoChainError

    def dense(self, layer: Any) -> None:  # noqa: ANN401 - a Keras layer
        made = _dense(layer, self.pending)
        if self.shape != made.kernel.shape[:1]:  # of more axes it takes the last alone
            raise _NoChainError
        self.found.append(made)
        self.shape, self.pending = made.bias.shape, None

    def affine(self, layer: Any) -> None:  # noqa: ANN401 - a Keras layer
        affine = _affine(layer)
        if affine.scale.size != 1 and affine.scale.shape != self.shape:
            raise _NoChainError  # a number per column, say
        if self._ends_linearly():
            self.found[-1] = _after(self.found[-1], affine)
        else:
            self.pending = affine if self.pending is None else _compose(self.pending, affine)

    def average(self, layer: Any) -> None:  # noqa: ANN401 - a Keras layer
        height, width = layer.pool_size
        pool, side = height, self.shape[0] // height
        plain = height == width and layer.strides == layer.pool_size
        # No pixel is left over, so that it does not matter how the edges would be padded.
        whole = self.shape == (side * pool, side * pool, 1) and not self.found
        if not plain or not whole or layer.data_format != "channels_last":
            raise _NoChainError
        self.pool *= pool
        self.shape = (side, side, 1)

    def flatten(self, layer: Any) -> None:  # noqa: ANN401, ARG002 - as its siblings
        self.shape = (prod(self.shape),)

    def reshape(self, layer: Any) -> None:  # noqa: ANN401 - a Keras layer
        wanted = tuple(layer.target_shape)
        rest = prod(self.shape) // prod(size for size in wanted if size > 0)
        self.shape = tuple(rest if size < 0 else size for size in wanted)

    def _activate(self, name: str) -> None:
        if not self._ends_linearly():
            raise _NoChainError
        self.found[-1] = replace(self.found[-1], activation=name)

    def _ends_linearly(self) -> bool:
        return bool(self.found) and self.pending is None and self.found[-1].activation == "linear"


# By the names of Keras's classes; rows stay rows in all of them, so that Flatten moves nothing.
_READERS: Final[Mapping[str, Callable[[_Reader, Any], None]]] = MappingProxyType(
    {
        "Dense": _Reader.dense,
        "BatchNormalization": _Reader.affine,
        "Rescaling": _Reader.affine,
        "AveragePooling2D": _Reader.average,
        "Flatten": _Reader.flatten,
        "Reshape": _Reader.reshape,
    }
)


def chain_of(layers: Sequence[Any], shape: Sequence[int] = IMAGE_SHAPE) -> DenseChain | None:
    """Return the layers of a Keras model as plain arrays.

    Args:
        layers: The layers of a Keras model, first to last, each of which takes the output of the
            one before.
        shape: The shape of one item that the first layer takes, without the batch.

    Returns:
        None if they are no plain chain of Dense layers, with or without an average pool in front.
    """
    reader = _Reader(shape)
    try:
        for layer in layers:
            reader.read(layer)
    except _NoChainError:
        return None
    if reader.pending is not None or not reader.found:
        return None
    return DenseChain(tuple(reader.found), reader.pool)


def layer_outputs(chain: DenseChain, pixels: Array) -> tuple[Array, ...]:
    """Return the output of each layer; that of the last one before its softmax.

    Args:
        chain: The layers to run.
        pixels: float32[N,28,28] in 0..1.

    Returns:
        float32[N,units] per layer; empty if a hidden activation is neither relu nor linear.
    """
    if not {layer.activation for layer in chain.layers[:-1]} <= {"relu", "linear"}:
        return ()
    values = _pooled(pixels, chain.pool).reshape(len(pixels), -1)
    answers = []
    for layer in chain.layers:
        values = values @ layer.kernel + layer.bias
        if layer.activation == "relu":
            values = np.maximum(values, 0)
        answers.append(values)
    return tuple(answers)


def _pooled(pixels: Array, pool: int) -> Array:
    if pool == 1:
        return pixels
    items, height, width = pixels.shape
    squares = pixels.reshape(items, height // pool, pool, width // pool, pool)
    means: Array = squares.mean(axis=(2, 4))
    return means


def _dense(layer: Any, before: _Affine | None) -> DenseLayer:  # noqa: ANN401 - a Keras layer
    kernel, *rest = (np.asarray(each, np.float32) for each in layer.get_weights())
    bias = rest[0] if rest else np.zeros(kernel.shape[1], np.float32)
    if before is not None:
        shift = np.broadcast_to(before.shift, kernel.shape[:1])
        bias = bias + shift @ kernel
        kernel = np.broadcast_to(before.scale, kernel.shape[:1])[:, None] * kernel
    return DenseLayer(layer.name, kernel, bias, layer.activation.__name__)


def _after(layer: DenseLayer, affine: _Affine) -> DenseLayer:
    return replace(
        layer, kernel=layer.kernel * affine.scale, bias=layer.bias * affine.scale + affine.shift
    )


def _compose(first: _Affine, then: _Affine) -> _Affine:
    return _Affine(first.scale * then.scale, first.shift * then.scale + then.shift)


def _affine(layer: Any) -> _Affine:  # noqa: ANN401 - a Keras layer
    if type(layer).__name__ == "Rescaling":
        return _Affine(np.asarray(layer.scale, np.float32), np.asarray(layer.offset, np.float32))
    mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    scale = 1.0 / np.sqrt(variance.astype(np.float64) + layer.epsilon)
    if layer.gamma is not None:
        scale = scale * layer.gamma.numpy()
    shift = -mean * scale
    if layer.beta is not None:
        shift = shift + layer.beta.numpy()
    return _Affine(scale.astype(np.float32), shift.astype(np.float32))


def _activation(kind: str, layer: Any) -> str | None:  # noqa: ANN401 - a Keras layer
    if kind == "Activation":
        name: str = layer.activation.__name__
        return name
    return {"ReLU": "relu", "Softmax": "softmax"}.get(kind)
