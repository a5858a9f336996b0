"""Calibration images: from train alone, or the user's own."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.artifact import Calibration
from fmnist_edge.dataset import Split
from fmnist_edge.errors import UsageError
from fmnist_edge.pipeline.calibration import from_file, from_train

_TRAIN = Split(
    np.arange(200 * 784, dtype=np.uint32).astype(np.uint8).reshape(200, 28, 28),
    np.tile(np.arange(10, dtype=np.uint8), 20),
)


def _save(folder: Path, **arrays: NDArray[np.generic]) -> Path:
    path = folder / "mine.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_images_of_train_are_the_same_each_time() -> None:
    first, again = from_train(_TRAIN, 50), from_train(_TRAIN, 50)
    assert np.array_equal(first.images, again.images)
    assert first.images.shape == (50, 28, 28)
    assert first.record("minmax") == Calibration("train", 50, 0, "minmax")


@pytest.mark.parametrize("count", [-1, 0, 31, 201])
def test_too_few_or_too_many_images_of_train_are_refused(count: int) -> None:
    with pytest.raises(UsageError):
        from_train(_TRAIN, count)


def test_the_users_images_are_all_taken(tmp_path: Path) -> None:
    path = _save(tmp_path, images=_TRAIN.images[:40], labels=_TRAIN.labels[:40])
    mine = from_file(path)
    assert np.array_equal(mine.images, _TRAIN.images[:40])
    assert mine.record("minmax") == Calibration("mine.npz", 40, None, "minmax")


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (_TRAIN.images[:31], "holds 31 images; 32 are the least"),
        (_TRAIN.images[:40].astype(np.float32), r"are float32\[40,28,28\], not uint8"),
        (_TRAIN.images[:40, :20], r"are uint8\[40,20,28\], not uint8"),
        (_TRAIN.images[:40, ..., None], r"are uint8\[40,28,28,1\], not uint8"),
        (np.array([{}] * 40), "cannot be read: Object arrays cannot be loaded"),
    ],
)
def test_other_images_are_refused_in_a_sentence(
    tmp_path: Path, images: NDArray[np.generic], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        from_file(_save(tmp_path, images=images))


def test_a_file_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mine\.npz holds no array called images"):
        from_file(_save(tmp_path, pictures=_TRAIN.images))
    with pytest.raises(UsageError, match=r"nowhere\.npz cannot be read: .*No such"):
        from_file(tmp_path / "nowhere.npz")
    text = tmp_path / "text.npz"
    text.write_text("not a zip file")
    with pytest.raises(UsageError, match=r"text\.npz cannot be read"):
        from_file(text)
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as archive:
        archive.writestr("images.npy", b"nonsense")
    with pytest.raises(UsageError, match=r"odd\.npz cannot be read"):
        from_file(tmp_path / "odd.npz")
