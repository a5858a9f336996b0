"""Model files to numbers: open every file once, measure, and make the result."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray

from fmnist_edge import __version__, dataset, runtimes
from fmnist_edge.artifact import utc_now
from fmnist_edge.bench import preparation
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.bench.energy import measure_energy
from fmnist_edge.bench.rounds import Launch, WorkerHandle, run_rounds
from fmnist_edge.bench.rows import make_rows
from fmnist_edge.bench.sustained import measure_sustained
from fmnist_edge.bench.wire import Job
from fmnist_edge.bench.worker_process import Worker
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.errors import (
    DeviceUnavailableError,
    UsageError,
)
from fmnist_edge.host.disk import installed_bytes
from fmnist_edge.host.energy import Meter, find_gpu_meter, find_meter
from fmnist_edge.host.facts import facts
from fmnist_edge.host.health import Health
from fmnist_edge.host.process import footprint
from fmnist_edge.optional import providers_of
from fmnist_edge.pipeline.bench_request import BenchData, BenchRequest, told
from fmnist_edge.pipeline.provenance import git_revision, made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import replace
from fmnist_edge.result import (
    NVIDIA,
    Case,
    Failure,
    Reading,
    Row,
    Run,
    Settings,
    Skipped,
    Sustained,
    drivers_of,
)


@dataclass(frozen=True)
class Expected:
    """What a benchmark is going to take, as far as opening its files tells.

    Args:
        seconds: About how long it takes.
        memory_bytes: Memory of the processes that live at the same time.
    """

    seconds: float
    memory_bytes: int


def prepare(request: BenchRequest, progress: Progress = SILENT) -> tuple[BenchRequest, Expected]:
    """Open every file once on every runtime, before anything is measured.

    Returns:
        The request without the cases that cannot be opened (they have failed already), with no more
        processes at the same time than there is memory for; and what it is going to take.

    Raises:
        UsageError: The CPUs to pin to do not exist.
    """
    _check_pin(request.settings)
    plan, settings = request.plan, request.settings
    prepared = preparation.prepare(
        plan.cases,
        settings,
        request.data.paths,
        launch=_launcher(request),
        at_once=os.cpu_count() or 1,
        progress=progress,
    )
    failed = {each.case: each.failure for each in prepared if each.failure is not None}
    sound = [each for each in prepared if each.case not in failed]
    skipped = tuple(_skipped(failed, [each.case for each in sound]))
    if all(each.case.subject.is_baseline for each in sound):
        sound = []  # a baseline of nothing
    available = Health().look(0.0).available_bytes
    settings = replace(
        settings, together=preparation.fitting(sound, available, at_most=settings.together)
    )
    own = request.data.own
    expected = Expected(
        preparation.expected_seconds(
            sound, settings, len(own.images) if own is not None else dataset.TEST_FILES[0].dims[0]
        ),
        preparation.memory_bytes(sound, settings.together),
    )
    for case, _ in skipped:
        del failed[case]
    rows = [Row(case, failure=failure) for case, failure in failed.items()]
    plan = replace(
        plan,
        cases=tuple(each.case for each in sound),
        failed=(*plan.failed, *rows),
        skipped=(*plan.skipped, *(each for _, each in skipped)),
    )
    return replace(request, plan=plan, settings=settings), expected


def _skipped(
    failed: Mapping[Case, Failure], sound: Sequence[Case]
) -> Iterator[tuple[Case, Skipped]]:
    """Yield the failed cases whose device the runtime has in another environment of this run."""
    names = {replace(case, environment=""): case.environment for case in sound}
    for case, failure in failed.items():
        other = names.get(replace(case, environment=""))
        if other is not None and failure.kind == DeviceUnavailableError.__name__:
            values = {"device": case.device, "environment": other or "."}
            yield case, Skipped(case.subject.path, case.runtime, "other-environment", values)


def bench(
    request: BenchRequest,
    progress: Progress = SILENT,
    keep: Callable[[Run], None] = lambda _: None,
) -> Run:
    """Measure all cases; a failure of one becomes its row.

    Args:
        request: What to measure, and how.
        progress: Told of every command to a worker.
        keep: Called after each round, and in the course of a sustained load, with what is known by
            then.

    Raises:
        DatasetCorruptError: The test split is not the published one.
        UsageError: The CPUs to pin to do not exist.
    """
    _check_pin(request.settings)
    begin = now()
    host, distributions = facts(), _distributions()
    settings, data = request.settings, request.data
    found = _begun(request)
    truth = _labels(data)
    meter, metering = find_meter()
    on_nvidia = any(map(_is_nvidia, request.plan.cases))
    gpu_meter, gpu_metering = find_gpu_meter() if on_nvidia else (None, None)
    health = Health(devices={case.device for case in request.plan.cases})
    launch = _launcher(request)

    def probe() -> Reading:
        return health.look((now() - begin) / NS_PER_SECOND)

    def meter_of(case: Case) -> Meter | None:
        return gpu_meter if _is_nvidia(case) else meter

    def result(rounds: int) -> Run:
        for each in found:
            if each.measurements:
                each.truth = truth.get(each.measurements[0].inputs.source)
        return Run(
            created=utc_now(),
            version=__version__,
            revision=git_revision(),
            host=host,
            versions=made_with(tuple(dict.fromkeys(distributions.values()))),
            installed_bytes=dict(_installed({each.case.runtime for each in found}, distributions)),
            data_sha256=dataset.DATASET_SHA256 if data.paths.test_split is not None else "",
            own_data=data.own.record if data.own is not None else None,
            settings=settings,
            rounds=rounds,
            meter=metering,
            gpu_meter=gpu_metering,
            rows=(*make_rows(found, host), *request.plan.failed),
            skipped=request.plan.skipped,
            wall_seconds=(now() - begin) / NS_PER_SECOND + _wall_seconds(request.begun),
            environments={name: told(each) for name, each in request.environments.items()},
            host_name=request.host_name,
        )

    with TemporaryDirectory(prefix="fmnist-edge-kernels-") as caches:
        run_rounds(
            found,
            settings,
            data.paths,
            launch=launch,
            probe=probe,
            progress=progress,
            caches=Path(caches),
            done=request.begun.rounds if request.begun is not None else 0,
            keep=lambda rounds: keep(result(rounds)),
        )
    if settings.energy_seconds and (meter or gpu_meter):
        _measure_energy(request, found, launch, meter_of, progress)

    def keep_loads(loads: Mapping[Case, Sustained]) -> None:
        for each in found:
            each.sustained = loads.get(each.case)
        keep(result(settings.processes))

    if settings.sustain_seconds:
        measure_sustained(
            _to_load(found),
            settings,
            data.paths,
            launch=launch,
            probe=probe,
            begin_ns=begin,
            progress=progress,
            keep=keep_loads,
        )
    return result(settings.processes)


def _measure_energy(
    request: BenchRequest,
    found: Sequence[CaseData],
    launch: Launch,
    meter_of: Callable[[Case], Meter | None],
    progress: Progress,
) -> None:
    """Measure the energy of the sound cases; what an earlier run has measured stays."""
    energy = measure_energy(
        [each.case for each in found if each.failure is None and each.energy is None],
        request.settings,
        request.data.paths,
        launch=launch,
        meter_of=meter_of,
        progress=progress,
    )
    for each in found:
        each.energy = energy.get(each.case, each.energy)


def _to_load(found: Sequence[CaseData]) -> Sequence[Case]:
    """Return the sound cases; the baseline is no file that anybody ships."""
    sound = [each.case for each in found if each.failure is None]
    return [case for case in sound if not case.subject.is_baseline]


def _is_nvidia(case: Case) -> bool:
    return drivers_of(case.device) == (NVIDIA,)


def _launcher(request: BenchRequest) -> Launch:
    def launch(job: Job, tick: Callable[[], None]) -> AbstractContextManager[WorkerHandle]:
        return Worker(request.command(job.case), job, tick)

    return launch


def _begun(request: BenchRequest) -> list[CaseData]:
    """Return the cases with what an earlier run has measured of them."""
    rows = {row.case: row for row in request.begun.rows} if request.begun is not None else {}
    return [
        CaseData(
            case,
            list(rows[case].measurements),
            list(rows[case].readings),
            energy=rows[case].energy,
        )
        if case in rows
        else CaseData(case)
        for case in request.plan.cases
    ]


def _wall_seconds(begun: Run | None) -> float:
    return begun.wall_seconds if begun is not None else 0.0


def _check_pin(settings: Settings) -> None:
    """Refuse CPUs that this machine does not have, once and not in every row."""
    allowed = footprint().cpus
    missing = sorted(set(settings.pin) - set(settings.pin if allowed is None else allowed))
    if missing:
        raise UsageError(
            f"This process cannot have CPU {', '.join(map(str, missing))}.",
            hint=f"It may use CPU {', '.join(map(str, allowed or ()))}.",
        )


def _labels(data: BenchData) -> dict[str, NDArray[Any]]:
    """Return the labels of the images that are available, by the source of the images."""
    labels: dict[str, NDArray[Any]] = {}
    if data.own is not None and data.own.labels is not None:
        labels["file"] = data.own.labels
    if data.paths.test_split is not None:
        labels["fashion-mnist"] = dataset.load_test(Path(data.paths.test_split)).labels
    return labels


def _distributions() -> Mapping[str, str]:
    """Return the distribution that brought the package of each runtime, by the runtime."""
    packages = {
        name: module.PACKAGE for name, module in runtimes.RUNTIMES.items() if module.PACKAGE
    }
    found = providers_of(frozenset(packages.values()))
    return {name: found[package][0][0] for name, package in packages.items() if package in found}


def _installed(names: set[str], distributions: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for name in sorted(names & distributions.keys()):
        size = installed_bytes(distributions[name])
        if size is not None:
            yield name, size
