"""What will be measured: every model file on every runtime that opens it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge.artifact import format_of, open_artifact
from fmnist_edge.errors import FmnistEdgeError, UsageError
from fmnist_edge.optional import installed
from fmnist_edge.result import Case, Failure, Row, Skipped, Subject
from fmnist_edge.session import RuntimeModule

__all__ = ["NO_MODEL", "Plan", "failed_row", "failure_of", "make_plan"]

NO_RUNTIME: Final = "-"
NO_MODEL: Final = Subject("(no model)", None, None, None, None)


@dataclass(frozen=True)
class Plan:
    """The rows to come.

    Args:
        cases: What will be measured.
        failed: Rows that have failed already, because their file makes no sense.
        skipped: What is left out, and why.
    """

    cases: tuple[Case, ...]
    failed: tuple[Row, ...]
    skipped: tuple[Skipped, ...]


def make_plan(
    paths: Sequence[Path],
    runtimes: Mapping[str, RuntimeModule],
    *,
    threads: Sequence[int] = (1,),
    batch: int = 1,
) -> Plan:
    """Pair files and runtimes by the formats the runtimes declare.

    Args:
        paths: Model files.
        runtimes: The runtimes to use, by name.
        threads: Thread counts; each makes a case of its own.
        batch: Images per inference.

    Raises:
        UsageError: a thread count or batch size below 1.
    """
    if batch < 1 or not threads or min(threads) < 1:
        raise UsageError("Thread counts and batch sizes start at 1.")
    cases: list[Case] = []
    failed: list[Row] = []
    skipped: list[Skipped] = []
    for path in paths:
        try:
            subject = _inspect(path)
        except FmnistEdgeError as error:
            broken = Case(_unreadable(path), NO_RUNTIME, "cpu", threads[0], batch)
            failed.append(failed_row(broken, failure_of(error)))
            continue
        skipped += _skipped(subject, runtimes)
        cases += [
            Case(subject, name, "cpu", count, batch)
            for name in _readers(subject, runtimes)
            for count in threads
        ]
    # Runtimes that read no model are measured once: what the harness itself costs.
    floor = [
        Case(NO_MODEL, name, "cpu", threads[0], batch)
        for name, module in runtimes.items()
        if not module.READS_MODEL
    ]
    return Plan((*cases, *floor), tuple(failed), tuple(skipped))


def _inspect(path: Path) -> Subject:
    artifact = open_artifact(path)
    precision = artifact.manifest.precision if artifact.manifest else None
    return Subject(str(path), artifact.format, precision, artifact.sha256, artifact.size_bytes)


def _unreadable(path: Path) -> Subject:
    try:
        kind = format_of(path)
    except FmnistEdgeError:
        kind = None
    return Subject(str(path), kind, None, None, None)


def _readers(subject: Subject, runtimes: Mapping[str, RuntimeModule]) -> Iterator[str]:
    for name, module in runtimes.items():
        if _reads(module, subject) and _present(module):
            yield name


def _reads(module: RuntimeModule, subject: Subject) -> bool:
    return module.READS_MODEL and subject.format in module.FORMATS


def _present(module: RuntimeModule) -> bool:
    return not module.PACKAGE or installed(module.PACKAGE)


def _skipped(subject: Subject, runtimes: Mapping[str, RuntimeModule]) -> Iterator[Skipped]:
    able = {name: runtimes[name] for name in runtimes if _reads(runtimes[name], subject)}
    if not able:
        yield Skipped(
            subject.path,
            f"none of the runtimes in use ({', '.join(runtimes)}) opens {subject.format} files",
            "fmnist-edge export makes files that they open.",
        )
    for name, module in able.items():
        if not _present(module):
            yield Skipped(
                f"{subject.path} on {name}",
                f"{name} is not installed",
                f"Install it with: pip install 'fmnist-edge[{module.EXTRA}]'",
            )


def failure_of(error: FmnistEdgeError) -> Failure:
    """An error as part of a result."""
    return Failure(type(error).__name__, error.message, error.hint)


def failed_row(case: Case, failure: Failure) -> Row:
    """A row that says what went wrong."""
    return Row(case, (), None, None, None, failure)
