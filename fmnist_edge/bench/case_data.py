"""Everything that is known of a case before its statistics are computed."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.result import Case, Energy, Failure, Measurement, Predictions, Reading, Sustained


@dataclass(eq=False)
class CaseData:
    """The measurements of a case; it grows while the benchmark runs.

    Args:
        case: What is measured.
        measurements: One per process, in the order of the rounds. The processes of a round ran
            during the same minutes, whichever case they belong to.
        readings: The machine before, during and after.
        scores: float32[N,C], the raw class scores of all inputs; None where no process classified.
        energy: None where it was not measured.
        sustained: None where no sustained load was asked for.
        failure: Why the case was given up.
        truth: integers[N], the labels of all inputs; None where they are not known.
    """

    case: Case
    measurements: list[Measurement] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    scores: NDArray[np.float32] | None = None
    energy: Energy | None = None
    sustained: Sustained | None = None
    failure: Failure | None = None
    truth: NDArray[np.integer] | None = None

    @property
    def predictions(self) -> Predictions | None:
        """The labels of all inputs, from the process that classified."""
        return next((each.predictions for each in self.measurements if each.predictions), None)
