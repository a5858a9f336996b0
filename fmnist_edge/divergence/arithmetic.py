"""Whether a layer gave what its file says, and in what arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.divergence.bounds import BFLOAT16, FLOAT16, FLOAT32, TIE, Exact, exact
from fmnist_edge.divergence.stages import Layer, Real, Stage
from fmnist_edge.records import replace

Arithmetic = Literal["float32", "half", "grid", "wrong"]

# Inputs, weights and the result are rounded to 16 bits; sums are kept in float32.
_OPERANDS: Final = 3
# What a softmax may be off by, in probabilities: of float32, of 16 bits, and of an integer type
# (LiteRT's of 16 bits looks its powers up in a table, and is off by 6e-4); of 8 bits in steps.
SOFTMAX: Final = 2.0**-14
_SOFTMAX_HALF: Final = 2.0**-8
_SOFTMAX_TABLE: Final = 2.0**-10
_SOFTMAX_STEPS: Final = 1.5
# The Jacobian of the softmax is at most 1/2 in the norm of the largest entry.
LIPSCHITZ: Final = 0.5


def arithmetic(layer: Layer, stage: Stage, want: Exact) -> Arithmetic:
    """Return the arithmetic that explains the outputs of a dense layer.

    Args:
        layer: What it gave.
        stage: What it is to compute.
        want: The exact values, from the inputs that it had.
    """
    gap = np.abs(layer.outputs - want.value)
    error, rounding = gap - want.slack, want.rounding(FLOAT32)
    if stage.grid is not None:
        room = stage.grid.scale * (0.5 + TIE) + rounding
        return "grid" if bool((error <= room).all()) else "wrong"
    if bool((gap <= rounding).all()):
        return "float32"
    if any(_is_half(layer, stage, want, error, each) for each in _HALVES):
        return "half"
    return "float32" if bool((error <= rounding).all()) else "wrong"


@dataclass(frozen=True)
class _Half:
    """A type of 16 bits.

    Args:
        roundoff: Its unit roundoff.
        rounded: Returns float64 of any shape as the nearest numbers of the type.
    """

    roundoff: float
    rounded: Callable[[Real], Real]

    def holds(self, values: NDArray[np.float32]) -> bool:
        """Return whether all values are numbers of the type."""
        return np.array_equal(self.rounded(values.astype(np.float64)), values)


def _is_half(layer: Layer, stage: Stage, want: Exact, error: Real, half: _Half) -> bool:
    """Return whether a layer was computed in a type of 16 bits.

    Either weights or outputs are numbers of that type, and the error is at most that of rounding
    inputs, weights and the result. Or the outputs are those of rounded inputs and weights, as exact
    as float32 is.
    """
    if (stage.is_half and half.roundoff == FLOAT16) or half.holds(layer.outputs):
        room = want.rounding(FLOAT32) + _OPERANDS * half.roundoff * want.magnitude
        return bool((error <= room).all())
    kernel = half.rounded(stage.kernel / stage.factor) * stage.factor
    inputs = half.rounded(want.inputs * stage.factor) / stage.factor
    short = exact(replace(stage, kernel=kernel), inputs)
    room = 2 * short.rounding(FLOAT32) + want.slack
    return bool((np.abs(layer.outputs - short.value) <= room).all())


def looseness(layer: Layer, stage: Stage, want: Exact, way: Arithmetic) -> Real | None:
    """Return by how much each output of a dense layer may be another one inside the whole file.

    The file that ends at a layer and the whole file are compiled each for itself. So a value in the
    middle of two steps, or of two numbers of 16 bits, may go up in one and down in the other, and a
    value of float16 may stay in float32 between two layers.

    Args:
        layer: What the layer gave.
        stage: What it is to compute.
        want: The exact values.
        way: The arithmetic that explains the outputs.

    Returns:
        float64[N,units]; None where all are what they are.
    """
    if layer.grid is not None:
        room = TIE + (want.rounding(FLOAT32) + want.slack) / layer.grid.scale
        steps = want.value / layer.grid.scale
        near = np.abs(steps - np.floor(steps) - 0.5) <= room
        return layer.grid.scale * near.astype(np.float64)
    if stage.is_half and _HALVES[0].holds(layer.outputs):
        return FLOAT16 * np.abs(layer.outputs.astype(np.float64))
    if way == "half":
        values = layer.outputs.astype(np.float64)
        return np.maximum(*(_jump(values, stage, want, each) for each in _HALVES))
    return None


def _jump(values: Real, stage: Stage, want: Exact, half: _Half) -> Real:
    """Return how far apart 16 bits may take two values of a layer that float32 holds apart.

    The last layer of a file keeps its bias in float32, and one between others may round it.
    """
    room = want.rounding(FLOAT32) + np.abs(stage.bias - half.rounded(stage.bias))
    return half.rounded(values + room) - half.rounded(values - room)


def is_mean(layer: Layer, want: Real) -> bool:
    """Return whether a layer gave these means, rounded to its steps or in 16 bits at worst.

    Args:
        layer: What it gave.
        want: float64[N,units], the exact means.
    """
    error = np.abs(layer.outputs - want)
    room = _OPERANDS * FLOAT16 * want if layer.grid is None else layer.grid.scale * (0.5 + TIE)
    return bool((error <= room).all())


def is_softmax(layer: Layer, logits: Real, loose: Real | None) -> bool:
    """Return whether a layer gave the softmax of these logits.

    Args:
        layer: What it gave.
        logits: float64[N,C].
        loose: float64[N,C], by how much a logit may have been another one, or one of 16 bits; None
            for not.
    """
    room = np.full((1, 1), _softmax_room(layer))
    if loose is None:
        return _strays(layer, logits, room) <= 0
    room = room + LIPSCHITZ * loose.max(axis=1, keepdims=True)
    stored = [logits, *(each.rounded(logits) for each in _HALVES)]
    return any(_strays(layer, each, room) <= 0 for each in stored)


def _strays(layer: Layer, logits: Real, room: Real) -> float:
    """Return by how much an output is further from the softmax than there is room."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    wanted = powers / powers.sum(axis=1, keepdims=True)
    return float((np.abs(layer.outputs - wanted) - room).max())


def _softmax_room(layer: Layer) -> float:
    if layer.grid is not None:
        return max(_SOFTMAX_STEPS * layer.grid.scale, _SOFTMAX_TABLE)
    return _SOFTMAX_HALF if any(each.holds(layer.outputs) for each in _HALVES) else SOFTMAX


def _float16(values: Real) -> Real:
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float64)


def _bfloat16(values: Real) -> Real:
    # bfloat16 is the upper half of float32; half of the lower one is added, less where it is even.
    bits = values.astype(np.float32).view(np.uint32)
    upper = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (upper & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)


_HALVES: Final = (_Half(FLOAT16, _float16), _Half(BFLOAT16, _bfloat16))
