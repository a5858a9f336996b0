"""What several tables ask about the rows of a run."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from fmnist_edge.devices import CPU
from fmnist_edge.result import Measurement, Row, Run, how, telling

_NO_RUNTIME: Final = "-"


def ordered(run: Run) -> tuple[Row, ...]:
    """Return the rows, those of the baseline at the end."""
    return tuple(sorted(run.rows, key=lambda row: row.case.subject.is_baseline))


def measured(row: Row) -> Sequence[Measurement]:
    """Return what a row's numbers come from; a failed row has none, whatever was measured."""
    return () if row.failure else row.measurements


def varied(run: Run) -> tuple[str, ...]:
    """Return what tells the rows apart besides file and runtime: device, threads, batch."""
    return telling(row.case for row in run.rows)


def batches(rows: Sequence[Row]) -> tuple[int, ...]:
    """Return the numbers of images per call, the smallest first."""
    return tuple(sorted({row.case.batch for row in rows}))


def runtime(row: Row) -> str:
    """Return the runtime; one of another environment with its version: "litert 2.1.0 (old)"."""
    case = row.case
    if not case.environment:
        return case.runtime
    version = next((each.runtime_version for each in row.measurements), "")
    return " ".join(filter(None, (case.runtime, version, f"({case.environment})")))


def references(run: Run) -> tuple[Row, ...]:
    """Return the rows that the accuracy of others is compared with.

    A result names them by file and runtime: of several rows of these, it is the first, and one on
    the CPU before any other.
    """
    known = [row for row in run.rows if row.failure is None and row.accuracy]
    against = dict.fromkeys(
        (told.reference, told.runtime)
        for row in known
        if row.accuracy and (told := row.accuracy.against)
    )
    found: list[Row] = []
    for name in against:
        same = [row for row in known if (row.case.subject.name, row.case.runtime) == name]
        found += sorted(same, key=lambda row: row.case.device != CPU)[:1]
    return tuple(found)


def names(run: Run) -> Callable[[Row], str]:
    """Return what gives file names, with as much of the path as tells files of one name apart."""
    paths: dict[str, set[str]] = {}
    for row in run.rows:
        paths.setdefault(row.case.subject.name, set()).add(row.case.subject.path)

    def cell(row: Row) -> str:
        subject = row.case.subject
        same = paths[subject.name]
        return subject.name if len(same) == 1 else _tail(subject.path, same)

    return cell


def _tail(path: str, others: Collection[str]) -> str:
    """Return the last parts of a path, as many as no other path ends in."""
    parts = Path(path).parts
    for count in range(2, len(parts)):
        tail = parts[-count:]
        if sum(Path(other).parts[-count:] == tail for other in others) == 1:
            return str(Path(*tail))
    return path


def other_versions(run: Run) -> Mapping[str, str]:
    """Return the versions in other environments, each by package and environment."""
    return {
        f"{package} ({name})": version
        for name, each in run.environments.items()
        for package, version in {"python": each.python, **each.versions}.items()
    }


def row_names(run: Run, told: Collection[str] | None = None) -> Callable[[Row], str]:
    """Return what tells a row from all others, in words: "a.tflite on litert webgpu, batch 8".

    Args:
        run: The run of the rows.
        told: What of device, threads and batch is told; None for what tells all rows apart.
    """
    name = names(run)
    words = varied(run) if told is None else told

    def cell(row: Row) -> str:
        # A file that nothing could read has no runtime.
        on = f" on {how(row.case, words)}" if row.case.runtime != _NO_RUNTIME else ""
        return f"{name(row)}{on}"

    return cell


def memory_of(row: Row, moment: Callable[[Measurement], int | None]) -> int | None:
    """Return the largest of the processes in bytes; None where the system tells none."""
    known = [value for each in measured(row) if (value := moment(each)) is not None]
    return max(known, default=None)


def given_labels(row: Row) -> Sequence[str]:
    """Return the class that the model gave to each image, as text; empty where none was kept."""
    told = next((each.predictions.labels for each in row.measurements if each.predictions), "")
    return told.split() if " " in told else told


def host_of(run: Run) -> str:
    """Return what the machine of a run is called in a sentence."""
    return run.host_name or "the machine that it was started on"
