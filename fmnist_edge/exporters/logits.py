"""Classifiers that leave the softmax to the loss they were trained with."""

from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.exporters.network import Network
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.records import replace
from fmnist_edge.session import IMAGE_SHAPE, Images, Scores
from fmnist_edge.stats.classification import as_probabilities

__all__ = ["PROBE", "are_logits", "with_softmax"]

_SEED: Final = 0
# Pictures of nothing, to which every classifier has an answer.
PROBE: Final[Images] = np.random.default_rng(_SEED).integers(0, 256, (16, *IMAGE_SHAPE), np.uint8)


def are_logits(scores: Scores) -> bool:
    """Whether scores cannot be probabilities: one is below 0 or above 1."""
    return bool(scores.min() < 0 or scores.max() > 1 + 1e-3)


def with_softmax(parent: Parent) -> Parent:
    """The parent, ending in a softmax if it gave logits.

    Args:
        parent: One with `function` and `scores`.

    Raises:
        ModelUnsupportedError: its scores are neither.
    """
    given, function = parent.scores, parent.function
    if given is None or function is None or not are_logits(given(PROBE)):
        return parent
    network = parent.network
    if network and network.layers[-1].activation != "linear":
        raise ModelUnsupportedError(
            f"{parent.artifact.path} gives scores that are neither probabilities nor logits: "
            f"it ends in {network.layers[-1].activation}.",
            hint="End it in a softmax, or in no activation.",
        )

    def softmax(image: Any) -> Any:  # noqa: ANN401 - a tensor
        return tensorflow().nn.softmax(function(image))

    return replace(
        parent,
        network=network and _with_last(network, "softmax"),
        function=softmax,
        logits=function,
        scores=lambda images: as_probabilities(given(images), "logits"),
    )


def _with_last(network: Network, activation: str) -> Network:
    *first, last = network.layers
    return replace(network, layers=(*first, replace(last, activation=activation)))
