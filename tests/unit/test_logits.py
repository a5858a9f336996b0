"""Classifiers whose last layer has no activation get their softmax back."""

from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.exporters.parents.dense_chain import DenseChain, DenseLayer
from fmnist_edge.exporters.parents.logits import PROBE, are_logits, with_softmax
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.session import Images, Scores

_LAYER = DenseLayer("last", np.ones((784, 10), np.float32), np.zeros(10, np.float32), "linear")


def _parent(scores: list[float], activation: str = "linear") -> Parent:
    layer = DenseLayer(_LAYER.name, _LAYER.kernel, _LAYER.bias, activation)

    def answer(images: Images) -> Scores:
        return np.tile(np.array(scores, np.float32), (len(images), 1))

    artifact = Artifact(Path("x.keras"), Format.KERAS, b"", None)
    return Parent(artifact, chain=DenseChain((layer,)), function=lambda image: image, scores=answer)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.1] * 10, False),
        ([1.0, *[0.0] * 9], False),
        ([0.9] * 10, False),  # ten sigmoids: no distribution, and no logits
        ([-0.1, *[0.5] * 9], True),
        ([1.5, *[0.0] * 9], True),
    ],
)
def test_scores_below_0_or_above_1_are_logits(scores: list[float], *, expected: bool) -> None:
    assert are_logits(np.array([scores], np.float32)) is expected


def test_probabilities_stay_as_they_are() -> None:
    parent = _parent([0.1] * 10, "softmax")
    assert with_softmax(parent) is parent


def test_logits_become_probabilities_and_can_still_be_had() -> None:
    parent = with_softmax(_parent([2.0, *[-1.0] * 9]))
    assert parent.scores is not None
    scores = parent.scores(PROBE)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)
    assert scores[0, 0] == pytest.approx(1 / (1 + 9 * np.exp(-3)))
    assert parent.chain is not None
    assert [layer.activation for layer in parent.chain.layers] == ["softmax"]
    assert parent.logits is not None


def test_other_scores_are_refused() -> None:
    with pytest.raises(ModelUnsupportedError, match="it ends in relu"):
        with_softmax(_parent([7.0] * 10, "relu"))
