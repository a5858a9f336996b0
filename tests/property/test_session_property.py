"""Whatever the batch size and the quantization, every image gets its own scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmnist_edge.artifact import Quantization, TensorSpec
from fmnist_edge.session import classify, decode_scores, prepare_images
from tests.examples import OUTPUT


class FirstPixels:
    """A session whose scores are an image's first ten pixels; it takes full batches only."""

    input = TensorSpec("image", (None, 28, 28), "uint8")
    output = OUTPUT
    used: Mapping[str, str] = {}

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self._answer = np.empty((batch, 10), np.uint8)

    def prepare(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        return prepare_images(images, self.input)

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        assert tensor.shape == (self.batch, 28, 28)
        self._answer[:] = tensor[:, 0, :10]  # one buffer for all calls, as real runtimes have it
        return self._answer

    def decode(self, output: NDArray[Any]) -> NDArray[np.float32]:
        return decode_scores(output, self.output)

    def close(self) -> None:
        pass


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_every_image_gets_its_own_scores_at_any_batch_size(
    count: int, batch: int, seed: int
) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)
    scores = classify(FirstPixels(batch), images)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, images[:, 0, :10])


@given(st.sampled_from(["int8", "uint8"]), st.floats(1 / 512, 1), st.data())
def test_a_quantized_pixel_stands_for_its_value_to_half_a_step(
    dtype: str, scale: float, data: st.DataObject
) -> None:
    images = np.resize(np.arange(256, dtype=np.uint8), (1, 28, 28))
    limits = np.iinfo(dtype)
    zero_point = data.draw(st.integers(int(limits.min), int(limits.max)))
    spec = TensorSpec("image", (1, 28, 28), dtype, Quantization(scale, zero_point))
    stored = prepare_images(images, spec)
    assert stored.dtype == dtype
    # What lies beyond the type's range becomes the nearest value within.
    low, high = (scale * (int(limit) - zero_point) for limit in (limits.min, limits.max))
    reachable = np.clip(images / 255, low, high)
    real = scale * (stored.astype(np.float64) - zero_point)
    assert np.abs(real - reachable).max() <= scale * 0.5001


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=20), st.integers(-128, 127))
def test_scores_are_scale_times_distance_from_the_zero_point(
    stored: list[int], zero_point: int
) -> None:
    spec = TensorSpec("scores", (1, len(stored)), "int8", Quantization(1 / 256, zero_point))
    scores = decode_scores(np.array([stored], np.int8), spec)
    assert scores.tolist() == [[(value - zero_point) / 256 for value in stored]]
