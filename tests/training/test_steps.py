"""The compiled step learns, repeats itself, and says when it has gone wrong."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.dataset import Dataset, Split
from fmnist_edge.errors import CheckpointError, TrainingError
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import replace
from fmnist_edge.session import scale_pixels
from fmnist_edge.training.checkpoint import Identity, read, write
from fmnist_edge.training.distillation import compute_teacher_logits
from fmnist_edge.training.fit import accuracy, fit
from fmnist_edge.training.optimizers import learning_rate
from fmnist_edge.training.options import EpochCallback, FitResult, TrainOptions
from fmnist_edge.training.preset import (
    Architecture,
    Augmentation,
    Convolution,
    Distillation,
    FineTuning,
    Optimizer,
    Preset,
    Schedule,
)

RANDOM = np.random.default_rng(0)


def _bars(number: int) -> Split:
    """Images with a bright row, whose height is the class: learned in moments."""
    labels = np.arange(number, dtype=np.uint8) % 10
    images = RANDOM.integers(0, 60, (number, 28, 28), np.uint8)
    images[np.arange(number), 4 + 2 * labels] = 255
    return Split(images, labels)


DATA = Dataset(_bars(640), _bars(200), _bars(10), "d" * 64)
PRESET = Preset(
    "bars",
    "for these tests",
    Architecture(hidden=(16,), normalize=True, standardize=True),
    optimizer=Optimizer("adamw", 1e-2, 0.01),
    schedule=Schedule(epochs=4, batch_size=32, decay="cosine", warmup=0.1, averaging=0.9),
    augmentation=Augmentation(flip=True, erase=0.2),
)
CONVOLUTIONAL = replace(
    PRESET,
    architecture=Architecture(convolutions=(Convolution(5, 3, 4, 1),), hidden=(8,), normalize=True),
    fine_tuning=FineTuning(2, 1e-3),
)
VARIANTS: Mapping[str, Preset] = {
    "averaged": PRESET,
    "convolutional": CONVOLUTIONAL,
    "patient": replace(
        PRESET,
        architecture=Architecture(hidden=(16,)),
        optimizer=Optimizer("adam", 3e-3),
        schedule=Schedule(epochs=6, batch_size=32, patience=2),
    ),
}


def _weights(fitted: FitResult) -> list[np.ndarray]:
    return [np.asarray(each) for each in fitted.model.weights]


@pytest.mark.parametrize("kind", VARIANTS)
def test_it_learns_and_does_the_same_again(kind: str) -> None:
    epochs: list[int] = []
    preset = VARIANTS[kind]
    first = fit(
        preset, DATA, TrainOptions(3, on_epoch_end=lambda epoch, _: epochs.append(epoch)), SILENT
    )
    assert accuracy(first.model, DATA.validation) > 0.9
    assert epochs == list(range(1, first.epochs + 1))
    assert first.epochs <= preset.epochs
    assert first.history["val_accuracy"][first.best_epoch - 1] > 0.9
    again = fit(preset, DATA, TrainOptions(3), SILENT)
    assert again.history == first.history
    for one, two in zip(_weights(first), _weights(again), strict=True):
        np.testing.assert_array_equal(one, two)
    other = fit(preset, DATA, TrainOptions(4), SILENT)
    assert other.history != first.history


class _Messages(Progress):
    """Collects what is said, and counts the steps that are left."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.left = 0

    def start(self, _: str, total: int | None) -> None:
        assert total is not None
        self.left = total

    def advance(self, steps: int = 1, *, note: str = "") -> None:  # noqa: ARG002 - Progress
        self.left -= steps

    def finish(self) -> None:
        pass

    def say(self, message: str) -> None:
        self.said.append(message)


def test_a_training_that_stops_early_says_so_and_ends_its_bar() -> None:
    # Steps of this size change nothing, so no epoch is better than the first.
    still = replace(
        VARIANTS["patient"],
        optimizer=Optimizer("adam", 1e-38),
        schedule=Schedule(epochs=6, batch_size=32, patience=2),
    )
    progress = _Messages()
    assert fit(still, DATA, TrainOptions(3), progress).epochs == 3
    assert progress.left == 0
    (said,) = progress.said
    assert said.startswith("bars stopped early at epoch 3 of 6; the weights of epoch 1,")


class _PowerCutError(Exception):
    """What a test ends a training with."""


def _after_one_epoch() -> EpochCallback:
    """Lets one epoch end well, and cuts the power in the next, before it is kept."""
    seen: list[int] = []

    def watch(epoch: int, _: Mapping[str, float]) -> None:
        seen.append(epoch)
        if len(seen) > 1:
            raise _PowerCutError

    return watch


