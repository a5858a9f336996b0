"""The few steps through a TFLite file end, wherever they lead."""

import contextlib
import struct

from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.runtimes.tflite_quantization import quantizations


@given(st.binary(max_size=200))
def test_any_bytes_are_answered_or_refused(payload: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert len(quantizations(payload)) == 2


@given(st.lists(st.integers(0, 40), min_size=10, max_size=60))
def test_small_offsets_that_lead_in_circles_are_answered_or_refused(words: list[int]) -> None:
    with contextlib.suppress(ValueError):
        assert len(quantizations(struct.pack(f"<{len(words)}I", *words))) == 2
