"""Fashion-MNIST as published: finding, fetching, verifying, decoding and splitting it.

folder = locate()              # DataFolder: path, and where it came from
dataset = load(folder.path)    # Dataset: train, validation, test
"""

from fmnist_edge.dataset.catalog import (
    DATASET_SHA256,
    FILES,
    LABELS,
    TEST_FILES,
    TEST_IMAGES,
    TRAIN_FILES,
    TRAIN_LABELS,
    DataFile,
)
from fmnist_edge.dataset.loading import (
    load,
    load_test,
    load_test_images,
    load_train,
    load_train_labels,
)
from fmnist_edge.dataset.mirrors import MIRRORS
from fmnist_edge.dataset.sources import DataFolder, Places, Source, locate, usual_places
from fmnist_edge.dataset.splits import Dataset, Split, stratified

__all__ = [
    "DATASET_SHA256",
    "FILES",
    "LABELS",
    "MIRRORS",
    "TEST_FILES",
    "TEST_IMAGES",
    "TRAIN_FILES",
    "TRAIN_LABELS",
    "DataFile",
    "DataFolder",
    "Dataset",
    "Places",
    "Source",
    "Split",
    "load",
    "load_test",
    "load_test_images",
    "load_train",
    "load_train_labels",
    "locate",
    "stratified",
    "usual_places",
]
