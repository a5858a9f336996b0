"""The train, validation and test splits, and class-balanced subsets of them.

Random choices come from NumPy's legacy `RandomState`, whose stream NumPy keeps the same in every
version; it does not promise that for `default_rng`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset.catalog import LABELS
from fmnist_edge.errors import UsageError

VALIDATION_PER_CLASS: Final = 500
_VALIDATION_SEED: Final = 20170831  # another seed would make other splits
_SEED_LIMIT: Final = 1 << 32


# A generated __eq__ would raise, because arrays have no single truth value.
@dataclass(frozen=True, eq=False)
class Split:
    """Examples in a fixed order.

    Args:
        images: uint8[N,28,28], read-only.
        labels: uint8[N] of 0 to 9, read-only.

    Raises:
        ValueError: The numbers of images and labels differ.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images, but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.intp]) -> "Split":
        """Return a copy of the examples at `indices`, int[K], in that order."""
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
        sha256: SHA-256 of the published files, hexadecimal.
    """

    train: Split
    validation: Split
    test: Split
    sha256: str


def validation_indices(labels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return which published training examples form the validation split: 500 of each class.

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
    """Return `count` examples that a seed chooses, each class as often as every other.

    If `count` is not a multiple of ten, the first classes get one example more. A class with too
    few examples gives all of them.

    Args:
        split: The examples to choose from.
        count: Number of examples, 1 to `len(split)`.
        seed: Seed of the choice, 0 to 2**32 - 1.

    Returns:
        The chosen examples in the order of `split`.

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
