"""What a comparison of two runs holds: changes of times, of accuracies, and of the machine."""

from dataclasses import dataclass
from typing import Final, Literal

from fmnist_edge.report.ratios import PRACTICAL, Times
from fmnist_edge.result import Interval, Level

Outcome = Literal["slower", "faster", "same", "machine", "unknown"]
# Of fewer rows, none can be told to be the odd one out.
_FEW_ROWS: Final = 2

Levels = tuple[Level | None, Level | None]
"""The verdicts of a figure in the old and the new run; None where nothing was checked."""


@dataclass(frozen=True)
class Change:
    """One regime of a row, before and after.

    Args:
        regime: A key of `compare.REGIMES`.
        before_ns: The time in the old run.
        after_ns: The time in the new one.
        ratio: New over old, of the processes' geometric means: above 1 is slower.
        interval: Of the ratio; None where too few processes were measured.
        answer: In words.
        outcome: "slower" or "faster" where that is more than chance and more than the machine
            itself changed; "machine" where it is not; "same" where nothing can be told from chance;
            "unknown" where too few processes were measured.
        verdicts: Of the two times.
    """

    regime: str
    before_ns: float
    after_ns: float
    ratio: float
    interval: Interval | None
    answer: str
    outcome: Outcome
    verdicts: Levels

    @property
    def real(self) -> bool:
        """Whether it is more than chance, and more than the machine itself changed."""
        return self.outcome in {"slower", "faster"}


@dataclass(frozen=True)
class AccuracyChange:
    """The answers of the same file in both runs.

    Args:
        before: Top-1 accuracy in the old run, 0..1.
        after: In the new one.
        images: How many there were.
        differing: Images that were given another label.
        p_value: Of McNemar's test, at most. The labels tell how many answers differ and the
            accuracies how many more are right now, but not which ones; so the most undecided case
            is taken, in which each differing answer is right in one of the runs.
        verdicts: Of the two accuracies.
    """

    before: float
    after: float
    images: int
    differing: int
    p_value: float
    verdicts: Levels


@dataclass(frozen=True)
class RowChange:
    """A case that is in both runs.

    Args:
        name: Of the case, in words.
        is_baseline: Whether it is the harness's own baseline and no file of the user's.
        changes: One per regime that both have.
        accuracy: None where one of them has none.
        verdicts: In the old and the new run, the worst of the figures that are compared, or
            "failed".
    """

    name: str
    is_baseline: bool
    changes: tuple[Change, ...]
    accuracy: AccuracyChange | None
    verdicts: tuple[str, str]


@dataclass(frozen=True)
class MachineChange:
    """How the machine itself changed in one regime.

    It is judged by everything that is the same in both runs (file, runtime and its version, and
    plain NumPy): half of these rows took longer than `ratio` times as long, half less. A single row
    that has two speeds of its own, NumPy's included, does not move it.

    Args:
        regime: A key of `compare.REGIMES`.
        ratio: The median of the rows' ratios, new over old.
        interval: The medians of the lower and of the upper ends of their intervals; None where no
            row has one.
        rows: How many rows were asked.
        baseline: The ratio of plain NumPy; None where one of the runs has none.
    """

    regime: str
    ratio: float
    interval: Interval | None
    rows: int
    baseline: float | None

    @property
    def outcome(self) -> Outcome:
        """Whether the machine became slower or faster."""
        return outcome_of(Times(self.ratio, self.interval))

    @property
    def baseline_is_alone(self) -> bool:
        """Whether plain NumPy changed otherwise than most of the rows."""
        if self.baseline is None or self.interval is None or self.rows <= _FEW_ROWS:
            return False
        low, high = self.interval.low / (1 + PRACTICAL), self.interval.high * (1 + PRACTICAL)
        return not low <= self.baseline <= high


@dataclass(frozen=True)
class Comparison:
    """Two runs.

    Args:
        same_machine: False makes it a comparison of machines, not before and after.
        rows: What is in both, the baseline's last.
        only_old: Names of rows that only the old run has.
        only_new: Names of rows that only the new run has.
        machine: How the machine itself changed, per regime; empty on another machine.
    """

    same_machine: bool
    rows: tuple[RowChange, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    machine: tuple[MachineChange, ...]


def outcome_of(told: Times) -> Outcome:
    """Return what a ratio says; a machine is not blamed yet."""
    if told.interval is None:
        return "unknown"
    if told.is_tie:
        return "same"
    return "slower" if told.ratio > 1 else "faster"
