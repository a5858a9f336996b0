"""Two model files that are run here, layer by layer where their layers can be read."""

from collections.abc import Sequence

import numpy as np

from fmnist_edge.artifact import Artifact
from fmnist_edge.divergence import (
    Answers,
    Chain,
    Compared,
    LayerDifference,
    compare_chains,
    known_of,
    side,
)
from fmnist_edge.errors import NotComparableError
from fmnist_edge.evaluation import class_probabilities
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.answering import Answered, RunOptions, answer
from fmnist_edge.pipeline.images import GivenImages
from fmnist_edge.pipeline.layers import UnreadError, are_alike, read_layers
from fmnist_edge.pipeline.predict import class_names
from fmnist_edge.progress import SILENT, Progress


def compare_models(
    artifacts: Sequence[Artifact],
    options: Sequence[RunOptions],
    given: GivenImages,
    progress: Progress = SILENT,
) -> Compared:
    """Let two model files answer the same images, and compare their layers.

    Args:
        artifacts: The two files.
        options: What runs each.
        given: The images.
        progress: Receives the progress.

    Raises:
        NotComparableError: The two give different numbers of scores.
        FmnistEdgeError: A model cannot be run.
    """
    a, b = (
        answer(artifact, each, given.images, progress)
        for artifact, each in zip(artifacts, options, strict=True)
    )
    if a.scores.shape != b.scores.shape:
        raise NotComparableError(
            f"{artifacts[0].path} gives {a.scores.shape[1]} scores per image, and "
            f"{artifacts[1].path} {b.scores.shape[1]}.",
            hint="Compare models of the same classes.",
        )
    host = facts()
    layers, unread, other = _layers(artifacts, options, given, (a, b), progress)
    return Compared(
        sides=(
            side(a.case, a.runtime_version, a.used, host),
            side(b.case, b.runtime_version, b.used, host),
        ),
        answers=(_answers(artifacts[0], a), _answers(artifacts[1], b)),
        truth=given.truth,
        names=class_names(artifacts[0], a.scores.shape[1]),
        source=given.source,
        known=known_of(a.case, b.case),
        unread=unread,
        layers=layers,
        other_layers=other,
    )


def _answers(artifact: Artifact, done: Answered) -> Answers:
    kind = artifact.manifest.scores if artifact.manifest else None
    labels = done.scores.argmax(axis=1).astype(np.int64)
    return Answers(labels, class_probabilities(done.scores, kind))


def _layers(
    artifacts: Sequence[Artifact],
    options: Sequence[RunOptions],
    given: GivenImages,
    done: Sequence[Answered],
    progress: Progress,
) -> tuple[tuple[LayerDifference, ...], str, bool]:
    """Return what differs in each layer, why there are none, and whether the files have others."""
    read: list[Chain] = []
    for artifact, each, answered in zip(artifacts, options, done, strict=True):
        try:
            read.append(read_layers(artifact, each, given.images, answered.scores, progress))
        except UnreadError as error:
            return (), error.code, False
    if not are_alike(*read):
        return (), "", True
    return compare_chains(*read), "", False
