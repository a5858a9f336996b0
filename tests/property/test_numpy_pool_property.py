"""The NumPy runtime with a pool in front: what a plain loop over squares computes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.errors import ModelUnreadableError
from fmnist_edge.runtimes import numpy_
from fmnist_edge.session import SessionOptions, classify
from tests.examples import bare, npz

SIDES = [1, 2, 4, 7, 14, 28]


@given(st.sampled_from(SIDES), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_first_layer_takes_the_means_of_squares(side: int, batch: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = 28 // side
    kernel = random.normal(size=(rows**2, 10)).astype(np.float32)
    bias = random.normal(size=10).astype(np.float32)
    images = random.integers(0, 256, (4, 28, 28), np.uint8)
    arrays = {"activations": np.array(["linear"]), "kernel_0": kernel, "bias_0": bias}
    payload = npz({**arrays, "pool": np.array(side, np.int32)})
    session = numpy_.open(bare(payload), SessionOptions(batch=batch))
    expected = np.empty((4, 10))
    for index, image in enumerate(images / 255):
        means = [
            image[row : row + side, column : column + side].mean()
            for row in range(0, 28, side)
            for column in range(0, 28, side)
        ]
        expected[index] = np.array(means) @ kernel + bias
    assert session.input.shape == (None, 28, 28)
    np.testing.assert_allclose(classify(session, images), expected, atol=1e-4)


@given(st.sampled_from([np.array(0), np.array(-2), np.array(2.0), np.array([2]), np.array(3)]))
def test_a_pool_that_fits_no_image_is_refused(
    pool: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
) -> None:
    arrays = {
        "activations": np.array(["linear"]),
        "kernel_0": np.zeros((196, 10), np.float32),
        "bias_0": np.zeros(10, np.float32),
        "pool": pool,
    }
    with pytest.raises(ModelUnreadableError, match="pool"):
        numpy_.open(bare(npz(arrays)), SessionOptions())
