"""A model is fed with the best there is for it: the user's images, the test images, or noise."""

from typing import Any

import numpy as np
import pytest

from fmnist_edge.artifact import Quantization, TensorSpec
from fmnist_edge.bench.inputs import FirstImages, OwnImages, inputs_for
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.result import Inputs, OwnData
from fmnist_edge.session import SessionOptions
from tests.examples import OUTPUT
from tests.fakes import FakeSession

_IMAGES = np.zeros((3, 28, 28), np.uint8)
_TEST = FirstImages(_IMAGES, 3, lambda count: _IMAGES[:count])


def _session(
    shape: tuple[int | None, ...] = (None, 28, 28),
    dtype: str = "float32",
    *,
    quantization: Quantization | None = None,
    output: TensorSpec = OUTPUT,
) -> FakeSession:
    shapes = (TensorSpec("image", shape, dtype, quantization), output)
    return FakeSession(lambda tensor: tensor, SessionOptions(), shapes)


def _own(labels: Any = None) -> OwnImages:  # noqa: ANN401 - integers or None
    return OwnImages(np.zeros((2, 5), np.float32), labels, OwnData("my.npz", "0" * 64))


@pytest.mark.parametrize("shape", [(None, 28, 28), (1, 784), (None, 28, 28, 1), (1, 1, 28, 28)])
def test_a_classifier_of_our_images_is_fed_with_them(shape: tuple[int | None, ...]) -> None:
    inputs = inputs_for(_session(shape), _TEST, None)
    assert inputs.images is _TEST.images
    assert inputs.record == Inputs("fashion-mnist", 3, labelled=True)


@pytest.mark.parametrize(
    "session",
    [
        _session((None, 32, 32)),
        _session((None, 28, 28), "int64"),
        _session(output=TensorSpec("scores", (None, 7), "float32")),
        _session(output=TensorSpec("boxes", (None, 3, 4), "float32")),
    ],
)
def test_any_other_model_is_fed_with_noise_of_its_shape(session: FakeSession) -> None:
    inputs = inputs_for(session, _TEST, None)
    assert inputs.record == Inputs("synthetic", 256, labelled=False)
    assert inputs.images.shape == (256, *session.input.shape[1:])


def test_noise_is_the_same_each_time_and_not_all_alike() -> None:
    first, second = (inputs_for(_session((None, 5)), None, None).images for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first, axis=0)) == 256


def test_without_test_images_our_own_classifier_is_fed_with_noise() -> None:
    assert inputs_for(_session(), None, None).record.source == "synthetic"


def test_the_users_images_come_first() -> None:
    own = _own()
    inputs = inputs_for(_session(), _TEST, own)
    assert inputs.images is own.images
    assert inputs.record == Inputs("file", 2, labelled=False)
    assert inputs_for(_session(), _TEST, _own(np.array([0, 9]))).record.labelled


@pytest.mark.parametrize(("classes", "largest"), [(10, 10), (7, 9), (3, 2**40)])
def test_labels_beyond_the_scores_of_the_model_are_refused(classes: int, largest: int) -> None:
    session = _session(output=TensorSpec("scores", (None, classes), "float32"))
    problem = f"The labels go up to {largest}, and the model gives {classes} scores"
    with pytest.raises(ModelUnsupportedError, match=problem) as caught:
        inputs_for(session, None, _own(np.array([0, largest])))
    assert "leave out labels" in caught.value.hint
