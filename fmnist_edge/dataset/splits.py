"""Train, validation and test, and class-balanced subsets of them; always the same ones.

Random choices come from NumPy's legacy `RandomState`: NumPy guarantees that its stream never
changes between versions, which it does not guarantee for `default_rng`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset.catalog import LABELS
from fmnist_edge.errors import UsageError

__all__ = ["VALIDATION_PER_CLASS", "Dataset", "Split", "stratified", "validation_indices"]

VALIDATION_PER_CLASS: Final = 500
_VALIDATION_SEED: Final = 20170831  # fixed for good: another one makes other splits
_SEED_LIMIT: Final = 1 << 32


# Arrays have no single truth value, so a generated __eq__ would raise: splits compare by identity.
@dataclass(frozen=True, eq=False)
class Split:
    """Examples in a fixed order.

    Args:
        images: uint8[N,28,28], read-only.
        labels: uint8[N] of 0 to 9, read-only.

    Raises:
        ValueError: there are not as many images as labels.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images, but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.intp]) -> "Split":
        """The examples at `indices` (int[K]), copied, in that order."""
        images, labels = self.images[indices], self.labels[indices]
        images.flags.writeable = labels.flags.writeable = False
        return Split(images, labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Fashion-MNIST: 55,000 examples to train, 5,000 to validate, 10,000 to test.

    Args:
        train: The published training examples without `validation`, in their order.
        validation: 500 training examples of each class, in their order.
        test: The published test examples, in their order.
        sha256: What identifies the published files this was read from.
    """

    train: Split
    validation: Split
    test: Split
    sha256: str


def validation_indices(labels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Which published training examples validate: the same 500 of each class, always.

    Args:
        labels: uint8[60000], the published training labels.

    Returns:
        int[5000], ascending.
    """
    random = np.random.RandomState(_VALIDATION_SEED)
    chosen = [
        random.permutation(np.flatnonzero(labels == label))[:VALIDATION_PER_CLASS]
        for label in range(len(LABELS))
    ]
    return np.sort(np.concatenate(chosen))


def stratified(split: Split, count: int, seed: int) -> Split:
    """A seeded choice of `count` examples with every class as often as every other.

    When `count` is not a multiple of ten the first classes get one example more; a class that
    has too few examples gives all of them.

    Args:
        split: What to choose from.
        count: How many, from 1 to `len(split)`.
        seed: Another seed, another choice; 0 to 2**32 - 1.

    Returns:
        The chosen examples, in the order they have in `split`.

    Raises:
        UsageError: `count` or `seed` is out of range.
    """
    if not 1 <= count <= len(split):
        raise UsageError(f"{count} examples cannot be chosen: there are {len(split)}.")
    if not 0 <= seed < _SEED_LIMIT:
        raise UsageError(f"{seed} is no seed: it must be from 0 to {_SEED_LIMIT - 1}.")
    random = np.random.RandomState(seed)
    # Number the examples of each class in random order, then take all number 0, all number 1, ...
    number = np.empty(len(split), dtype=np.intp)
    for label in range(len(LABELS)):
        members = np.flatnonzero(split.labels == label)
        number[random.permutation(members)] = np.arange(len(members))
    first = np.lexsort((split.labels, number))[:count]
    return split.take(np.sort(first))
