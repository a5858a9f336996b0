"""Distillation: a teacher's logits for every training image in every position."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset import Split
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.progress import Progress
from fmnist_edge.training.augmentation import flip_and_shift, rescale
from fmnist_edge.training.preset import Augmentation

_BATCH: Final = 1000


@dataclass(frozen=True, eq=False)
class TeacherLogits:
    """The logits of a teacher.

    Args:
        values: float16[positions,N,10]; positions are in the order of `all_positions`.
    """

    values: NDArray[np.float16]


def all_positions(augmentation: Augmentation) -> NDArray[np.int32]:
    """Return every position, int32[count,3], in the order of `augmentation.position_indices`."""
    reach = range(-augmentation.shift, augmentation.shift + 1)
    flips = range(2 if augmentation.flip else 1)
    return np.array(
        [(flip, down, right) for flip in flips for down in reach for right in reach], np.int32
    )


def compute_teacher_logits(
    teacher: Any,  # noqa: ANN401 - a Keras model
    split: Split,
    augmentation: Augmentation,
    progress: Progress,
) -> TeacherLogits:
    """Run the teacher on each image in each position.

    Args:
        teacher: A Keras model that maps float32[N,28,28] in 0..1 to logits, float32[N,10].
        split: The training images.
        augmentation: The positions in which a student will see the images.
        progress: It is advanced after every 1,000 images.
    """
    tf = keras_library.tensorflow()
    predict = tf.function(
        lambda images, positions: teacher(
            rescale(flip_and_shift(images, positions, augmentation.shift)), training=False
        ),
        autograph=False,
    )
    starts = range(0, len(split), _BATCH)
    positions = all_positions(augmentation)
    progress.start("Compute the teacher's scores", len(positions) * len(starts))
    values = np.stack([_logits(predict, split, each, starts, progress) for each in positions])
    progress.finish()
    return TeacherLogits(values)


def _logits(
    predict: Callable[[Any, Any], Any],
    split: Split,
    position: NDArray[np.int32],
    starts: range,
    progress: Progress,
) -> NDArray[np.float16]:
    """Return the logits of all images in one position, float16[N,10]."""
    parts = []
    for start in starts:
        images = split.images[start : start + _BATCH]
        positions = np.tile(position, (len(images), 1))
        parts.append(predict(images, positions).numpy().astype(np.float16))
        progress.advance()
    return np.concatenate(parts)
