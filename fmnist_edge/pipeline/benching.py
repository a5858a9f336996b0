"""files -> numbers: measure every artifact on every runtime that opens it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from fmnist_edge import __version__, dataset, runtimes
from fmnist_edge.artifact import find_manifests, utc_now
from fmnist_edge.bench.execute import execute
from fmnist_edge.bench.plan import make_plan
from fmnist_edge.bench.processes import run_worker
from fmnist_edge.errors import ArtifactNotFoundError
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.result import Run, Settings
from fmnist_edge.session import RuntimeModule

__all__ = ["WORKER", "BenchRequest", "bench", "model_files"]

WORKER: Final = (sys.executable, "-m", "fmnist_edge.worker")
# A package's name and its distribution's differ by the dash alone.
_VERSIONS_OF: Final = tuple(
    dict.fromkeys(
        module.PACKAGE.replace("_", "-") for module in runtimes.RUNTIMES.values() if module.PACKAGE
    )
)


@dataclass(frozen=True)
class BenchRequest:
    """What to measure, and how.

    Args:
        files: Model files.
        settings: The protocol.
        runtimes: Names of the runtimes to use; all where none is named.
        threads: Thread counts; each makes rows of its own.
        batch: Images per inference.
        worker: The command that starts a measuring process.
    """

    files: tuple[Path, ...]
    settings: Settings
    runtimes: tuple[str, ...] = ()
    threads: tuple[int, ...] = (1,)
    batch: int = 1
    worker: tuple[str, ...] = WORKER


def model_files(paths: Sequence[Path], artifacts: Path) -> tuple[Path, ...]:
    """The model files meant by `paths` (folders stand for what is in them).

    Args:
        paths: Files and folders; none means `artifacts`.
        artifacts: The folder of artifacts.

    Raises:
        ArtifactNotFoundError: a path does not exist, or there is nothing to measure.
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


def bench(request: BenchRequest, data_folder: Path, progress: Progress = SILENT) -> Run:
    """Measure; whatever goes wrong with one row is told in that row.

    Raises:
        DatasetCorruptError: the test split is not the published one.
        UsageError: an unknown runtime, or a thread count or batch size below 1.
    """
    chosen = _chosen(request.runtimes)
    plan = make_plan(request.files, chosen, threads=request.threads, batch=request.batch)
    host = facts()
    rows = execute(
        plan,
        request.settings,
        data_folder=data_folder,
        truth=dataset.load_test(data_folder).labels,
        launch=partial(run_worker, request.worker),
        progress=progress,
    )
    return Run(
        created=utc_now(),
        version=__version__,
        host=host,
        versions=made_with(_VERSIONS_OF),
        data_sha256=dataset.DATASET_SHA256,
        settings=request.settings,
        rows=rows,
        skipped=plan.skipped,
    )


def _chosen(names: Sequence[str]) -> Mapping[str, RuntimeModule]:
    return {name: runtimes.get(name) for name in names or tuple(runtimes.RUNTIMES)}
