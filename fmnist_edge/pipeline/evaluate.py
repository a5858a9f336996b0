"""Evaluating a model: its accuracy, calibration and mistakes on one split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from fmnist_edge import dataset, plots
from fmnist_edge.artifact import Artifact, open_artifact, refuse_to_replace
from fmnist_edge.evaluation import Answers, Evaluation, class_probabilities
from fmnist_edge.evaluation import evaluate as evaluate_answers
from fmnist_edge.evaluation.record import SplitName
from fmnist_edge.files import check_room
from fmnist_edge.pipeline.answering import (
    RunOptions,
    answer,
    check_fashion_classifier,
    runtime_name,
)
from fmnist_edge.plots import Figure
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.session import Images

WORST: Final = 20


@dataclass(frozen=True)
class EvaluateRequest:
    """Options of an evaluation.

    Args:
        artifact: The main file of a classifier, of any format.
        split: The split to evaluate on.
        runtime: Name of the runtime; None for the first installed one that opens the file.
        threads: Number of threads that one inference may use.
        batch: Images per inference; None for the batch size of the file.
        worst: Number of mistakes to list.
    """

    artifact: Path
    split: SplitName = "test"
    runtime: str | None = None
    threads: int = 1
    batch: int | None = None
    worst: int = WORST


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Result of an evaluation.

    Args:
        evaluation: The record, as it is stored.
        worst: uint8[K,28,28]; the images of the listed mistakes, in the order of the list.
    """

    evaluation: Evaluation
    worst: Images


_FIGURES: Final[Mapping[str, Callable[[Evaluated], Figure]]] = {
    "confusion": lambda done: plots.confusion_figure(done.evaluation),
    "reliability": lambda done: plots.reliability_figure(done.evaluation),
    "per-class": lambda done: plots.class_figure(done.evaluation),
    "worst": lambda done: plots.worst_figure(done.evaluation, done.worst),
}


def evaluate(request: EvaluateRequest, data_folder: Path, progress: Progress = SILENT) -> Evaluated:
    """Classify every image of a split in this process, and score the answers.

    Raises:
        ArtifactNotFoundError: The file does not exist.
        MissingDependencyError: The runtime is not installed.
        ModelUnreadableError: The file is damaged.
        ModelUnsupportedError: The file is not a classifier of Fashion-MNIST, or does not take that
            batch size.
        UsageError: The runtime does not exist, or does not open such files.
    """
    artifact = open_artifact(request.artifact)
    options = RunOptions(request.runtime, request.threads, request.batch)
    runtime_name(artifact, request.runtime)  # before the images are read
    split = _load_split(request.split, data_folder)
    done = answer(
        artifact,
        options,
        split.images,
        progress,
        label="Evaluate",
        check=check_fashion_classifier,
    )
    manifest = artifact.manifest
    evaluation = evaluate_answers(
        Answers(
            class_probabilities(done.scores, manifest.scores if manifest else None),
            split.labels,
            dataset.load_train_labels(data_folder),
            _labels(artifact),
        ),
        done.case,
        runtime_version=done.runtime_version,
        data_sha256=dataset.DATASET_SHA256,
        split=request.split,
        worst=request.worst,
    )
    places = np.array([each.index for each in evaluation.mistakes], np.intp)
    return Evaluated(evaluation, split.images[places])


def files_needed(split: SplitName) -> Sequence[dataset.DataFile]:
    """Return the dataset files of an evaluation on `split`.

    The training labels are always among them: the most frequent class there is the baseline.
    """
    return (*dataset.TEST_FILES, dataset.TRAIN_LABELS) if split == "test" else dataset.TRAIN_FILES


def _load_split(name: SplitName, folder: Path) -> dataset.Split:
    if name == "test":
        return dataset.load_test(folder)
    train, validation = dataset.load_train(folder)
    return train if name == "train" else validation


def _labels(artifact: Artifact) -> tuple[str, ...]:
    """Return the class names in the manifest, or Fashion-MNIST's where it does not have ten."""
    manifest = artifact.manifest
    named = manifest.labels if manifest else ()
    return named if len(named) == len(dataset.LABELS) else dataset.LABELS


def check_plots(folder: Path, *, force: bool) -> None:
    """Check before long work whether `draw` can write its files; nothing is written.

    Raises:
        ArtifactExistsError: A picture exists already, and `force` is not given.
        MissingDependencyError: Matplotlib is not installed.
        StorageError: The folder cannot be written to.
    """
    for name in _FIGURES:
        for suffix in plots.SUFFIXES:
            path = folder / f"{name}{suffix}"
            refuse_to_replace(path, force=force)
            check_room(path)
    plots.check_installed()


def draw(done: Evaluated, folder: Path, progress: Progress = SILENT) -> tuple[Path, ...]:
    """Write every figure of an evaluation as PNG and SVG, and return the files.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
        StorageError: The folder cannot be written to.
    """
    written: list[Path] = []
    progress.start("Draw", len(_FIGURES))
    for name, figure in _FIGURES.items():
        written += plots.write_figure(figure(done), folder / name)
        progress.advance(note=name)
    progress.finish()
    return tuple(written)
