"""The plan of a benchmark: every model file on every runtime that opens it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final

from fmnist_edge.artifact import Artifact, Format, format_of, open_artifact
from fmnist_edge.bench.baseline import FIXED_NETWORK, NO_MODEL
from fmnist_edge.devices import CPU
from fmnist_edge.errors import FmnistEdgeError, HashMismatchError, UsageError
from fmnist_edge.optional import installed
from fmnist_edge.result import Case, Failure, Row, Run, Skipped, Subject
from fmnist_edge.session import DefaultUse, RuntimeModule

_NO_RUNTIME: Final = "-"
_BASELINE: Final = {"null": NO_MODEL, "numpy": FIXED_NETWORK}


@dataclass(frozen=True)
class Plan:
    """The rows that will be measured.

    Args:
        cases: What will be measured; the baseline is last.
        failed: Rows that have failed already, because their file cannot be read.
        skipped: What is left out, and why.
        foreign: Whether no file has a manifest, so that all come from other projects.
    """

    cases: tuple[Case, ...]
    failed: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    foreign: bool = False


@dataclass(frozen=True)
class Selection:
    """The runtimes to use, and their options.

    Args:
        runtimes: All runtimes, by name.
        named: Those that the user named; none means all whose default use is among `default_uses`.
        default_uses: The default uses of the runtimes to take when none is named.
        threads: Thread counts; each makes cases of its own on the CPU.
        batches: Numbers of images per inference; each makes cases of its own.
        devices: The devices to run on.
        usable: What to be content with: environment, runtime and device; None for all.
        fast_math: Whether other devices than the CPU may compute in a shorter type than that of
            the file.
        here: Whether to use the runtimes of this environment; those that every install has are
            always used.
        elsewhere: The runtimes that each other environment has, by its name.
    """

    runtimes: Mapping[str, RuntimeModule]
    named: Sequence[str] = ()
    default_uses: frozenset[DefaultUse] = frozenset({DefaultUse.ALWAYS})
    threads: Sequence[int] = (1,)
    batches: Sequence[int] = (1,)
    devices: Sequence[str] = (CPU,)
    usable: frozenset[tuple[str, str, str]] | None = None
    fast_math: bool = False
    here: bool = True
    elsewhere: Mapping[str, Collection[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = (*self.threads, *self.batches)
        if not self.threads or not self.batches or min(counts) < 1:
            raise UsageError("Thread counts and batch sizes start at 1.")

    def includes(self, name: str) -> bool:
        """Return whether the runtime called `name` is to be used on the files that it reads."""
        if self.named:
            return name in self.named
        return self.runtimes[name].DEFAULT_USE in self.default_uses

    def devices_of(self, name: str) -> Sequence[str]:
        """Return the devices to use the runtime called `name` on, in one environment at least."""
        return [
            device
            for device in self.devices
            if device in self.runtimes[name].DEVICES
            and any(self.is_usable(each, name, device) for each in ("", *self.elsewhere))
        ]

    def is_usable(self, environment: str, name: str, device: str) -> bool:
        """Return whether nothing is known against this environment, runtime and device."""
        return self.usable is None or (environment, name, device) in self.usable

    def environments_of(self, name: str) -> Iterator[str]:
        """Yield the environments that have the runtime called `name`; "" is this one."""
        module = self.runtimes[name]
        if (self.here or not module.EXTRA) and (not module.PACKAGE or installed(module.PACKAGE)):
            yield ""
        yield from (each for each, present in self.elsewhere.items() if name in present)

    def batches_of(self, fixed: int | None, device: str) -> Sequence[int]:
        """Return the batch sizes to measure a file at.

        A file that is made for one of several batch sizes leaves the others to other files. On the
        CPU, one that is made for a single image can often be resized, and is tried at all of them.
        """
        if fixed is None or fixed not in self.batches or (fixed == 1 and device == CPU):
            return self.batches
        return (fixed,)

    def cases(self, subject: Subject, name: str, fixed: int | None = None) -> Iterator[Case]:
        """Yield the cases of one file on one runtime.

        Args:
            subject: The file.
            name: The runtime.
            fixed: Images per call that the file is made for; None where it takes any number, or
                nothing tells.
        """
        for device, environment in product(self.devices_of(name), self.environments_of(name)):
            if not self.is_usable(environment, name, device):
                continue
            # How many threads feed another device matters little.
            counts = self.threads if device == CPU else self.threads[:1]
            fast_math = self.fast_math and device != CPU
            for count, batch in product(counts, self.batches_of(fixed, device)):
                yield Case(subject, name, device, count, batch, fast_math, environment)


def make_plan(paths: Sequence[Path], wanted: Selection, *, once: bool = False) -> Plan:
    """Pair files and runtimes by the formats that the runtimes declare.

    Args:
        paths: Model files.
        wanted: The runtimes to use, and their options.
        once: Whether a file that is there under several names is measured under the first only.
    """
    first: dict[tuple[str | None, Format | None], str] = {}
    cases: list[Case] = []
    failed: list[Row] = []
    skipped: list[Skipped] = []
    known = False
    for path in paths:
        try:
            artifact = open_artifact(path)
        except FmnistEdgeError as error:
            broken = Case(_unreadable(path), _NO_RUNTIME, CPU, wanted.threads[0], wanted.batches[0])
            failed.append(Row(broken, failure=failure_of(error)))
            continue
        subject, fixed = Subject.of(artifact), _fixed_batch(artifact)
        known = known or artifact.manifest is not None
        path_of_same = first.setdefault((subject.sha256, subject.format), subject.path)
        if once and path_of_same != subject.path:
            skipped.append(Skipped(subject.path, None, "same-file", {"path": path_of_same}))
            continue
        skipped += _skipped(subject, wanted)
        own = [
            case
            for name, _ in _able(subject, wanted)
            if wanted.includes(name)
            for case in wanted.cases(subject, name, fixed)
        ]
        if fixed is not None and {case.batch for case in own} == {fixed} < {*wanted.batches}:
            skipped.append(Skipped(subject.path, None, "other-batches", {"batch": fixed}))
        cases += own
    baseline = [
        Case(subject, name, CPU, wanted.threads[0], batch)
        for batch in wanted.batches
        for name, subject in _BASELINE.items()
        if name in wanted.runtimes and cases
    ]
    return Plan((*cases, *baseline), tuple(failed), tuple(skipped), foreign=not known)


def repeat_plan(run: Run) -> Plan:
    """Return the plan of an earlier result, for the very same files.

    Raises:
        FmnistEdgeError: A file is gone, or is not the one that was measured.
    """
    known = False
    for case in run.rows:
        subject = case.case.subject
        if subject.sha256 is None:
            continue
        found = open_artifact(Path(subject.path))
        known = known or found.manifest is not None
        if found.sha256 != subject.sha256:
            raise HashMismatchError(
                f"{subject.path} is not the file that was measured (its SHA-256 differs).",
                hint="Restore that file, or make a new measurement with: fmnist-edge bench",
            )
    cases = [row.case for row in run.rows if row.case.runtime != _NO_RUNTIME]
    return Plan(tuple(cases), (), run.skipped, foreign=not known)


def _fixed_batch(artifact: Artifact) -> int | None:
    """Return the images per call that a file is made for; None for any, or where nothing tells."""
    return artifact.manifest.input.shape[0] if artifact.manifest else None


def _unreadable(path: Path) -> Subject:
    try:
        kind = format_of(path)
    except FmnistEdgeError:
        kind = None
    return Subject(str(path), kind, None, None, None)


def _able(subject: Subject, wanted: Selection) -> Iterator[tuple[str, RuntimeModule]]:
    """Yield the runtimes that open such files."""
    for name, module in wanted.runtimes.items():
        if module.READS_MODEL and subject.format in module.FORMATS:
            yield name, module


def _skipped(subject: Subject, wanted: Selection) -> Iterator[Skipped]:
    able = dict(_able(subject, wanted))
    called = [name for name in able if wanted.includes(name)]
    if not able or (wanted.named and not called):
        used = [name for name in wanted.runtimes if wanted.includes(name)]
        values = {"format": str(subject.format), "runtimes": ", ".join(used)}
        yield Skipped(subject.path, None, "no-runtime", values)
        return
    yield from _without_device(subject, called, wanted)
    yield from _without_environment(subject, called, wanted)
    for name, module in able.items():
        too_slow = not wanted.named and module.DEFAULT_USE is DefaultUse.SLOW_IMPORT
        present = bool(list(wanted.environments_of(name)))
        if not wanted.here and not present:
            continue  # of what an environment lacks, files are told that nothing in it opens
        if not present and (name in called or too_slow):
            yield Skipped(subject.path, name, "not-installed", {"extra": module.EXTRA})
        elif name not in called and too_slow:
            yield Skipped(subject.path, name, "slow-import")


def _without_device(
    subject: Subject, called: Sequence[str], wanted: Selection
) -> Iterator[Skipped]:
    """Yield a line for each device that no runtime in use can run the file on."""
    for device in wanted.devices if called else ():
        if not any(device in wanted.devices_of(name) for name in called):
            values = {"device": device, "runtimes": ", ".join(called)}
            yield Skipped(subject.path, None, "no-device", values)


def _without_environment(
    subject: Subject, called: Sequence[str], wanted: Selection
) -> Iterator[Skipped]:
    """Yield a line for a file that nothing in the environments in use opens."""
    if not wanted.here and not any(list(wanted.environments_of(name)) for name in called):
        values = {"environments": ", ".join(wanted.elsewhere), "runtimes": ", ".join(called)}
        yield Skipped(subject.path, None, "no-environment", values)


def failure_of(error: FmnistEdgeError) -> Failure:
    """Return an error as part of a result."""
    return Failure(type(error).__name__, error.message, error.hint)
