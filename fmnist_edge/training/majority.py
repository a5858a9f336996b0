"""The common-sense baseline: it knows how often each class occurs, and looks at no image."""

from typing import Any

import numpy as np

from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.training.networks import Affine, deployed
from fmnist_edge.training.preset import Preset


def frequencies_alone(preset: Preset, train: Split) -> Any:  # noqa: ANN401 - a Keras model
    """A model whose scores are the class frequencies of `train`, whatever the image.

    So it always names the commonest class, the first of several that are equally common.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    counts = np.bincount(train.labels, minlength=len(LABELS))
    # A class that never occurs gets one image, for its logarithm's sake.
    bias = np.log(np.maximum(counts, 1) / counts.sum()).astype(np.float32)
    kernel = np.zeros((preset.architecture.widths[0], len(LABELS)), np.float32)
    return deployed(preset, [Affine(kernel, bias)], bias=True)
