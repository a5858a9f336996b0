"""What rounding can explain: bounds of the error of one dense layer.

The bound of a dot product of n terms, in whatever order they are added, is that of Higham
(Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1):

    |computed - exact| <= gamma_n sum |x_i w_i|,  gamma_n = n u / (1 - n u)

with the unit roundoff u of the type: 2^-24 of float32, 2^-11 of float16, 2^-8 of bfloat16.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from fmnist_edge.divergence.stages import Real, Stage

FLOAT32: Final = 2.0**-24
FLOAT16: Final = 2.0**-11
BFLOAT16: Final = 2.0**-8
# Roundings of a layer besides those of its products: the bias, a scale, the result itself.
_FURTHER: Final = 3
# A requantization in fixed point rounds once to 2^-9 of a step or finer before it rounds to a step.
TIE: Final = 2.0**-8
# Symmetric 8 bits cover the range from -max to max by 254 steps, so half of it by 127.
_DYNAMIC_STEPS: Final = 127


def gamma(terms: int, roundoff: float) -> float:
    """Return Higham's gamma_n; it is infinite where n u reaches 1."""
    product = terms * roundoff
    return product / (1 - product) if product < 1 else float("inf")


@dataclass(frozen=True, eq=False)
class Exact:
    """What a layer should give, computed in float64 from the inputs that it had.

    Args:
        inputs: float64[N,inputs].
        free: float64[N,units], x @ kernel + bias, after the relu and before any clipping.
        value: float64[N,units], the same, clipped to what the output can hold.
        magnitude: float64[N,units], sum |x_i w_i| + |bias|.
        slack: float64[N,units], what quantizing the inputs while the model runs can add, and what
            inputs can add that may have been others.
    """

    inputs: Real
    free: Real
    value: Real
    magnitude: Real
    slack: Real

    def rounding(self, roundoff: float) -> Real:
        """Return what rounding can add to each output: float64[N,units].

        Args:
            roundoff: The unit roundoff of the type that the layer computes in.
        """
        return gamma(self.inputs.shape[1] + _FURTHER, roundoff) * self.magnitude


def exact(stage: Stage, inputs: Real, loose: Real | None = None) -> Exact:
    """Return what a layer should give.

    Args:
        stage: The layer.
        inputs: float64[N,inputs], what the layer before it gave.
        loose: float64[N,inputs], by how much an input may have been another one; None for not.
    """
    products = inputs @ stage.kernel + stage.bias
    free = np.maximum(products, 0) if stage.relu else products
    value = free if stage.grid is None else np.clip(free, *stage.grid.ends)
    magnitude = np.abs(inputs) @ np.abs(stage.kernel) + np.abs(stage.bias)
    slack = np.zeros(free.shape) if loose is None else loose @ np.abs(stage.kernel)
    if stage.dynamic:
        # The step of 8 bits over the range of all inputs, 0 included, and half of it per input.
        step = (max(inputs.max(), 0.0) - min(inputs.min(), 0.0)) / _DYNAMIC_STEPS
        slack = slack + step / 2 * np.abs(stage.kernel).sum(axis=0, keepdims=True)
    return Exact(inputs, free, value, magnitude, slack)
