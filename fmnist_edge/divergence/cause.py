"""The cause of the differences of each layer, by rules about its weights and its arithmetic.

The rules are documented in docs/divergence.md, in the order in which they are tried here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.divergence.arithmetic import (
    LIPSCHITZ,
    SOFTMAX,
    Arithmetic,
    arithmetic,
    is_mean,
    is_softmax,
    looseness,
)
from fmnist_edge.divergence.bounds import FLOAT32, TIE, Exact, exact
from fmnist_edge.divergence.pattern import moved_columns
from fmnist_edge.divergence.record import Cause, Detail, LayerDifference
from fmnist_edge.divergence.stages import Grid, Layer, Real, Stage, are_alike
from fmnist_edge.divergence.weights import FOLDED, is_permuted, relation

Mask = NDArray[np.bool_]

# Squares of up to 28x28 bytes are summed exactly; the mean and its scale are rounded.
_POOLED: Final = 2 * FOLDED
# Ranges are calibrated on some images, so that a few values of others are clipped; from this share
# of all values on, the clipping is the cause.
MOST_CLIPPED: Final = 2.0**-10
_SIDES: Final[tuple[Detail, Detail]] = ("arithmetic-a", "arithmetic-b")


@dataclass(frozen=True, eq=False)
class _Given:
    """What a layer is given.

    Args:
        values: float64[N,inputs].
        loose: float64[N,inputs], by how much each may have been another value; None for not.
    """

    values: Real
    loose: Real | None = None


@dataclass(frozen=True, eq=False)
class Chain:
    """All layers of one side.

    Args:
        inputs: float64[N,inputs], what the first layer is given.
        layers: First to last.
    """

    inputs: Real
    layers: tuple[Layer, ...]


def compare_chains(a: Chain, b: Chain) -> tuple[LayerDifference, ...]:
    """Return what differs in each layer, and why; each is held against the inputs that it had.

    Args:
        a: The layers of A.
        b: Those of B: as many, of as many units.
    """
    given = _Given(a.inputs), _Given(b.inputs)
    found = []
    for one, other in zip(a.layers, b.layers, strict=True):
        difference, given = _compare(one, other, given)
        found.append(difference)
    return tuple(found)


def _compare(
    a: Layer, b: Layer, given: tuple[_Given, _Given]
) -> tuple[LayerDifference, tuple[_Given, _Given]]:
    """Compare a layer, and return what the next one is given."""
    loose: Sequence[Real | None] = (None, None)
    if a.stage is not None and b.stage is not None:
        stages = a.stage, b.stage
        wants = (
            exact(stages[0], given[0].values, given[0].loose),
            exact(stages[1], given[1].values, given[1].loose),
        )
        ways = arithmetic(a, stages[0], wants[0]), arithmetic(b, stages[1], wants[1])
        difference = _dense((a, b), stages, wants, ways)
        loose = (
            looseness(a, stages[0], wants[0], ways[0]),
            looseness(b, stages[1], wants[1], ways[1]),
        )
    elif a.is_softmax and b.is_softmax:
        difference = _softmax((a, b), given)
    else:
        difference = _pool((a, b), given)
    return difference, (
        _Given(a.outputs.astype(np.float64), loose[0]),
        _Given(b.outputs.astype(np.float64), loose[1]),
    )


# Dense layers


def _dense(
    layers: tuple[Layer, Layer],
    stages: tuple[Stage, Stage],
    wants: tuple[Exact, Exact],
    ways: tuple[Arithmetic, Arithmetic],
) -> LayerDifference:
    a, b = layers
    gap = _gap(a, b)
    moved = np.abs(wants[0].inputs - wants[1].inputs)
    carried = moved @ np.maximum(*(np.abs(each.kernel) for each in stages))
    own = wants[0].rounding(FLOAT32) + wants[1].rounding(FLOAT32)
    alike = are_alike(a.grid, b.grid)
    beyond = gap > _half_step(a.grid) if a.grid is not None and alike else gap > own + carried
    clipped = _clipped(gap, wants, (a.grid, b.grid))
    is_tie = a.grid is not None and alike and not moved.any()
    floats = a.grid is None and b.grid is None
    defect = _defect_of_dense(stages, ways)
    return _difference(
        layers,
        gap,
        beyond,
        ("defect", defect) if defect else (_cause_of_dense(stages, wants, ways, gap, clipped), ""),
        rounding_share=_largest_share(gap, own + carried) if floats else None,
        tie_distance=_tie_distance(a.grid, wants[0].value, beyond) if is_tie else None,
        clipped=int(clipped.sum()),
    )


def _defect_of_dense(stages: tuple[Stage, Stage], ways: tuple[Arithmetic, Arithmetic]) -> Detail:
    """Return what is wrong with a layer; empty where nothing is."""
    if "wrong" in ways:
        return _who([way != "wrong" for way in ways])
    if relation(*stages) == "other":
        return "permuted" if is_permuted(*stages) else "weights"
    return ""


def _cause_of_dense(
    stages: tuple[Stage, Stage],
    wants: tuple[Exact, Exact],
    ways: tuple[Arithmetic, Arithmetic],
    gap: Real,
    clipped: Mask,
) -> Cause:
    """Return why a layer differs where both sides give what their files say, and these belong."""
    if not gap.any():
        return "identical"
    if clipped.mean() >= MOST_CLIPPED:
        return "saturation"
    kept = relation(*stages)
    if kept == "quantized" or not are_alike(stages[0].grid, stages[1].grid):
        return "quantization"
    if kept == "half" or "half" in ways:
        return "half-precision"
    return _cause_of_rounding(stages[0].grid, wants, gap)


def _cause_of_rounding(grid: Grid | None, wants: tuple[Exact, Exact], gap: Real) -> Cause:
    """Return the cause where both have the same weights, steps and arithmetic."""
    if np.array_equal(wants[0].inputs, wants[1].inputs):
        return "reordered-sums" if grid is None else "rounding-tie"
    own = wants[0].rounding(FLOAT32) + wants[1].rounding(FLOAT32)
    return "reordered-sums" if grid is None and bool((gap <= own).all()) else "inherited"


def _who(rights: Sequence[bool]) -> Detail:
    """Return which side does not give what its file says."""
    return _SIDES[rights.index(False)] if any(rights) else "arithmetic-both"


def _half_step(grid: Grid) -> float:
    return grid.scale / 2


def _largest_share(gap: Real, room: Real) -> float:
    return float((gap / np.maximum(room, np.finfo(np.float64).tiny)).max())


def _tie_distance(grid: Grid | None, values: Real, beyond: Mask) -> float | None:
    """Return how far these exact values are at most from the middle of two steps, in steps."""
    if grid is None or not beyond.any():
        return None
    steps = values[beyond] / grid.scale
    return float(np.abs(steps - np.floor(steps) - 0.5).max())


def _clipped(gap: Real, wants: tuple[Exact, Exact], grids: tuple[Grid | None, Grid | None]) -> Mask:
    """Return which outputs differ by more than they do before a range ends."""
    steps = sum(grid.scale for grid in grids if grid is not None) * (0.5 + TIE)
    room = sum((want.rounding(FLOAT32) + want.slack for want in wants), np.float64(steps))
    over = gap > np.abs(wants[0].free - wants[1].free) + room
    return over & (_outside(wants[0].free, grids[0]) | _outside(wants[1].free, grids[1]))


def _outside(free: Real, grid: Grid | None) -> Mask:
    if grid is None:
        return np.zeros(free.shape, np.bool_)
    low, high = grid.ends
    return (free < low) | (free > high)


# Softmax


def _softmax(layers: tuple[Layer, Layer], given: tuple[_Given, _Given]) -> LayerDifference:
    a, b = layers
    gap = _gap(a, b)
    carried = LIPSCHITZ * np.abs(given[0].values - given[1].values).max(axis=1, keepdims=True)
    step = _step(a, b)
    beyond = gap > (carried + SOFTMAX if step is None else step / 2)
    return _difference(layers, gap, beyond, _cause_of_softmax(layers, given, gap))


def _cause_of_softmax(
    layers: tuple[Layer, Layer], given: tuple[_Given, _Given], gap: Real
) -> tuple[Cause, Detail]:
    a, b = layers
    rights = [
        is_softmax(layer, each.values, each.loose)
        for layer, each in zip(layers, given, strict=True)
    ]
    if not all(rights):
        moved = moved_columns(a.outputs, b.outputs)
        return "defect", "permuted" if moved else _who(rights)
    if not gap.any():
        return "identical", ""
    if not are_alike(a.grid, b.grid):
        return "quantization", ""
    if not np.array_equal(given[0].values, given[1].values):
        return "inherited", ""
    return ("reordered-sums" if a.grid is None else "rounding-tie"), ""


# Average pools


def _pool(layers: tuple[Layer, Layer], given: tuple[_Given, _Given]) -> LayerDifference:
    a, b = layers
    gap = _gap(a, b)
    step = _step(a, b)
    wants = _means(given[0].values, a), _means(given[1].values, b)
    beyond = gap > (FOLDED * np.abs(wants[0]) if step is None else step / 2)
    is_tie = are_alike(a.grid, b.grid) and np.array_equal(wants[0], wants[1])
    return _difference(
        layers,
        gap,
        beyond,
        _cause_of_pool(layers, wants, gap),
        tie_distance=_tie_distance(a.grid, wants[0], beyond) if is_tie else None,
    )


def _means(values: Real, layer: Layer) -> Real:
    """Return the means of squares of pixels, as many as the layer has units, float64[N,units]."""
    items, units = layer.outputs.shape
    rows = math.isqrt(units)
    side = math.isqrt(values.shape[1] // units)
    squares = values.reshape(items, rows, side, rows, side)
    means: Real = squares.mean(axis=(2, 4)).reshape(items, units)
    return means


def _cause_of_pool(
    layers: tuple[Layer, Layer], wants: tuple[Real, Real], gap: Real
) -> tuple[Cause, Detail]:
    a, b = layers
    rights = [is_mean(layer, want) for layer, want in zip(layers, wants, strict=True)]
    if not all(rights):
        return "defect", _who(rights)
    if not gap.any():
        return "identical", ""
    if not are_alike(a.grid, b.grid):
        return "quantization", ""
    if a.grid is not None:
        return "rounding-tie", ""
    return ("reordered-sums" if bool((gap <= _POOLED * wants[0]).all()) else "half-precision"), ""


# All of them


def _gap(a: Layer, b: Layer) -> Real:
    gap: Real = np.abs(a.outputs.astype(np.float64) - b.outputs)
    return gap


def _step(a: Layer, b: Layer) -> float | None:
    return min((each.grid.scale for each in (a, b) if each.grid is not None), default=None)


def _difference(  # noqa: PLR0913 - each argument is a field of the record
    layers: tuple[Layer, Layer],
    gap: Real,
    beyond: Mask,
    cause: tuple[Cause, Detail],
    *,
    rounding_share: float | None = None,
    tie_distance: float | None = None,
    clipped: int = 0,
) -> LayerDifference:
    a, b = layers
    return LayerDifference(
        name_a=a.name,
        name_b=b.name,
        units=gap.shape[1],
        differing=int((gap > 0).sum()),
        beyond=int(beyond.sum()),
        max_abs=float(gap.max()),
        step=_step(a, b),
        rounding_share=rounding_share,
        tie_distance=tie_distance,
        clipped=clipped,
        cause=cause[0],
        detail=cause[1],
    )
