"""Which images get another label, and by how much the scores move."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.divergence.record import Changed


@dataclass(frozen=True, eq=False)
class Answers:
    """What one side answered.

    Args:
        labels: int64[N].
        scores: float32[N,C], probabilities; C is 1 where only the largest one is known.
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float32]

    @property
    def tops(self) -> NDArray[np.float64]:
        """float64[N], the largest probability of each image."""
        tops: NDArray[np.float64] = self.scores.max(axis=1).astype(np.float64)
        return tops

    def margin(self, index: int) -> float | None:
        """Return the difference of the two largest probabilities of an image."""
        if self.scores.shape[1] == 1:
            return None
        second, first = np.partition(self.scores[index].astype(np.float64), -2)[-2:]
        return float(first - second)


@dataclass(frozen=True, eq=False)
class Moves:
    """How far scores moved.

    Args:
        gap: float64[N,C], the differences that can be told.
        differing: Images with any score or label that differs.
    """

    gap: NDArray[np.float64]
    differing: int


def moves(a: Answers, b: Answers) -> Moves:
    """Return how far the scores of each image moved.

    Where only the largest one is known, images that changed their label count as no difference of
    scores: the two are those of different classes.
    """
    gap = np.abs(a.scores.astype(np.float64) - b.scores)
    other = a.labels != b.labels
    if a.scores.shape[1] == 1:
        gap[other] = 0
    return Moves(gap, int(((gap > 0).any(axis=1) | other).sum()))


def changes(
    a: Answers,
    b: Answers,
    truth: NDArray[np.int64] | None,
    names: tuple[str, ...],
    at_most: int,
) -> tuple[Changed, ...]:
    """Return the images that got another label, those of the widest margins first.

    Args:
        a: What A answered.
        b: What B answered.
        truth: int64[N], the true classes; None where they are not known.
        names: Of the classes.
        at_most: How many are returned.
    """
    places = np.flatnonzero(a.labels != b.labels).tolist()
    found = [
        Changed(
            index=place,
            true_label=None if truth is None else names[truth[place]],
            label_a=names[a.labels[place]],
            label_b=names[b.labels[place]],
            score_a=float(a.tops[place]),
            score_b=float(b.tops[place]),
            margin_a=a.margin(place),
            margin_b=b.margin(place),
        )
        for place in places
    ]
    # A wide margin is what rounding explains least.
    found.sort(key=lambda each: (-((each.margin_a or 0) + (each.margin_b or 0)), each.index))
    return tuple(found[:at_most])
