"""Whether each figure of a row may be believed: VALID, SUSPECT or INVALID, with the reasons.

The checks are functions of a row and its host, in three tables (where it ran, how it was measured,
and the machine), and of a row and the fastest one, to which it is ranked. Each reason names the
figures that it spoils, because what spoils one figure need not touch another: interruptions that
are a hundredth of all calls decide the 99.9th percentile and do not move the median. What could not
be checked is neither fine nor bad.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from fmnist_edge.bench.checks.finding import Finding
from fmnist_edge.bench.checks.machine import MACHINE_CHECKS
from fmnist_edge.bench.checks.measurement import MEASUREMENT_CHECKS
from fmnist_edge.bench.checks.placement import PLACEMENT_CHECKS
from fmnist_edge.bench.checks.ratio import rank_checks
from fmnist_edge.result import LEVELS, Figure, Level, NotChecked, Reason, Row, Value

_CHECKS: Final = (*PLACEMENT_CHECKS, *MEASUREMENT_CHECKS, *MACHINE_CHECKS)
_PERCENTILES: Final[Mapping[Figure, float]] = {"p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True)
class Verdict:
    """The outcome of all checks of one row.

    Args:
        reasons: All reasons, the worst first.
        not_checked: What could not be checked.
        figures: For each figure that the row has, the worst level of the reasons that name it.
    """

    reasons: tuple[Reason, ...]
    not_checked: tuple[NotChecked, ...]
    figures: Mapping[Figure, Level]


def judge(row: Row, host: Mapping[str, Value], best: Row | None = None) -> Verdict:
    """Apply all checks to a measured row.

    Args:
        row: A row with its measurements, readings and statistics.
        host: Facts about the machine, by name.
        best: The fastest row of the same batch size; None leaves out how the row compares with it.
    """
    findings: list[Finding] = [finding for check in _CHECKS for finding in check(row, host)]
    if best is not None:
        findings += rank_checks(row, best)
    reasons = [finding for finding in findings if isinstance(finding, Reason)]
    reasons.sort(key=lambda reason: LEVELS.index(reason.level), reverse=True)
    return Verdict(
        tuple(reasons),
        tuple(finding for finding in findings if isinstance(finding, NotChecked)),
        {figure: _worst(reasons, figure) for figure in get_args(Figure) if _has(row, figure)},
    )


def _worst(reasons: list[Reason], figure: Figure) -> Level:
    return next((reason.level for reason in reasons if figure in reason.figures), "VALID")


def _has(row: Row, figure: Figure) -> bool:
    """Return whether the row has this figure."""
    hot, paced = row.back_to_back, row.paced
    if figure in _PERCENTILES:
        return bool(hot and hot.percentile(_PERCENTILES[figure]).bound_ns is not None)
    present = {
        "ratio": hot,
        "p50": hot,
        "paced-p50": paced,
        "paced-p90": paced and paced.percentile(0.9).bound_ns,
        "throughput": row.throughput,
        "cold": row.cold,
        "memory": row.measurements,
        "accuracy": row.accuracy,
        "energy": row.energy,
    }
    return bool(present[figure])
