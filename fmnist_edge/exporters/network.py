"""A chain of Dense layers as plain arrays, with everything folded in that can be.

Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) is at inference an affine map of
each unit, y = a x + c. Behind a Dense layer without activation it goes into that layer's kernel and
bias; elsewhere into those of the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DenseLayer", "layer_outputs", "network_of"]

Array = NDArray[np.float32]

_NO_EFFECT: Final = {"InputLayer", "Flatten", "Dropout", "GaussianNoise", "GaussianDropout"}


@dataclass(frozen=True)
class DenseLayer:
    """y = activation(x @ kernel + bias).

    Args:
        name: As in the model it comes from.
        kernel: float32[inputs, units].
        bias: float32[units].
        activation: Keras's name of it: relu, softmax, linear, ...
    """

    name: str
    kernel: Array
    bias: Array
    activation: str


@dataclass(frozen=True)
class _Affine:
    """x -> scale x + shift, each a number per unit or one for all."""

    scale: Array
    shift: Array


def network_of(layers: Sequence[Any]) -> tuple[DenseLayer, ...]:
    """The layers of a Keras model as plain arrays; empty if it is no plain chain of Dense layers.

    Args:
        layers: Of a Keras `Sequential`, first to last.
    """
    found: list[DenseLayer] = []
    pending: _Affine | None = None
    for layer in layers:
        kind = type(layer).__name__
        if kind == "Dense":
            found.append(_dense(layer, pending))
            pending = None
        elif (affine := _affine(kind, layer)) is not None:
            if found and pending is None and found[-1].activation == "linear":
                found[-1] = _after(found[-1], affine)
            else:
                pending = affine if pending is None else _compose(pending, affine)
        elif (name := _activation(kind, layer)) is not None:
            if not found or pending is not None or found[-1].activation != "linear":
                return ()
            found[-1] = replace(found[-1], activation=name)
        elif kind not in _NO_EFFECT:
            return ()
    return () if pending is not None else tuple(found)


def layer_outputs(network: Sequence[DenseLayer], pixels: Array) -> tuple[Array, ...]:
    """What each layer answers; the last one before its activation, unless that is a relu.

    Args:
        network: First to last.
        pixels: float32[N,28,28] in 0..1.

    Returns:
        float32[N,units] per layer; empty if a hidden activation is neither relu nor linear.
    """
    if not {layer.activation for layer in network[:-1]} <= {"relu", "linear"}:
        return ()
    values = pixels.reshape(len(pixels), -1)
    answers = []
    for layer in network:
        values = values @ layer.kernel + layer.bias
        if layer.activation == "relu":
            values = np.maximum(values, 0)
        answers.append(values)
    return tuple(answers)


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


def _affine(kind: str, layer: Any) -> _Affine | None:  # noqa: ANN401 - a Keras layer
    if kind == "Rescaling":
        return _Affine(np.asarray(layer.scale, np.float32), np.asarray(layer.offset, np.float32))
    if kind != "BatchNormalization":
        return None
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
