"""Augmentation of training images: mirroring, shifting and erasing, as TensorFlow operations."""

from typing import Any

from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.session import IMAGE_SHAPE, PIXEL_SCALE
from fmnist_edge.training.preset import Augmentation

# A tensor int32[N,3]. Each row is: mirrored (0 or 1), pixels down, pixels to the right.
Positions = Any


def position_count(augmentation: Augmentation) -> int:
    """Return the number of different positions in which an image may be shown."""
    return (2 if augmentation.flip else 1) * (2 * augmentation.shift + 1) ** 2


def draw_positions(augmentation: Augmentation, images: int | Any, key: Any) -> Positions:  # noqa: ANN401 - tensors
    """Draw a random position for each image of a batch.

    Args:
        augmentation: The positions that are allowed.
        images: The number of images.
        key: int32[2], the seed. The same seed gives the same positions.
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


def position_indices(augmentation: Augmentation, positions: Positions) -> Any:  # noqa: ANN401 - a tensor
    """Return the index of each position, int32[N], from 0 to `position_count` - 1."""
    side = 2 * augmentation.shift + 1
    flip, down, right = (positions[:, axis] for axis in range(3))
    return (flip * side + down + augmentation.shift) * side + right + augmentation.shift


def flip_and_shift(images: Any, positions: Positions, reach: int) -> Any:  # noqa: ANN401 - tensors
    """Mirror and shift images; pixels that come in from outside are black.

    Args:
        images: [N,28,28] of any dtype.
        positions: int32[N,3], one position per image.
        reach: The largest shift in pixels.

    Returns:
        [N,28,28] of the same dtype.
    """
    tf = keras_library.tensorflow()
    height, width = IMAGE_SHAPE
    flip, down, right = (positions[:, axis, None] for axis in range(3))
    padded = tf.pad(images, [[0, 0], [reach, reach], [reach, reach]])
    rows = tf.range(height) + reach - down
    columns = tf.range(width) + reach - right
    columns = tf.where(flip == 1, width + 2 * reach - 1 - columns, columns)
    return tf.gather(tf.gather(padded, rows, batch_dims=1), columns, axis=2, batch_dims=1)


def erase_squares(images: Any, share: float, key: Any) -> Any:  # noqa: ANN401 - tensors
    """Paint a black square with a side of 3, 5, 7 or 9 pixels into some of the images.

    This is cutout (DeVries and Taylor, 2017, arXiv 1708.04552).

    Args:
        images: [N,28,28].
        share: The share of images that get a square, 0..1.
        key: int32[2], the seed.
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


def rescale(images: Any) -> Any:  # noqa: ANN401 - tensors
    """Convert uint8 pixels to float32 in 0..1, the input of every network that is trained here."""
    tf = keras_library.tensorflow()
    return tf.cast(images, tf.float32) * PIXEL_SCALE


def _salted(key: Any, salt: int) -> Any:  # noqa: ANN401 - tensors
    """Return another seed for each thing that is drawn in one step."""
    return keras_library.tensorflow().add(key, (0, salt))
