"""From a folder with the four files to arrays; every byte is verified on the way."""

from pathlib import Path

import numpy as np

from fmnist_edge.dataset.catalog import (
    DATASET_SHA256,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    DataFile,
)
from fmnist_edge.dataset.idx import decode_images, decode_labels
from fmnist_edge.dataset.splits import Dataset, Split, validation_indices
from fmnist_edge.dataset.verify import read_verified

__all__ = ["load", "load_test"]


def load(folder: Path) -> Dataset:
    """The whole dataset.

    Args:
        folder: Holds the four files, packed or unpacked, as `locate` found them.

    Raises:
        DatasetNotFoundError: a file is missing.
        DatasetCorruptError: a file is not the published one.
        StorageError: a file may not be read.
    """
    published = _load_split(folder, TRAIN_IMAGES, TRAIN_LABELS)
    validates = np.zeros(len(published), dtype=np.bool_)
    validates[validation_indices(published.labels)] = True
    return Dataset(
        train=published.take(np.flatnonzero(~validates)),
        validation=published.take(np.flatnonzero(validates)),
        test=load_test(folder),
        sha256=DATASET_SHA256,
    )


def load_test(folder: Path) -> Split:
    """The 10,000 test examples alone; the two training files need not be there.

    Args:
        folder: Holds the two test files, packed or unpacked.

    Raises:
        DatasetNotFoundError: a file is missing.
        DatasetCorruptError: a file is not the published one.
        StorageError: a file may not be read.
    """
    return _load_split(folder, TEST_IMAGES, TEST_LABELS)


def _load_split(folder: Path, images: DataFile, labels: DataFile) -> Split:
    return Split(
        images=decode_images(read_verified(folder, images), images.unpacked_name),
        labels=decode_labels(read_verified(folder, labels), labels.unpacked_name),
    )
