"""Reading the files of a folder into arrays; every file is verified."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset.catalog import (
    DATASET_SHA256,
    IMAGE_SHAPE,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    DataFile,
)
from fmnist_edge.dataset.idx import decode_images, decode_labels
from fmnist_edge.dataset.splits import Dataset, Split, validation_indices
from fmnist_edge.dataset.verify import read_beginning, read_verified


def load(folder: Path) -> Dataset:
    """Return the whole dataset.

    Args:
        folder: Holds the four files, packed or unpacked, as `locate` found them.

    Raises:
        DatasetNotFoundError: A file is missing.
        DatasetCorruptError: The contents of a file are not the published ones.
        StorageError: A file cannot be read.
    """
    train, validation = load_train(folder)
    return Dataset(train, validation, load_test(folder), DATASET_SHA256)


def load_train(folder: Path) -> tuple[Split, Split]:
    """Return the 55,000 training and 5,000 validation examples; test files need not be there.

    Args:
        folder: Holds the two training files, packed or unpacked.

    Raises:
        DatasetNotFoundError: A file is missing.
        DatasetCorruptError: The contents of a file are not the published ones.
        StorageError: A file cannot be read.
    """
    published = _load_split(folder, TRAIN_IMAGES, TRAIN_LABELS)
    validates = validation_indices(published.labels)
    train = published.take(np.delete(np.arange(len(published)), validates))
    return train, published.take(validates)


def load_test(folder: Path) -> Split:
    """Return the 10,000 test examples; the two training files need not be there.

    Args:
        folder: Holds the two test files, packed or unpacked.

    Raises:
        DatasetNotFoundError: A file is missing.
        DatasetCorruptError: The contents of a file are not the published ones.
        StorageError: A file cannot be read.
    """
    return _load_split(folder, TEST_IMAGES, TEST_LABELS)


def load_test_images(folder: Path, count: int) -> NDArray[np.uint8]:
    """Return the first test images, uint8[count,28,28], read-only; at most the 10,000 that exist.

    The whole file is verified, and no more than these images are held in memory.

    Args:
        folder: Holds the file of test images, packed or unpacked.
        count: How many, at least 1.

    Raises:
        DatasetNotFoundError: The file is missing.
        DatasetCorruptError: The contents of the file are not the published ones.
        StorageError: The file cannot be read.
    """
    image = math.prod(IMAGE_SHAPE)
    header = TEST_IMAGES.size - math.prod(TEST_IMAGES.dims)
    payload = read_beginning(folder, TEST_IMAGES, header + count * image)
    return np.frombuffer(payload, np.uint8, offset=header).reshape(-1, *IMAGE_SHAPE)


def load_train_labels(folder: Path) -> NDArray[np.uint8]:
    """Return the labels of `load(folder).train`, uint8[55000], from the file of labels alone.

    Args:
        folder: Holds the file of training labels, packed or unpacked.

    Raises:
        DatasetNotFoundError: The file is missing.
        DatasetCorruptError: The contents of the file are not the published ones.
        StorageError: The file cannot be read.
    """
    labels = decode_labels(read_verified(folder, TRAIN_LABELS), TRAIN_LABELS.unpacked_name)
    return np.delete(labels, validation_indices(labels))


def _load_split(folder: Path, images: DataFile, labels: DataFile) -> Split:
    return Split(
        images=decode_images(read_verified(folder, images), images.unpacked_name),
        labels=decode_labels(read_verified(folder, labels), labels.unpacked_name),
    )
