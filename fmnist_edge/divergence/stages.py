"""The layers of one file: what each is to compute, and what it gave."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.records import replace

Real = NDArray[np.float64]
# Two converters may compute the same step in float32 by other operations.
_SCALE: Final = 2.0**-21
_SMALLEST_HALF: Final = 2.0**-25


@dataclass(frozen=True)
class Grid:
    """The values that a quantized tensor can hold: scale x (stored - zero_point).

    Args:
        scale: The step; positive.
        zero_point: The stored value of 0.
        low: The smallest stored value.
        high: The largest stored value.
    """

    scale: float
    zero_point: int
    low: int
    high: int

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest real value."""
        return (
            self.scale * (self.low - self.zero_point),
            self.scale * (self.high - self.zero_point),
        )


def half_floor(stored: NDArray[np.floating[Any]], factor: float) -> float:
    """Return `Stage.half_floor` of a kernel.

    Args:
        stored: The weights as the file stores them, real numbers.
        factor: What they are multiplied by for pixels of 0..1.
    """
    with np.errstate(over="ignore"):
        is_half = bool((stored == stored.astype(np.float16)).all())
    return _SMALLEST_HALF * factor if is_half else 0.0


def are_alike(a: Grid | None, b: Grid | None) -> bool:
    """Return whether two tensors can hold the same values, up to rounding of the step."""
    if a is None or b is None:
        return a is b
    return replace(a, scale=b.scale) == b and abs(a.scale - b.scale) <= _SCALE * b.scale


@dataclass(frozen=True, eq=False)
class Stage:
    """A dense layer as its file states it: y = activation(x @ kernel + bias).

    Args:
        name: Name of the layer in the file.
        kernel: float64[inputs,units], the real values that the file stores. Those of a first layer
            that takes bytes are for pixels of 0..1.
        bias: float64[units].
        relu: Whether a relu follows.
        kernel_step: float64[units], the quantization step of the kernel; 0 where it is not
            quantized.
        bias_step: float64[units], that of the bias.
        half_floor: Where all weights are numbers of float16, half the distance of its smallest
            numbers, scaled as the kernel is; else 0.
        kernel_end: bool[inputs,units], where a stored weight is the largest or the smallest of its
            type, so that the weight that it stands for may be larger; None where none can be.
        grid: What the output can hold; None for real numbers.
        factor: What the file multiplies pixels of 0..1 by before this layer: 255 where a first
            layer takes bytes as they are.
        dynamic: Whether the inputs are quantized while the model runs, by their range.
    """

    name: str
    kernel: Real
    bias: Real
    relu: bool
    kernel_step: Real
    bias_step: Real
    half_floor: float = 0.0
    kernel_end: NDArray[np.bool_] | None = None
    grid: Grid | None = None
    factor: float = 1.0
    dynamic: bool = False

    @property
    def is_half(self) -> bool:
        """Whether all weights are numbers of float16."""
        return self.half_floor > 0


@dataclass(frozen=True, eq=False)
class Layer:
    """The output of a layer on all images.

    Args:
        name: Name of the layer in the file.
        outputs: float32[N,units], dequantized.
        stage: What it computes; None for what is no dense layer: a pool, the softmax.
        grid: What the output can hold; None for real numbers.
        is_softmax: Whether it is the softmax of the layer before it.
    """

    name: str
    outputs: NDArray[np.float32]
    stage: Stage | None = None
    grid: Grid | None = None
    is_softmax: bool = False
