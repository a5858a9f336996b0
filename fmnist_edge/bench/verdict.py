"""May a row be believed? VALID, SUSPECT or INVALID, with the reasons and what to do about them.

Pure functions of a row and its host, in a table; what could not be read is told apart from what is
fine.
"""

from collections.abc import Mapping
from typing import Final

from fmnist_edge.bench.machine_checks import MACHINE_CHECKS
from fmnist_edge.bench.measurement_checks import MEASUREMENT_CHECKS
from fmnist_edge.result import Reason, Row, Verdict

__all__ = ["judge"]

_CHECKS: Final = (*MEASUREMENT_CHECKS, *MACHINE_CHECKS)


def judge(row: Row, host: Mapping[str, str]) -> Verdict:
    """Put a measured row through all checks.

    Args:
        row: With its measurements, readings and back-to-back latency.
        host: Facts about the machine, by name: its cores, memory and governor are looked at.
    """
    findings = [finding for check in _CHECKS for finding in check(row, host)]
    reasons = [finding for finding in findings if isinstance(finding, Reason)]
    reasons.sort(key=lambda reason: reason.level)  # INVALID comes before SUSPECT
    unknown = tuple(finding for finding in findings if isinstance(finding, str))
    return Verdict(reasons[0].level if reasons else "VALID", tuple(reasons), unknown)
