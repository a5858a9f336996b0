"""Model files to numbers: choose what to measure, measure it, and make the result."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from fmnist_edge import __version__, dataset, runtimes
from fmnist_edge.artifact import find_manifests, utc_now
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.bench.energy import measure_energy
from fmnist_edge.bench.inputs import OwnImages, read_own_data
from fmnist_edge.bench.plan import Plan, Selection, make_plan, repeat_plan
from fmnist_edge.bench.protocols import SHORT
from fmnist_edge.bench.rounds import WorkerHandle, run_rounds
from fmnist_edge.bench.rows import make_rows
from fmnist_edge.bench.wire import DataPaths, Job
from fmnist_edge.bench.worker_process import Worker
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.errors import (
    ArtifactNotFoundError,
    DatasetNotFoundError,
    HashMismatchError,
    UsageError,
)
from fmnist_edge.host.disk import installed_bytes
from fmnist_edge.host.energy import find_meter
from fmnist_edge.host.facts import facts
from fmnist_edge.host.health import Health
from fmnist_edge.host.process import footprint
from fmnist_edge.pipeline.provenance import git_revision, made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.result import Case, Reading, Run, Settings, read_run
from fmnist_edge.session import DefaultUse

WORKER: Final = (sys.executable, "-m", "fmnist_edge.worker")
# The name of a package differs from that of its distribution by the dash alone.
_DISTRIBUTIONS: Final[Mapping[str, str]] = {
    name: module.PACKAGE.replace("_", "-")
    for name, module in runtimes.RUNTIMES.items()
    if module.PACKAGE
}


def worker_command(_: Case) -> Sequence[str]:
    """Return the command that starts a measuring process, whatever it measures."""
    return WORKER


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
    """

    plan: Plan
    settings: Settings
    data: BenchData = field(default_factory=BenchData)
    command: Callable[[Case], Sequence[str]] = worker_command


def model_files(paths: Sequence[Path], artifacts: Path) -> tuple[Path, ...]:
    """Return the model files meant by `paths`; a folder stands for what is in it.

    Args:
        paths: Files and folders; none means `artifacts`.
        artifacts: The folder of artifacts.

    Raises:
        ArtifactNotFoundError: A path does not exist, or there is nothing to measure.
    """
    found = tuple(dict.fromkeys(_expand(paths))) if paths else find_manifests(artifacts)
    if not found:
        where = ", ".join(map(str, paths or (artifacts,)))
        raise ArtifactNotFoundError(
            f"There are no artifacts in {where}.",
            hint="Make some with: fmnist-edge train && fmnist-edge export",
        )
    return found


