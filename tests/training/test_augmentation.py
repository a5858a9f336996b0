"""Images are moved as a hand would move them, and the same seed moves them the same way."""

import numpy as np
import pytest

from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.training.augmentation import (
    draw_positions,
    erase_squares,
    flip_and_shift,
    position_count,
    position_indices,
)
from fmnist_edge.training.distillation import all_positions
from fmnist_edge.training.preset import Augmentation

IMAGES = np.random.default_rng(0).integers(1, 256, (5, 28, 28), np.uint8)
EVERYTHING = Augmentation(flip=True, shift=2)


def _by_hand(image: np.ndarray, flip: int, down: int, right: int) -> np.ndarray:
    height, width = image.shape
    if flip:
        image = image[:, ::-1]
    answer = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            from_row, from_column = row - down, column - right
            if 0 <= from_row < height and 0 <= from_column < width:
                answer[row, column] = image[from_row, from_column]
    return answer


@pytest.mark.parametrize("position", [(0, 0, 0), (1, 0, 0), (0, 2, -1), (1, -2, 1), (1, 1, 2)])
def test_an_image_is_mirrored_and_shifted(position: tuple[int, int, int]) -> None:
    positions = np.tile(np.array(position, np.int32), (len(IMAGES), 1))
    found = flip_and_shift(IMAGES, positions, 2).numpy()
    for before, after in zip(IMAGES, found, strict=True):
        np.testing.assert_array_equal(after, _by_hand(before, *position))


def test_every_position_has_a_number_of_its_own_in_order() -> None:
    positions = all_positions(EVERYTHING)
    assert len(positions) == position_count(EVERYTHING) == 50
    np.testing.assert_array_equal(position_indices(EVERYTHING, positions), np.arange(50))


def test_all_positions_are_drawn_about_as_often_and_by_the_seed_alone() -> None:
    tf = tensorflow()
    key = tf.constant([3, 4])
    found = position_indices(EVERYTHING, draw_positions(EVERYTHING, 50_000, key)).numpy()
    seen = np.bincount(found, minlength=50)
    assert len(seen) == 50
    assert seen.min() > 800
    assert seen.max() < 1200
    again = position_indices(EVERYTHING, draw_positions(EVERYTHING, 50_000, key)).numpy()
    np.testing.assert_array_equal(found, again)
    other = position_indices(
        EVERYTHING, draw_positions(EVERYTHING, 50_000, tf.constant([3, 12]))
    ).numpy()
    assert np.mean(found == other) < 0.05


def test_originals_are_not_shifted() -> None:
    half = Augmentation(flip=True, shift=1, originals=0.5)
    found = draw_positions(half, 20_000, tensorflow().constant([1, 8])).numpy()
    unmoved = np.mean((found[:, 1:] == 0).all(axis=1))
    assert unmoved == pytest.approx(0.5 + 0.5 / 9, abs=0.02)
    assert found[:, 0].mean() == pytest.approx(0.5, abs=0.02)


def test_without_augmentation_nothing_moves() -> None:
    plain = Augmentation()
    assert position_count(plain) == 1
    assert not draw_positions(plain, 100, tensorflow().constant([1, 8])).numpy().any()


def test_squares_are_painted_into_the_share_of_images_that_was_asked_for() -> None:
    many = np.repeat(IMAGES, 400, axis=0)
    found = erase_squares(many, 0.3, tensorflow().constant([1, 8])).numpy()
    changed = (found != many).any(axis=(1, 2))
    assert changed.mean() == pytest.approx(0.3, abs=0.04)
    black = found == 0
    np.testing.assert_array_equal(black, found != many)
    rows, columns = black.any(axis=2).sum(axis=1), black.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(black.sum(axis=(1, 2)), rows * columns)
    assert max(rows.max(), columns.max()) <= 10
