"""Classifying images: a label and probabilities for each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import __version__, dataset
from fmnist_edge.artifact import Artifact, open_artifact, refuse_to_replace, utc_now
from fmnist_edge.errors import ModelUnsupportedError, UsageError
from fmnist_edge.evaluation import class_probabilities
from fmnist_edge.files import check_room
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.answering import Answered, RunOptions, answer, runtime_name
from fmnist_edge.pipeline.images import GivenImages, read_images
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import Record
from fmnist_edge.score_file import SUFFIX, ScoreFacts, ScoreFile
from fmnist_edge.session import Scores

PREDICTION_SCHEMA: Final = 1  # 1: first


@dataclass(frozen=True)
class PredictRequest:
    """What to classify, and how.

    Args:
        artifact: The main file of a classifier, of any format.
        images: A file of images; None for the test split of Fashion-MNIST.
        options: The runtime and its options.
    """

    artifact: Path
    images: Path | None = None
    options: RunOptions = field(default_factory=RunOptions)


class Prediction(Record):
    """The answer to one image.

    Args:
        index: Number of the image in its file, counted from 0.
        label: Name of the class of the highest score; of several equal ones the first.
        probability: The probability of that class, 0..1.
        probabilities: Those of all classes, in their order. Those of an 8-bit file need not sum to
            1.
        true_label: Name of the true class; None where it is not known.
    """

    index: int
    label: str
    probability: float
    probabilities: tuple[float, ...]
    true_label: str | None
    kind: Literal["fmnist-edge prediction"] = "fmnist-edge prediction"
    schema_version: int = PREDICTION_SCHEMA


@dataclass(frozen=True, eq=False)
class Predicted:
    """The answers to all images.

    Args:
        content: Raw scores, true labels, and what made them.
        probabilities: float32[N,C].
    """

    content: ScoreFile
    probabilities: Scores

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def right(self) -> NDArray[np.bool_] | None:
        """bool[N], whether each label is the true one; None where that is not known."""
        truth = self.content.truth
        return None if truth is None else self.content.labels == truth

    def predictions(self, at_most: int | None = None) -> Iterator[Prediction]:
        """Return the answers one by one, in the order of the images."""
        names, truth, labels = self.content.facts.classes, self.content.truth, self.content.labels
        for index in range(len(self) if at_most is None else min(at_most, len(self))):
            row = tuple(map(float, self.probabilities[index]))
            yield Prediction(
                index,
                names[labels[index]],
                row[labels[index]],
                row,
                None if truth is None else names[truth[index]],
            )


def check_out(path: Path, *, force: bool) -> None:
    """Check before long work whether a score file can be written; nothing is written.

    Raises:
        ArtifactExistsError: It is there already, and `force` is not given.
        StorageError: The folder cannot be written to.
        UsageError: The name does not end as that of a score file.
    """
    if path.suffix != SUFFIX:
        raise UsageError(
            f"{path} does not end in {SUFFIX}, as the name of a score file does.",
            hint=f"For example: --out {path.with_suffix(SUFFIX)}",
        )
    refuse_to_replace(path, force=force)
    check_room(path)


def predict(
    request: PredictRequest, data_folder: Path | None, progress: Progress = SILENT
) -> Predicted:
    """Classify every image in this process.

    Args:
        request: What to classify, and how.
        data_folder: The folder of Fashion-MNIST; None where the user gives the images.
        progress: Receives the progress.

    Raises:
        ArtifactNotFoundError: The model file does not exist.
        MissingDependencyError: The runtime is not installed.
        ModelUnreadableError: The model file is damaged.
        ModelUnsupportedError: The file is no classifier, or does not take such images.
        UsageError: The images cannot be read, or the runtime does not open such files.
    """
    artifact = open_artifact(request.artifact)
    runtime_name(artifact, request.options.runtime)  # before the images are read
    given = read_images(request.images, data_folder)
    done = answer(artifact, request.options, given.images, progress)
    return predicted(artifact, given, done)


def predicted(artifact: Artifact, given: GivenImages, done: Answered) -> Predicted:
    """Return the answers of a model file with all that says what made them.

    Raises:
        ModelUnsupportedError: The true labels name classes that the model does not have.
    """
    manifest = artifact.manifest
    kind = manifest.scores if manifest else None
    classes = class_names(artifact, done.scores.shape[1])
    if given.truth is not None and given.truth.max() >= len(classes):
        raise ModelUnsupportedError(
            f"The labels go up to {given.truth.max()}, and {artifact.path} has "
            f"{len(classes)} classes.",
            hint="Give images of the classes that the model was trained for, or leave out labels.",
        )
    record = ScoreFacts(
        created=utc_now(),
        version=__version__,
        case=done.case,
        runtime_version=done.runtime_version,
        used=done.used,
        host=facts(),
        versions=made_with(("numpy",)),
        source=given.source,
        images_sha256=given.sha256,
        scores=kind,
        classes=classes,
    )
    content = ScoreFile(done.scores, given.truth, record)
    return Predicted(content, class_probabilities(done.scores, kind))


def class_names(artifact: Artifact, classes: int) -> tuple[str, ...]:
    """Return the names in the manifest, else those of Fashion-MNIST, else numbers."""
    manifest = artifact.manifest
    named = manifest.labels if manifest else ()
    known = (named, dataset.LABELS, tuple(map(str, range(classes))))
    return next(names for names in known if len(names) == classes)
