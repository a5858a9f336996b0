"""files -> numbers: measure every artifact on every runtime that opens it."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from fmnist_edge import __version__, dataset, runtimes
from fmnist_edge.artifact import utc_now
from fmnist_edge.bench.energy import measure_energy
from fmnist_edge.bench.evidence import Evidence
from fmnist_edge.bench.execute import Asking, Supplies, Taken, execute
from fmnist_edge.bench.messages import Job
from fmnist_edge.bench.own_data import OwnImages, read_own_data
from fmnist_edge.bench.plan import Plan
from fmnist_edge.bench.processes import Worker
from fmnist_edge.bench.summary import summarize
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.errors import UsageError
from fmnist_edge.host.disk import installed_bytes
from fmnist_edge.host.energy import find_meter
from fmnist_edge.host.facts import facts
from fmnist_edge.host.health import Health
from fmnist_edge.host.process import footprint
from fmnist_edge.pipeline.provenance import git_revision, made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.result import Case, Energy, Reading, Run, Settings

__all__ = ["BenchRequest", "bench", "worker_command"]

WORKER: Final = (sys.executable, "-m", "fmnist_edge.worker")
# A package's name and its distribution's differ by the dash alone.
_DISTRIBUTIONS: Final[Mapping[str, str]] = {
    name: module.PACKAGE.replace("_", "-")
    for name, module in runtimes.RUNTIMES.items()
    if module.PACKAGE
}
# What covers a CPU; a meter of a graphics card would tell of its idling.
_CPU_METERS: Final = ("RAPL", "Raspberry Pi PMIC")


def worker_command(_: Case) -> Sequence[str]:
    """What starts a measuring process, whatever it is to measure."""
    return WORKER


@dataclass(frozen=True)
class BenchRequest:
    """What to measure, and how.

    Args:
        plan: The cases.
        settings: The protocol.
        data_folder: Where the data set lies; None where no model needs it.
        own_data: The user's images in place of it.
        command: What starts a measuring process for a case.
    """

    plan: Plan
    settings: Settings
    data_folder: Path | None = None
    own_data: Path | None = None
    command: Callable[[Case], Sequence[str]] = worker_command


def bench(request: BenchRequest, progress: Progress = SILENT) -> Run:
    """Measure; whatever goes wrong with one row is told in that row.

    Raises:
        DatasetCorruptError: the test split is not the published one.
        UsageError: the user's data make no sense, or there are no such CPUs to pin to.
    """
    _check_pin(request.settings)
    begin = now()
    host = facts()
    own = read_own_data(request.own_data) if request.own_data is not None else None
    used = own is None and request.data_folder is not None
    supplies = Supplies(
        data_folder=str(request.data_folder) if used else None,
        own_data=str(request.own_data) if own is not None else None,
    )
    health = Health(gpu=False)  # every case runs on the CPU

    def look() -> Reading:
        return health.look((now() - begin) / NS_PER_SECOND)

    def launch(job: Job, tick: Callable[[], None]) -> AbstractContextManager[Asking]:
        return Worker(request.command(job.case), job, tick)

    meter, metering = find_meter(sources=_CPU_METERS)
    cases, settings = request.plan.cases, request.settings
    taken = execute(cases, settings, supplies, launch=launch, look=look, progress=progress)
    energy: dict[Case, Energy] = {}
    if settings.energy_seconds and meter is not None:
        sound = [case for case, each in zip(cases, taken, strict=True) if each.failure is None]
        energy = measure_energy(
            sound, settings, supplies, launch=launch, meter=meter, progress=progress
        )
    truths = _truths(request.data_folder if used else None, own)
    evidence = [
        _evidence(case, each, energy.get(case), truths)
        for case, each in zip(cases, taken, strict=True)
    ]
    names = {case.runtime for case in cases}
    return Run(
        created=utc_now(),
        version=__version__,
        revision=git_revision(),
        host=host,
        versions=made_with(tuple(dict.fromkeys(_DISTRIBUTIONS.values()))),
        installed_bytes=dict(_installed(names)),
        data_sha256=dataset.DATASET_SHA256 if used else "",
        own_data=own.record if own is not None else None,
        settings=settings,
        meter=metering,
        rows=(*summarize(evidence, host), *request.plan.failed),
        skipped=request.plan.skipped,
        wall_seconds=(now() - begin) / NS_PER_SECOND,
    )


def _check_pin(settings: Settings) -> None:
    """Say it once and now, and not in every row, that this machine has no such CPUs."""
    allowed = footprint().cpus
    missing = sorted(set(settings.pin) - set(settings.pin if allowed is None else allowed))
    if missing:
        raise UsageError(
            f"This process cannot have CPU {', '.join(map(str, missing))}.",
            hint=f"It may use CPU {', '.join(map(str, allowed or ()))}.",
        )


def _truths(folder: Path | None, own: OwnImages | None) -> Mapping[str, NDArray[Any]]:
    """Labels by the source of inputs."""
    if own is not None:
        return {} if own.labels is None else {"file": own.labels}
    return {} if folder is None else {"fashion-mnist": dataset.load_test(folder).labels}


def _evidence(
    case: Case, taken: Taken, energy: Energy | None, truths: Mapping[str, NDArray[Any]]
) -> Evidence:
    source = taken.measurements[0].inputs.source if taken.measurements else ""
    return Evidence(
        case=case,
        measurements=tuple(taken.measurements),
        readings=tuple(taken.readings),
        scores=taken.scores,
        energy=energy,
        failure=taken.failure,
        truth=truths.get(source),
    )


def _installed(names: set[str]) -> Iterator[tuple[str, int]]:
    for name in sorted(names & _DISTRIBUTIONS.keys()):
        size = installed_bytes(_DISTRIBUTIONS[name])
        if size is not None:
            yield name, size
