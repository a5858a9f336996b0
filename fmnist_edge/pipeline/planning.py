"""What a benchmark is to measure: which files, on what, with which data."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import find_manifests
from fmnist_edge.bench.own_data import read_own_data
from fmnist_edge.bench.plan import Plan, Wanted, make_plan, repeat_plan
from fmnist_edge.bench.protocols import HURRIED
from fmnist_edge.errors import (
    ArtifactNotFoundError,
    DatasetNotFoundError,
    HashMismatchError,
)
from fmnist_edge.progress import Progress
from fmnist_edge.result import OwnData, Settings, read_run
from fmnist_edge.session import Occasion

__all__ = ["data_folder", "model_files", "plan", "replay"]


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


def plan(  # noqa: PLR0913 - each is one independent wish
    files: Sequence[Path],
    settings: Settings,
    *,
    runtimes_named: Sequence[str] = (),
    threads: Sequence[int] = (1,),
    batch: int = 1,
    native: bool = False,
) -> Plan:
    """The cases of a run.

    Args:
        files: Model files.
        settings: The protocol; one that must end soon leaves out runtimes that are slow to start.
        runtimes_named: Runtimes to use; none means those whose occasion it is.
        threads: Thread counts; each makes rows of its own.
        batch: Images per inference.
        native: Whether to call runtimes from C, too.

    Raises:
        UsageError: an unknown runtime, or a thread count or batch size below 1.
    """
    for name in runtimes_named:
        runtimes.get(name)
    hurried = settings.protocol in HURRIED
    occasions = {Occasion.ALWAYS} if hurried else {Occasion.ALWAYS, Occasion.UNHURRIED}
    wanted = Wanted(
        runtimes.RUNTIMES,
        named=tuple(runtimes_named),
        occasions=frozenset(occasions | ({Occasion.NAMED} if native else set())),
        threads=threads,
        batch=batch,
    )
    return make_plan(files, wanted)


def replay(result: Path) -> tuple[Plan, Settings, Path | None]:
    """What a result file measured: the plan, the protocol, and the user's data if there were any.

    Raises:
        ResultUnreadableError: the file is damaged, or no result.
        ResultSchemaError: it has another schema.
        HashMismatchError: a model or the user's data are not what was measured.
        ArtifactNotFoundError: a model is gone.
    """
    run = read_run(result)
    data = Path(run.own_data.path) if run.own_data is not None else None
    if run.own_data is not None:
        _check_same(run.own_data)
    return repeat_plan(run), run.settings, data


def _check_same(data: OwnData) -> None:
    if read_own_data(Path(data.path)).record.sha256 != data.sha256:
        raise HashMismatchError(
            f"{data.path} is not the file that was measured with (its SHA-256 differs).",
            hint="Bring that file back, or measure anew with: fmnist-edge bench",
        )


def data_folder(
    chosen: Plan, own_data: Path | None, named: Path | None, progress: Progress
) -> Path | None:
    """Where the data set lies, for models that take it.

    Args:
        chosen: The plan. A run of somebody else's models alone goes on without the data set.
        own_data: The user's images; with them the data set is not needed.
        named: A folder that the user names.
        progress: Told of downloads.

    Returns:
        None where it is not needed.

    Raises:
        DatasetNotFoundError: it is nowhere, and a model of ours is to be measured.
        DatasetCorruptError: a file is not the published one.
        UsageError: the user's data make no sense.
    """
    if own_data is not None:
        read_own_data(own_data)
        return None
    try:
        return dataset.locate(named, progress=progress).path
    except DatasetNotFoundError:
        if chosen.foreign and named is None:
            progress.say("Fashion-MNIST is nowhere to be found; the models are fed with noise.")
            return None
        raise
