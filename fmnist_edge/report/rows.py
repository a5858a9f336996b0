"""What several tables ask about the rows of a run."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fmnist_edge.report.numbers import counted
from fmnist_edge.result import Case, Measurement, Row, Run

_NO_RUNTIME: Final = "-"
# What a run may vary besides files and runtimes, and how a row tells it in words.
VARIED: Final[Mapping[str, tuple[Callable[[Case], str], Callable[[Case], str]]]] = {
    "device": (lambda case: case.device, lambda case: case.device),
    "threads": (
        lambda case: str(case.threads),
        lambda case: counted(case.threads, "thread"),
    ),
    "batch": (lambda case: str(case.batch), lambda case: f"batch {case.batch}"),
}


def ordered(run: Run) -> tuple[Row, ...]:
    """Return the rows, those of the baseline at the end."""
    return tuple(sorted(run.rows, key=lambda row: row.case.subject.is_baseline))


def measured(row: Row) -> Sequence[Measurement]:
    """Return what a row's numbers come from; a failed row has none, whatever was measured."""
    return () if row.failure else row.measurements


def varied(run: Run) -> tuple[str, ...]:
    """Return the keys of `VARIED` in which the rows differ."""
    return tuple(
        key for key, (value, _) in VARIED.items() if len({value(row.case) for row in run.rows}) > 1
    )


def names(run: Run) -> Callable[[Row], str]:
    """Return what gives file names; whole paths for files that share their name with another."""
    count = Counter(subject.name for subject in {row.case.subject for row in run.rows})

    def cell(row: Row) -> str:
        subject = row.case.subject
        return subject.name if count[subject.name] == 1 else subject.path

    return cell


def row_names(run: Run) -> Callable[[Row], str]:
    """Return what tells a row from all others, in words: "a.tflite on litert, 2 threads"."""
    name = names(run)
    words = [VARIED[key][1] for key in varied(run)]

    def start(row: Row) -> str:
        # A file that nothing could read has no runtime.
        on = f" on {row.case.runtime}" if row.case.runtime != _NO_RUNTIME else ""
        return f"{name(row)}{on}"

    def cell(row: Row) -> str:
        return ", ".join((start(row), *(each(row.case) for each in words)))

    return cell


def memory_of(row: Row, moment: Callable[[Measurement], int | None]) -> int | None:
    """Return the largest of the processes in bytes; None where the system tells none."""
    known = [value for each in measured(row) if (value := moment(each)) is not None]
    return max(known, default=None)


def given_labels(row: Row) -> Sequence[str]:
    """Return the class that the model gave to each image, as text; empty where none was kept."""
    told = next((each.predictions.labels for each in row.measurements if each.predictions), "")
    return told.split() if " " in told else told
