"""Holding an exported file against its parent, before it is written."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import Artifact, LayerFidelity, Parity
from fmnist_edge.errors import MissingDependencyError
from fmnist_edge.exporters import LAYER_READERS, verify
from fmnist_edge.exporters.network import layer_outputs
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.optional import installed
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.records import replace
from fmnist_edge.session import (
    Images,
    Scores,
    Session,
    SessionOptions,
    classify,
    scale_pixels,
)
from fmnist_edge.stats.classification import as_probabilities

__all__ = ["Proof", "Thoroughness", "gather", "open_and_prove", "runtime_for"]

Labels = NDArray[np.uint8]
Thoroughness = Literal["full", "fast", "none"]
_FAST_IMAGES: Final = 1_000
_LAYER_IMAGES: Final = 500
_SEED: Final = 0  # of the choice of images


@dataclass(frozen=True)
class Proof:
    """What exported files are held against.

    Args:
        images: uint8[N,28,28] that neither training nor calibration saw.
        labels: uint8[N].
        expected: float32[N,10], the parent's probabilities.
        max_drop: Percentage points of accuracy that a file may lose.
    """

    images: Images
    labels: Labels
    expected: Scores
    max_drop: float


def gather(
    parent: Parent, data: dataset.Dataset, thoroughness: Thoroughness, max_drop: float
) -> Proof | None:
    """Let the parent label the images: all of test, or 1,000 of validation, or none.

    Test images serve for this because nothing is chosen by the outcome.
    """
    if thoroughness == "none":
        return None
    split = data.test
    if thoroughness == "fast":
        split = dataset.stratified(data.validation, _FAST_IMAGES, _SEED)
    return Proof(split.images, split.labels, _expected(parent, split.images), max_drop)


def _expected(parent: Parent, images: Images) -> Scores:
    if parent.scores is not None:
        return parent.scores(images)
    session, _ = _open(parent.artifact, SessionOptions())
    return classify(session, images)


def runtime_for(artifact: Artifact) -> str:
    """The name of the first installed runtime that opens this format.

    Raises:
        MissingDependencyError: none is installed.
    """
    able = runtimes.reading(artifact.format)
    for name in able:
        package = runtimes.get(name).PACKAGE
        if not package or installed(package):
            return name
    extra = runtimes.get(able[0]).EXTRA
    raise MissingDependencyError(
        f"{artifact.path.name} cannot be verified: {able[0]} is not installed.",
        hint=f"Install it with: pip install 'fmnist-edge[{extra}]'",
    )


def _open(artifact: Artifact, options: SessionOptions) -> tuple[Session, str]:
    name = runtime_for(artifact)
    runtime = runtimes.get(name)
    version = runtime.load_library()
    return runtime.open(artifact, options), f"{name} {version}"


def open_and_prove(
    candidate: Artifact, recipe: Recipe, choices: Choices, parent: Parent, proof: Proof | None
) -> tuple[Session, Parity | None]:
    """Open a file in its runtime, and refuse it if it strays from its parent.

    Raises:
        ParityError: it strays too far.
    """
    session, runtime = _open(candidate, SessionOptions(batch=choices.batch or 1))
    if proof is None:
        return session, None
    given = as_probabilities(classify(session, proof.images), choices.scores)
    parity = verify.compare(proof.expected, given, proof.labels, runtime)
    parity = replace(parity, layers=_layers(candidate, parent, proof.images))
    verify.check(candidate.path.name, parity, recipe, proof.max_drop)
    return session, parity


def _layers(candidate: Artifact, parent: Parent, images: Images) -> tuple[LayerFidelity, ...]:
    """Layer by layer, where both sides let themselves be looked into."""
    read = LAYER_READERS.get(candidate.format)
    if read is None or parent.network is None:
        return ()
    some = images[:_LAYER_IMAGES]
    given = read(candidate.payload, some)
    expected = layer_outputs(parent.network, scale_pixels(some))
    if len(given) != len(expected):
        return ()
    return verify.fidelity([layer.name for layer in parent.network.layers], expected, given)
