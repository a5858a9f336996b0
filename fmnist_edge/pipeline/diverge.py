"""Two answers to the same images: which labels change, how far scores move, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import open_artifact
from fmnist_edge.divergence import Compared, Divergence, judge
from fmnist_edge.errors import DatasetNotFoundError, NotComparableError, UsageError
from fmnist_edge.pipeline import images
from fmnist_edge.pipeline.answering import RunOptions, runtime_name
from fmnist_edge.pipeline.diverge_answers import compare_results, compare_score_files
from fmnist_edge.pipeline.diverge_models import compare_models
from fmnist_edge.pipeline.images import read_images
from fmnist_edge.pipeline.sources import locate_data, one_model
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.result import read_run
from fmnist_edge.score_file import SUFFIX, is_score_file, read_score_file

Kind = Literal["model", "scores", "result"]
MOST_CHANGES: Final = 20
_AT: Final = "@"
_KINDS: Final[Mapping[Kind, str]] = MappingProxyType(
    {"model": "a model file", "scores": "a score file", "result": "a result"}
)


@dataclass(frozen=True)
class Operand:
    """One of the two that are compared, as the user names it.

    Args:
        path: A model file, a score file or a result.
        runtime: The runtime of a model file; None for the first installed one that opens it.
        kind: Which of the three it is.
    """

    path: Path
    runtime: str | None
    kind: Kind


@dataclass(frozen=True)
class DivergeRequest:
    """What to compare, and how.

    Args:
        a: The first.
        b: The second, of the same kind.
        images: A file of images for two models; None for the test split.
        threads: Threads of one inference.
        at_most: How many changed images are kept.
    """

    a: Operand
    b: Operand
    images: Path | None = None
    threads: int = 1
    at_most: int = MOST_CHANGES


def operand(text: str) -> Operand:
    """Return what the user names: `FILE` or `FILE@RUNTIME`.

    Raises:
        UsageError: A runtime is named for what is no model file.
    """
    path, runtime = Path(text), None
    before, at, after = text.rpartition(_AT)
    if at and after in runtimes.RUNTIMES and not path.exists():
        path, runtime = Path(before), after
    kind = _kind(path)
    if runtime is not None and kind != "model":
        raise UsageError(
            f"{path} holds answers, and no runtime runs it again.", hint=f"Leave out @{runtime}."
        )
    return Operand(one_model(path) if kind == "model" else path, runtime, kind)


def _kind(path: Path) -> Kind:
    if path.suffix == ".json":
        return "result"
    is_scores = path.suffix == SUFFIX and path.is_file() and is_score_file(path.read_bytes())
    return "scores" if is_scores else "model"


def data_folder(
    request: DivergeRequest, named: Path | None, progress: Progress = SILENT
) -> Path | None:
    """Return where the data set lies; None where it is not read.

    Of two results only the true labels are read, and where these are nowhere, it goes without.

    Raises:
        DatasetNotFoundError: Two models need the test images, which are nowhere.
        DatasetCorruptError: A file is not the published one.
    """
    if request.a.kind != request.b.kind or request.a.kind == "scores":
        return None
    models = request.a.kind == "model"
    files = images.files_needed(request.images) if models else dataset.TEST_FILES
    if not files:
        return None
    paths = [request.a.path, request.b.path] if models else []
    try:
        return locate_data(paths, named, files=files, progress=progress).path
    except DatasetNotFoundError:
        if models:
            raise
        return None


def diverge(
    request: DivergeRequest, data_folder: Path | None, progress: Progress = SILENT
) -> tuple[Divergence, ...]:
    """Compare two answers; of two results, those of every case that is in both.

    Raises:
        NotComparableError: The two are of different kinds, or have no images or cases in common.
        FmnistEdgeError: A file cannot be read, or a model cannot be run.
    """
    if request.a.kind != request.b.kind:
        raise NotComparableError(
            f"{request.a.path} is {_KINDS[request.a.kind]} and {request.b.path} is "
            f"{_KINDS[request.b.kind]}.",
            hint="Compare two model files, two score files or two results.",
        )
    if request.images is not None and request.a.kind != "model":
        raise UsageError(
            "Images are given, and both files hold answers already.", hint="Leave out --images."
        )
    found = _COMPARE[request.a.kind](request, data_folder, progress)
    return tuple(judge(each, request.at_most) for each in found)


def _models(
    request: DivergeRequest, data_folder: Path | None, progress: Progress
) -> tuple[Compared, ...]:
    operands = request.a, request.b
    artifacts = [open_artifact(each.path) for each in operands]
    options = [
        RunOptions(runtime_name(artifact, each.runtime), request.threads)
        for artifact, each in zip(artifacts, operands, strict=True)
    ]
    given = read_images(request.images, data_folder)
    return (compare_models(artifacts, options, given, progress),)


def _score_files(request: DivergeRequest, _: Path | None, __: Progress) -> tuple[Compared, ...]:
    return (compare_score_files(*(read_score_file(each.path) for each in (request.a, request.b))),)


def _results(
    request: DivergeRequest, data_folder: Path | None, _: Progress
) -> tuple[Compared, ...]:
    return compare_results(read_run(request.a.path), read_run(request.b.path), data_folder)


_Compare = Callable[[DivergeRequest, Path | None, Progress], tuple[Compared, ...]]
_COMPARE: Final[Mapping[Kind, _Compare]] = MappingProxyType(
    {"model": _models, "scores": _score_files, "result": _results}
)
