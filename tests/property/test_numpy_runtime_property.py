"""A damaged file of plain arrays is refused in words, whichever byte is wrong."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.runtimes import numpy_
from fmnist_edge.session import SessionOptions
from tests.examples import bare, npz

_MODEL = npz(
    {
        "activations": np.array(["relu"]),
        "kernel_0": np.ones((784, 10), np.float32),
        "bias_0": np.zeros(10, np.float32),
    }
)


@given(st.integers(0, len(_MODEL) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_harmless(position: int, flips: int) -> None:
    payload = bytearray(_MODEL)
    payload[position] ^= flips
    white = np.ones((1, 28, 28), np.float32)
    with contextlib.suppress(ModelUnreadableError, ModelUnsupportedError):
        # Whatever still opens computes what the whole file computes.
        answer = numpy_.open(bare(bytes(payload)), SessionOptions()).run(white)
        assert answer.tolist() == [[784.0] * 10]


@given(st.integers(0, len(_MODEL) - 1))
def test_every_truncation_is_refused(kept: int) -> None:
    with pytest.raises(ModelUnreadableError):
        numpy_.open(bare(_MODEL[:kept]), SessionOptions())


@given(st.binary(max_size=100))
def test_any_other_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(ModelUnreadableError):
        numpy_.open(bare(payload), SessionOptions())
