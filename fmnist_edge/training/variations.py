"""Images in other positions: what augmentation draws from, and what a teacher labels beforehand."""

from typing import Any

from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.session import IMAGE_SHAPE, PIXEL_SCALE
from fmnist_edge.training.preset import Augmentation

# A tensor of int32[N,3] per image: mirrored (0 or 1), shift down and right in pixels.
Positions = Any


def count(augmentation: Augmentation) -> int:
    """In how many positions an image may be seen."""
    return (2 if augmentation.flip else 1) * (2 * augmentation.shift + 1) ** 2


def drawn(augmentation: Augmentation, images: int | Any, key: Any) -> Positions:  # noqa: ANN401 - tensors
    """A position for each of so many images.

    Args:
        augmentation: What may happen.
        images: How many.
        key: int32[2] seed; the same one draws the same positions.
    """
    tf = keras_library.tensorflow()
    reach = augmentation.shift

    def integers(salt: int, low: int, high: int, columns: int) -> Any:  # noqa: ANN401 - a tensor
        return tf.random.stateless_uniform(
            (images, columns), _salted(key, salt), low, high, tf.int32
        )

    flips = integers(0, 0, 2 if augmentation.flip else 1, 1)
    shifts = integers(1, -reach, reach + 1, 2)
    moves = tf.random.stateless_uniform((images, 1), _salted(key, 2)) >= augmentation.originals
    return tf.concat([flips, shifts * tf.cast(moves, tf.int32)], axis=1)


def numbered(augmentation: Augmentation, positions: Positions) -> Any:  # noqa: ANN401 - a tensor
    """The number of each position, int32[N] from 0 up to `count`."""
    side = 2 * augmentation.shift + 1
    flip, down, right = (positions[:, axis] for axis in range(3))
    return (flip * side + down + augmentation.shift) * side + right + augmentation.shift


def moved(images: Any, positions: Positions, reach: int) -> Any:  # noqa: ANN401 - tensors
    """The images mirrored and shifted; what comes in from outside is black.

    Args:
        images: [N,28,28] of any type.
        positions: int32[N,3].
        reach: Pixels of the largest shift.
    """
    tf = keras_library.tensorflow()
    height, width = IMAGE_SHAPE
    flip, down, right = (positions[:, axis, None] for axis in range(3))
    padded = tf.pad(images, [[0, 0], [reach, reach], [reach, reach]])
    rows = tf.range(height) + reach - down
    columns = tf.range(width) + reach - right
    columns = tf.where(flip == 1, width + 2 * reach - 1 - columns, columns)
    return tf.gather(tf.gather(padded, rows, batch_dims=1), columns, axis=2, batch_dims=1)


def erased(images: Any, share: float, key: Any) -> Any:  # noqa: ANN401 - tensors
    """Some of the images with a black square of 4 to 10 pixels anywhere (cutout).

    Args:
        images: [N,28,28].
        share: Of images that get one.
        key: int32[2] seed.
    """
    tf = keras_library.tensorflow()
    number = tf.shape(images)[0]
    side = IMAGE_SHAPE[0]
    centres = tf.random.stateless_uniform((number, 2), _salted(key, 3), 0, side, tf.int32)
    halves = tf.random.stateless_uniform((number, 1), _salted(key, 4), 2, 6, tf.int32)
    chosen = tf.random.stateless_uniform((number, 1), _salted(key, 5)) < share
    rows, columns = (tf.abs(tf.range(side) - centres[:, axis, None]) < halves for axis in range(2))
    inside = rows[:, :, None] & (columns & chosen)[:, None, :]
    return tf.where(inside, tf.zeros_like(images), images)


def scaled(images: Any) -> Any:  # noqa: ANN401 - tensors
    """Bytes as float32 in 0..1: what every network here takes."""
    tf = keras_library.tensorflow()
    return tf.cast(images, tf.float32) * PIXEL_SCALE


def _salted(key: Any, salt: int) -> Any:  # noqa: ANN401 - tensors
    """Another seed for each thing that is drawn in a step."""
    return keras_library.tensorflow().add(key, (0, salt))
