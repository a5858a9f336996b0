"""The majority baseline: it knows how often each class occurs and ignores the image."""

from typing import Any

import numpy as np

from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.training.networks import Affine, deployed_model
from fmnist_edge.training.preset import Preset


def class_frequency_model(preset: Preset, train: Split) -> Any:  # noqa: ANN401 - a Keras model
    """Return a model whose scores are the class frequencies of `train` for every image.

    It always predicts the most frequent class; of several equally frequent ones, the first.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    counts = np.bincount(train.labels, minlength=len(LABELS))
    # A class that does not occur counts as one image, because the logarithm of 0 is infinite.
    bias = np.log(np.maximum(counts, 1) / counts.sum()).astype(np.float32)
    kernel = np.zeros((preset.architecture.widths[0], len(LABELS)), np.float32)
    return deployed_model(preset, [Affine(kernel, bias)], bias=True)
