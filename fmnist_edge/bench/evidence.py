"""What came of measuring one case, before anything is computed from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.result import Case, Energy, Failure, Measurement, Predictions, Reading

__all__ = ["Evidence"]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that is known of a case.

    Args:
        case: What was measured.
        measurements: One per process, in the order of the rounds: the processes of a round shared
            the same minutes, whichever case they belong to.
        readings: The machine before, during and after.
        scores: float32[N,C], the raw class scores of all inputs; None where no process classified.
        energy: None where it was not measured.
        failure: Why the case was given up.
        truth: integers[N], the labels of all inputs; None where they are not known.
    """

    case: Case
    measurements: tuple[Measurement, ...] = ()
    readings: tuple[Reading, ...] = ()
    scores: NDArray[np.float32] | None = None
    energy: Energy | None = None
    failure: Failure | None = None
    truth: NDArray[np.integer] | None = None

    @property
    def predictions(self) -> Predictions | None:
        """The labels of all inputs, from the process that classified."""
        return next((each.predictions for each in self.measurements if each.predictions), None)