@pytest.mark.parametrize("kind", VARIANTS)
def test_cut_off_in_every_epoch_it_ends_the_same(kind: str, tmp_path: Path) -> None:
    preset, path = VARIANTS[kind], tmp_path / "x.checkpoint"
    whole = fit(preset, DATA, TrainOptions(3), SILENT)
    cuts = 0
    while True:
        options = TrainOptions(3, path, resume=cuts > 0, on_epoch_end=_after_one_epoch())
        try:
            parts = fit(preset, DATA, options, SILENT)
        except _PowerCutError:
            cuts += 1
        else:
            break
    assert cuts == whole.epochs - 1
    assert parts.history == whole.history
    assert parts.best_epoch == whole.best_epoch
    for one, two in zip(_weights(parts), _weights(whole), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_checkpoint_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.checkpoint"
    fit(PRESET, DATA, TrainOptions(3, path), SILENT)
    identity = Identity(PRESET.name, PRESET.fingerprint, 3, DATA.sha256)
    kept = read(path, identity)
    write(path, replace(kept, variables=kept.variables[1:]))
    with pytest.raises(CheckpointError, match="holds other variables"):
        fit(PRESET, DATA, TrainOptions(3, path, resume=True), SILENT)


def test_a_loss_that_is_no_number_stops_it_and_keeps_the_epoch_before(tmp_path: Path) -> None:
    path = tmp_path / "x.checkpoint"
    wild = replace(
        PRESET,
        architecture=Architecture(hidden=(16,)),
        optimizer=Optimizer("adam", 1e38),
        schedule=Schedule(epochs=9, batch_size=32),
    )
    with pytest.raises(
        TrainingError, match=r"The loss is (nan|inf) in epoch \d+, step \d+"
    ) as caught:
        fit(wild, DATA, TrainOptions(0, path), SILENT)
    assert caught.value.hint
    assert path.exists() == ("is kept in" in caught.value.hint)


def test_a_teacher_is_learned_from() -> None:
    taught = replace(PRESET, distillation=Distillation("teacher", weight=1.0))
    knowing = fit(replace(PRESET, deploy=False), DATA, TrainOptions(3), SILENT)
    scores = compute_teacher_logits(knowing.model, DATA.train, PRESET.augmentation, SILENT)
    assert scores.values.shape == (2, 640, 10)
    logits = np.asarray(knowing.model(scale_pixels(DATA.train.images[:, :, ::-1])))
    np.testing.assert_allclose(scores.values[1], logits, atol=0.05, rtol=0.01)
    # All labels are wrong: what the student knows, it has from the teacher alone.
    misled = replace(DATA, train=Split(DATA.train.images, np.zeros(640, np.uint8)))
    student = fit(taught, misled, TrainOptions(3, teacher=scores), SILENT)
    assert accuracy(student.model, DATA.validation) > 0.9


def test_the_step_size_rises_and_falls() -> None:
    schedule = Schedule(epochs=10, batch_size=64, decay="cosine", warmup=0.1)
    rate = learning_rate(schedule, 1e-2, 100)
    sizes = [float(rate(step)) for step in range(100)]
    assert sizes[0] == 0
    assert sizes[10] == pytest.approx(1e-2)
    assert sizes == sorted(sizes[:11]) + sorted(sizes[11:], reverse=True)
    assert sizes[-1] < 1e-5


def test_a_last_step_that_spoils_the_weights_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.checkpoint"
    # One step per epoch: its own loss is still a number.
    wild = replace(
        PRESET,
        architecture=Architecture(hidden=(16, 16)),
        optimizer=Optimizer("adam", 1e38),
        schedule=Schedule(epochs=2, batch_size=640),
    )
    with pytest.raises(TrainingError, match="epoch 1, step 1, on validation") as caught:
        fit(wild, DATA, TrainOptions(0, path), SILENT)
    assert "Nothing was written" in caught.value.hint
    assert not path.exists()


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (np.zeros((2, 28, 28), np.float32), np.zeros(2, np.uint8), "float32[2,28,28], not uint8"),
        (np.zeros((2, 32, 32), np.uint8), np.zeros(2, np.uint8), "uint8[2,32,32], not uint8"),
        (np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8), "uint8[0,28,28], not uint8"),
        (np.zeros((2, 28, 28), np.uint8), np.array([3, 10]), "label of image 1 is 10"),
        (np.zeros((2, 28, 28), np.uint8), np.array([-1, 3]), "label of image 0 is -1"),
        (np.zeros((2, 28, 28), np.uint8), np.zeros((2, 10)), "float64[2,10], not one whole"),
    ],
)
def test_data_of_another_form_is_refused(images: np.ndarray, labels: np.ndarray, says: str) -> None:
    with pytest.raises(TrainingError) as caught:
        fit(PRESET, replace(DATA, train=Split(images, labels)), TrainOptions(0), SILENT)
    assert says in caught.value.message
    assert caught.value.hint
