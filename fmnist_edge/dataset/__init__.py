"""Fashion-MNIST as published: find or fetch it, verify it, decode it, split it.

folder = locate()              # DataFolder: path, and where it came from
dataset = load(folder.path)    # Dataset: train, validation, test
"""

from fmnist_edge.dataset.catalog import DATASET_SHA256, LABELS
from fmnist_edge.dataset.loading import load, load_test
from fmnist_edge.dataset.mirrors import MIRRORS
from fmnist_edge.dataset.sources import DataFolder, Places, Source, locate, usual_places
from fmnist_edge.dataset.splits import Dataset, Split, stratified

__all__ = [
    "DATASET_SHA256",
    "LABELS",
    "MIRRORS",
    "DataFolder",
    "Dataset",
    "Places",
    "Source",
    "Split",
    "load",
    "load_test",
    "locate",
    "stratified",
    "usual_places",
]