def _expand(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from find_manifests(path)
        elif path.exists():
            yield path
        else:
            raise ArtifactNotFoundError(
                f"There is no {path}.",
                hint="Check the path; fmnist-edge train and fmnist-edge export make files.",
            )


def plan(  # noqa: PLR0913 - each is one independent wish
    files: Sequence[Path],
    settings: Settings,
    *,
    runtimes_named: Sequence[str] = (),
    threads: Sequence[int] = (1,),
    batch: int = 1,
    native: bool = False,
) -> Plan:
    """Return the cases of a run.

    Args:
        files: Model files.
        settings: The protocol; a short one leaves out runtimes that are slow to import.
        runtimes_named: Runtimes to use; none means those that are used without being named.
        threads: Thread counts; each makes rows of its own.
        batch: Images per inference.
        native: Whether to call runtimes from C, too.

    Raises:
        UsageError: A runtime is unknown, or a thread count or batch size is below 1.
    """
    for name in runtimes_named:
        runtimes.get(name)
    short = settings.protocol in SHORT
    default_uses = {DefaultUse.ALWAYS} if short else {DefaultUse.ALWAYS, DefaultUse.SLOW_IMPORT}
    wanted = Selection(
        runtimes.RUNTIMES,
        named=tuple(runtimes_named),
        default_uses=frozenset(default_uses | ({DefaultUse.ON_REQUEST} if native else set())),
        threads=threads,
        batch=batch,
    )
    return make_plan(files, wanted)


def replay(result: Path) -> tuple[Plan, Settings, Path | None]:
    """Return the plan and protocol of a result file, and the user's data if there were any.

    Raises:
        ResultUnreadableError: The file is damaged, or no result.
        ResultSchemaError: It has another schema.
        HashMismatchError: A model is not what was measured.
        ArtifactNotFoundError: A model is gone.
    """
    run = read_run(result)
    data = Path(run.own_data.path) if run.own_data is not None else None
    if run.own_data is not None and read_own_data(Path(run.own_data.path)).record != run.own_data:
        raise HashMismatchError(
            f"{data} is not the file that was measured with (its SHA-256 differs).",
            hint="Restore that file, or make a new measurement with: fmnist-edge bench",
        )
    return repeat_plan(run), run.settings, data


def find_data(
    chosen: Plan, own_data: Path | None, named: Path | None, progress: Progress = SILENT
) -> BenchData:
    """Find the images for a plan.

    Args:
        chosen: The plan. Models of other projects alone are measured without the data set, too.
        own_data: The user's images; with them the data set is not needed.
        named: A folder of the data set that the user names.
        progress: Told of downloads.

    Raises:
        DatasetNotFoundError: The data set is nowhere, and a model of this project is measured.
        DatasetCorruptError: A file is not the published one.
        UsageError: The user's data cannot be used.
    """
    if own_data is not None:
        return BenchData(DataPaths(own_data=str(own_data)), read_own_data(own_data))
    try:
        folder = dataset.locate(named, files=dataset.TEST_FILES, progress=progress).path
    except DatasetNotFoundError:
        if chosen.foreign and named is None:
            progress.say("Fashion-MNIST was not found; the models are measured on noise.")
            return BenchData()
        raise
    return BenchData(DataPaths(test_split=str(folder)))


def bench(request: BenchRequest, progress: Progress = SILENT) -> Run:
    """Measure all cases; a failure of one becomes its row.

    Raises:
        DatasetCorruptError: The test split is not the published one.
        UsageError: The CPUs to pin to do not exist.
    """
    _check_pin(request.settings)
    begin = now()
    host = facts()
    cases, settings, data = request.plan.cases, request.settings, request.data
    health = Health()

    def probe() -> Reading:
        return health.look((now() - begin) / NS_PER_SECOND)

    def launch(job: Job, tick: Callable[[], None]) -> AbstractContextManager[WorkerHandle]:
        return Worker(request.command(job.case), job, tick)

    meter, metering = find_meter()
    found = run_rounds(cases, settings, data.paths, launch=launch, probe=probe, progress=progress)
    if settings.energy_seconds and meter is not None:
        sound = [each.case for each in found if each.failure is None]
        energy = measure_energy(
            sound, settings, data.paths, launch=launch, meter=meter, progress=progress
        )
        for each in found:
            each.energy = energy.get(each.case)
    _add_truth(found, data)
    return Run(
        created=utc_now(),
        version=__version__,
        revision=git_revision(),
        host=host,
        versions=made_with(tuple(dict.fromkeys(_DISTRIBUTIONS.values()))),
        installed_bytes=dict(_installed({case.runtime for case in cases})),
        data_sha256=dataset.DATASET_SHA256 if data.paths.test_split is not None else "",
        own_data=data.own.record if data.own is not None else None,
        settings=settings,
        rounds=settings.processes,
        meter=metering,
        rows=(*make_rows(found, host), *request.plan.failed),
        skipped=request.plan.skipped,
        wall_seconds=(now() - begin) / NS_PER_SECOND,
    )


def _check_pin(settings: Settings) -> None:
    """Refuse CPUs that this machine does not have, once and not in every row."""
    allowed = footprint().cpus
    missing = sorted(set(settings.pin) - set(settings.pin if allowed is None else allowed))
    if missing:
        raise UsageError(
            f"This process cannot have CPU {', '.join(map(str, missing))}.",
            hint=f"It may use CPU {', '.join(map(str, allowed or ()))}.",
        )


def _add_truth(found: Sequence[CaseData], data: BenchData) -> None:
    """Give each case the labels of the images that it was measured with."""
    labels: dict[str, NDArray[Any]] = {}
    if data.own is not None and data.own.labels is not None:
        labels["file"] = data.own.labels
    if data.paths.test_split is not None:
        labels["fashion-mnist"] = dataset.load_test(Path(data.paths.test_split)).labels
    for each in found:
        if each.measurements:
            each.truth = labels.get(each.measurements[0].inputs.source)


def _installed(names: set[str]) -> Iterator[tuple[str, int]]:
    for name in sorted(names & _DISTRIBUTIONS.keys()):
        size = installed_bytes(_DISTRIBUTIONS[name])
        if size is not None:
            yield name, size
