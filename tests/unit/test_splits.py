"""The splits are cut the same way for ever, and subsets are balanced."""

from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.dataset import (
    DATASET_SHA256,
    TRAIN_FILES,
    Dataset,
    Split,
    load,
    load_test,
    load_test_images,
    load_train,
    load_train_labels,
    stratified,
)
from fmnist_edge.dataset.catalog import TEST_IMAGES, TEST_LABELS, TRAIN_LABELS
from fmnist_edge.dataset.idx import decode_labels
from fmnist_edge.dataset.splits import validation_indices
from fmnist_edge.dataset.verify import path_of, read_verified
from fmnist_edge.errors import UsageError
from fmnist_edge.files import sha256_of


@pytest.fixture(scope="module")
def dataset(real_data_folder: Path) -> Dataset:
    return load(real_data_folder)


@pytest.fixture(scope="module")
def indices(real_data_folder: Path) -> np.ndarray:
    return validation_indices(decode_labels(read_verified(real_data_folder, TRAIN_LABELS), "x"))


def _counts(split: Split) -> list[int]:
    return np.bincount(split.labels, minlength=10).tolist()


def _sample(*, per_class: int = 20) -> Split:
    """Images that carry their own row number, so that a choice can be recognised."""
    labels = np.tile(np.arange(10, dtype=np.uint8), per_class)
    images = np.zeros((len(labels), 28, 28), dtype=np.uint8)
    images[:, 0, 0] = np.arange(len(labels))
    return Split(images, labels)


def _rows(split: Split) -> list[int]:
    return split.images[:, 0, 0].tolist()


def test_the_validation_cut_never_changes(indices: np.ndarray) -> None:
    assert indices.shape == (5000,)
    assert (
        sha256_of(indices.astype(">u4").tobytes())
        == "7ae41c7d840794af99f617cc3f633546fbe7ebc71da5c1da62d22af520c020c1"
    )


def test_validation_indices_are_ascending_and_differ(indices: np.ndarray) -> None:
    assert (np.diff(indices) > 0).all()
    assert indices[0] >= 0
    assert indices[-1] < 60_000


def test_splits_have_the_designed_sizes(dataset: Dataset) -> None:
    assert dataset.train.images.shape == (55_000, 28, 28)
    assert dataset.validation.images.shape == (5_000, 28, 28)
    assert dataset.test.images.shape == (10_000, 28, 28)
    assert dataset.sha256 == DATASET_SHA256


def test_every_split_is_balanced(dataset: Dataset) -> None:
    assert _counts(dataset.train) == [5500] * 10
    assert _counts(dataset.validation) == [500] * 10
    assert _counts(dataset.test) == [1000] * 10


def test_train_and_validation_make_up_the_published_training_file(
    dataset: Dataset, indices: np.ndarray, real_data_folder: Path
) -> None:
    published = decode_labels(read_verified(real_data_folder, TRAIN_LABELS), "labels")
    rest = np.setdiff1d(np.arange(60_000), indices)
    assert len(rest) == 55_000
    np.testing.assert_array_equal(dataset.validation.labels, published[indices])
    np.testing.assert_array_equal(dataset.train.labels, published[rest])


def test_no_array_can_be_written_to(dataset: Dataset) -> None:
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert not split.images.flags.writeable
        assert not split.labels.flags.writeable


def test_the_test_split_needs_no_training_files(real_data_folder: Path, tmp_path: Path) -> None:
    for file in (TEST_IMAGES, TEST_LABELS):
        path = path_of(real_data_folder, file)
        (tmp_path / path.name).symlink_to(path)
    test = load_test(tmp_path)
    assert len(test) == 10_000
    assert test.labels[:8].tolist() == [9, 2, 1, 1, 6, 1, 4, 6]


@pytest.mark.parametrize("count", [1, 300, 10_000])
def test_the_first_test_images_are_those_of_the_split(
    dataset: Dataset, real_data_folder: Path, count: int
) -> None:
    first = load_test_images(real_data_folder, count)
    np.testing.assert_array_equal(first, dataset.test.images[:count])
    assert not first.flags.writeable


def test_the_training_splits_need_no_test_files(
    dataset: Dataset, real_data_folder: Path, tmp_path: Path
) -> None:
    for file in TRAIN_FILES:
        path = path_of(real_data_folder, file)
        (tmp_path / path.name).symlink_to(path)
    train, validation = load_train(tmp_path)
    np.testing.assert_array_equal(train.images, dataset.train.images)
    np.testing.assert_array_equal(validation.labels, dataset.validation.labels)


def test_the_training_labels_need_no_images(
    dataset: Dataset, real_data_folder: Path, tmp_path: Path
) -> None:
    path = path_of(real_data_folder, TRAIN_LABELS)
    (tmp_path / path.name).symlink_to(path)
    np.testing.assert_array_equal(load_train_labels(tmp_path), dataset.train.labels)


def test_a_split_needs_a_label_for_each_image() -> None:
    with pytest.raises(ValueError, match="2 images, but 3 labels"):
        Split(np.zeros((2, 28, 28), np.uint8), np.zeros(3, np.uint8))


def test_a_subset_has_every_class_as_often() -> None:
    assert _counts(stratified(_sample(), 50, seed=1)) == [5] * 10


def test_an_uneven_subset_is_as_equal_as_possible() -> None:
    assert _counts(stratified(_sample(), 23, seed=1)) == [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]
    assert len(stratified(_sample(), 1, seed=1)) == 1


def test_a_short_class_gives_all_it_has() -> None:
    sample = _sample()
    without_most_of_nine = sample.take(np.flatnonzero((sample.labels != 9) | (_nth(sample) < 1)))
    assert _counts(stratified(without_most_of_nine, 46, seed=1)) == [5] * 9 + [1]


def _nth(sample: Split) -> np.ndarray:
    return np.arange(len(sample)) // 10


def test_a_subset_depends_on_the_seed_alone() -> None:
    first, again, other = (stratified(_sample(), 40, seed=seed) for seed in (7, 7, 8))
    assert _rows(first) == _rows(again)
    assert _rows(first) != _rows(other)


def test_a_subset_keeps_the_order_and_repeats_nothing() -> None:
    rows = _rows(stratified(_sample(), 40, seed=7))
    assert rows == sorted(set(rows))
    assert len(rows) == 40


def test_a_subset_may_be_the_whole_split() -> None:
    sample = _sample()
    everything = stratified(sample, len(sample), seed=0)
    np.testing.assert_array_equal(everything.images, sample.images)
    np.testing.assert_array_equal(everything.labels, sample.labels)


@pytest.mark.parametrize("count", [0, -1, 201])
def test_an_impossible_count_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match=f"{count} examples cannot be chosen: there are 200"):
        stratified(_sample(), count, seed=0)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_an_impossible_seed_is_refused(seed: int) -> None:
    with pytest.raises(UsageError, match="is no seed"):
        stratified(_sample(), 10, seed=seed)
