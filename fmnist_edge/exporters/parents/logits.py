"""Parents that return logits, because their training loss applied the softmax."""

from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.exporters.parents.dense_chain import DenseChain
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.records import replace
from fmnist_edge.session import IMAGE_SHAPE, Images, Scores
from fmnist_edge.stats.classification import as_probabilities

_SEED: Final = 0
# Random images; a classifier returns scores for any image.
PROBE: Final[Images] = np.random.default_rng(_SEED).integers(0, 256, (16, *IMAGE_SHAPE), np.uint8)


def are_logits(scores: Scores) -> bool:
    """Return whether the scores cannot be probabilities: one is below 0 or above 1."""
    return bool(scores.min() < 0 or scores.max() > 1 + 1e-3)


def with_softmax(parent: Parent) -> Parent:
    """Return the parent with a softmax at its end if it returns logits.

    Args:
        parent: A parent with `function` and `scores`.

    Raises:
        ModelUnsupportedError: Its scores are neither probabilities nor logits.
    """
    given, function = parent.scores, parent.function
    if given is None or function is None or not are_logits(given(PROBE)):
        return parent
    chain = parent.chain
    if chain and chain.layers[-1].activation != "linear":
        raise ModelUnsupportedError(
            f"{parent.artifact.path} gives scores that are neither probabilities nor logits: "
            f"it ends in {chain.layers[-1].activation}.",
            hint="End it in a softmax, or in no activation.",
        )

    def softmax(image: Any) -> Any:  # noqa: ANN401 - a tensor
        return tensorflow().nn.softmax(function(image))

    return replace(
        parent,
        chain=chain and _with_last(chain, "softmax"),
        function=softmax,
        logits=function,
        scores=lambda images: as_probabilities(given(images), "logits"),
    )


def _with_last(chain: DenseChain, activation: str) -> DenseChain:
    *first, last = chain.layers
    return replace(chain, layers=(*first, replace(last, activation=activation)))
