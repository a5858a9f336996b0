"""What a benchmark is to measure: model files, runtimes, protocol and images."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fmnist_edge import dataset, runtimes
from fmnist_edge.bench.inputs import OwnImages, read_own_data
from fmnist_edge.bench.plan import Plan, Selection, make_plan, repeat_plan
from fmnist_edge.bench.protocols import SHORT
from fmnist_edge.bench.wire import DataPaths
from fmnist_edge.devices import CPU, DEVICES
from fmnist_edge.environments import ALONE, HERE, Environment
from fmnist_edge.errors import (
    DatasetNotFoundError,
    HashMismatchError,
    UsageError,
)
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.devices import Usable
from fmnist_edge.pipeline.environments import find_environments
from fmnist_edge.pipeline.sources import check_unpacked, locate_data
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import replace
from fmnist_edge.result import Case, OtherEnvironment, Run, Settings, read_run
from fmnist_edge.session import DefaultUse
from fmnist_edge.tables import look_up

_MODULE: Final = "fmnist_edge.worker"
WORKER: Final = (sys.executable, "-m", _MODULE)
# Facts that differ between two machines.
_MACHINE: Final = ("cpu", "model", "cores")
# The part of a sustained load that is there where it came to its end; windows may be left out.
_WHOLE_LOAD: Final = 0.9


def worker_command(_: Case) -> Sequence[str]:
    """Return the command that starts a measuring process, whatever it measures."""
    return WORKER


def worker_commands(environments: Mapping[str, Environment]) -> Callable[[Case], Sequence[str]]:
    """Return what gives the command for a case: the interpreter of its environment starts it.

    Args:
        environments: The other environments, by name.
    """
    others = {
        name: (str(each.python), *ALONE, "-m", _MODULE) for name, each in environments.items()
    }
    return lambda case: others[case.environment] if case.environment else WORKER


@dataclass(frozen=True)
class BenchData:
    """The images of a run.

    Args:
        paths: Where the workers read them.
        own: The user's images, read once; None where there are none.
    """

    paths: DataPaths = field(default_factory=DataPaths)
    own: OwnImages | None = None


@dataclass(frozen=True)
class BenchRequest:
    """What to measure, and how.

    Args:
        plan: The cases.
        settings: The protocol.
        data: The images, as `find_data` returns them.
        command: Returns the command that starts a measuring process for a case.
        begun: An earlier run of the same benchmark that was interrupted; None for a new one.
        own_data: The user's images, which `find_data` reads; None for the data set.
        environments: The other environments that cases are measured in, by name.
        host_name: What the user calls this machine who measures on it from another one; empty where
            the benchmark was started here.
    """

    plan: Plan
    settings: Settings
    data: BenchData = field(default_factory=BenchData)
    command: Callable[[Case], Sequence[str]] = worker_command
    begun: Run | None = None
    own_data: Path | None = None
    environments: Mapping[str, Environment] = field(default_factory=dict)
    host_name: str = ""


def plan(  # noqa: PLR0913 - each is one independent wish
    files: Sequence[Path],
    settings: Settings,
    *,
    runtimes_named: Sequence[str] = (),
    threads: Sequence[int] = (1,),
    batches: Sequence[int] = (1,),
    devices: Sequence[str] = (CPU,),
    usable: Usable | None = None,
    fast_math: bool = False,
    native: bool = False,
    environments: Mapping[str, Environment] | None = None,
) -> Plan:
    """Return the cases of a run.

    Args:
        files: Model files.
        settings: The protocol; a short one leaves out runtimes that are slow to import.
        runtimes_named: Runtimes to use; none means those that are used without being named.
        threads: Thread counts; each makes rows of its own.
        batches: Numbers of images per inference; each makes rows of its own.
        devices: The devices to run on.
        usable: What to be content with; None for all.
        fast_math: Whether other devices than the CPU may compute in a shorter type than that of
            the file.
        native: Whether to call runtimes from C, too.
        environments: The environments whose runtimes are used, by name; this one by default.

    Raises:
        UsageError: A runtime or a device is unknown, or a thread count or batch size is below 1.
    """
    for name in devices:
        look_up(DEVICES, name, "device")
    for name in runtimes_named:
        runtimes.get(name)
    if native:
        named = [f"{name}-native" for name in runtimes_named]
        runtimes_named = (*runtimes_named, *(each for each in named if each in runtimes.RUNTIMES))
    others = other_environments(environments or {})
    short = settings.protocol in SHORT
    default_uses = {DefaultUse.ALWAYS} if short else {DefaultUse.ALWAYS, DefaultUse.SLOW_IMPORT}
    wanted = Selection(
        runtimes.RUNTIMES,
        named=tuple(runtimes_named),
        default_uses=frozenset(default_uses | ({DefaultUse.ON_REQUEST} if native else set())),
        threads=threads,
        batches=batches,
        devices=tuple(dict.fromkeys(devices)),
        usable=usable,
        fast_math=fast_math,
        here=not environments or HERE in environments,
        elsewhere={name: each.description.runtimes for name, each in others.items()},
    )
    return make_plan(files, wanted, once=True)


def other_environments(environments: Mapping[str, Environment]) -> Mapping[str, Environment]:
    """Return the environments without the one that this program runs in."""
    return {name: each for name, each in environments.items() if name != HERE}


def replay(result: Path) -> BenchRequest:
    """Return the request that repeats the measurement of a result file.

    Raises:
        ResultUnreadableError: The file is damaged, or no result.
        ResultSchemaError: It has another schema.
        HashMismatchError: A model, or the user's data, is not what was measured.
        ArtifactNotFoundError: A model is gone.
        EnvironmentNotFoundError: An environment is gone.
        EnvironmentUnusableError: An environment cannot measure.
    """
    return _repeat(read_run(result))


def _repeat(run: Run) -> BenchRequest:
    data = Path(run.own_data.path) if run.own_data is not None else None
    if data is not None and read_own_data(data).record != run.own_data:
        raise HashMismatchError(
            f"{data} is not the file that was measured with (its SHA-256 differs).",
            hint="Restore that file, or make a new measurement with: fmnist-edge bench",
        )
    check_unpacked(Path(row.case.subject.path) for row in run.rows)
    chosen = repeat_plan(run)
    names = (case.environment for case in chosen.cases if case.environment)
    environments = find_environments(names)
    return BenchRequest(
        chosen,
        run.settings,
        command=worker_commands(environments),
        own_data=data,
        environments=environments,
    )


def resume(result: Path) -> BenchRequest:
    """Return what is left of a benchmark that was interrupted; its images are still to be found.

    Raises:
        ResultUnreadableError: The file is damaged, or no result.
        ResultSchemaError: It has another schema.
        HashMismatchError: A model, or the user's data, is not what was measured.
        ArtifactNotFoundError: A model is gone.
        UsageError: The benchmark is complete, or was begun on another machine, or with other
            packages in an environment.
        EnvironmentNotFoundError: An environment is gone.
        EnvironmentUnusableError: An environment cannot measure.
    """
    begun = read_run(result)
    if begun.rounds >= begun.settings.processes and _is_loaded(begun):
        raise UsageError(
            f"{result} is complete: nothing is left to measure.",
            hint=f"Repeat the measurement with: fmnist-edge bench --replay {result}",
        )
    here = facts()
    if any(begun.host.get(name) != here.get(name) for name in _MACHINE):
        raise UsageError(
            f"{result} was begun on another machine ({begun.host.get('cpu')}).",
            hint=f"Measure anew here with: fmnist-edge bench --replay {result}",
        )
    request = _repeat(begun)
    for name, each in request.environments.items():
        if told(each) != begun.environments.get(name):
            raise UsageError(
                f"The environment {name!r} holds other packages than when {result} was begun.",
                hint=f"Measure anew with: fmnist-edge bench --replay {result}",
            )
    failed = tuple(row for row in begun.rows if row.failure is not None)
    gone = {row.case for row in failed}
    left = tuple(case for case in request.plan.cases if case not in gone)
    plan = replace(request.plan, cases=left, failed=failed)
    return replace(request, plan=plan, begun=begun, host_name=begun.host_name)


def _is_loaded(run: Run) -> bool:
    """Return whether each row that can be loaded has had its sustained load."""
    wanted = run.settings.sustain_seconds
    loaded = [
        row
        for row in run.rows
        if row.failure is None
        and not row.case.subject.is_baseline
        # Native code makes no paced calls.
        and not (run.settings.sustain_hz and row.paced is None)
    ]
    return not wanted or all(
        row.sustained is not None and row.sustained.seconds > _WHOLE_LOAD * wanted for row in loaded
    )


def told(environment: Environment) -> OtherEnvironment:
    """Return what a result tells of an environment."""
    known = environment.description
    libraries = known.runtimes.values()
    return OtherEnvironment(known.python, {each.distribution: each.version for each in libraries})


def find_data(
    request: BenchRequest, named: Path | None, progress: Progress = SILENT
) -> BenchRequest:
    """Return the request with the images for its models.

    Args:
        request: Models of other projects alone are measured without the data set, too. With the
            user's images the data set is not needed.
        named: A folder of the data set that the user names; models from a bundle are measured on
            the images that came with them otherwise.
        progress: Told of downloads.

    Raises:
        DatasetNotFoundError: The data set is nowhere, and a model of this project is measured.
        DatasetCorruptError: A file is not the published one.
        UsageError: The user's data cannot be used.
    """
    own = request.own_data
    if own is not None:
        data = BenchData(DataPaths(own_data=str(own)), read_own_data(own))
        return replace(request, data=data)
    models = [Path(case.subject.path) for case in request.plan.cases]
    try:
        folder = locate_data(models, named, files=dataset.TEST_FILES, progress=progress).path
    except DatasetNotFoundError:
        if request.plan.foreign and named is None:
            progress.say("Fashion-MNIST was not found; the models are measured on noise.")
            return request
        raise
    return replace(request, data=BenchData(DataPaths(test_split=str(folder))))
