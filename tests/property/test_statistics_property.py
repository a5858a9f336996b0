"""Statistics agree with their definitions, and packed samples with what was packed."""

import base64
import tracemalloc
import zlib
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmnist_edge.bench import statistics
from fmnist_edge.errors import ResultUnreadableError
from fmnist_edge.result import Samples
from tests.examples import measured
from tests.strategies import json_values, nanoseconds

_durations = st.lists(st.integers(0, 2**40), min_size=1, max_size=200)


@given(_durations, st.integers(1, 100))
@example(list(range(10)), 90)
@example(list(range(100)), 7)
def test_a_percentile_is_the_smallest_sample_that_the_share_does_not_exceed(
    durations: list[int], percent: int
) -> None:
    ordered = sorted(durations)
    found = statistics.percentile(np.array(ordered, np.uint64), percent / 100)
    enough = Fraction(percent, 100) * len(ordered)
    assert found == next(
        each for each in ordered if sum(other <= each for other in ordered) >= enough
    )


@given(st.lists(_durations, min_size=1, max_size=4))
def test_latency_is_that_of_all_samples_of_all_processes(processes: list[list[int]]) -> None:
    latency = statistics.latency([measured(each) for each in processes])
    pooled = sorted(chain.from_iterable(processes))
    assert latency.count == len(pooled)
    assert latency.fastest == pooled[0]
    assert latency.mean == pytest.approx(sum(pooled) / len(pooled))
    assert latency.fastest <= latency.p50 <= latency.p90 <= latency.p99 <= pooled[-1]
    assert latency.p50 == pooled[(len(pooled) - 1) // 2]
    assert latency.process_medians == tuple(sorted(p)[(len(p) - 1) // 2] for p in processes)


@given(_durations, st.randoms())
def test_the_order_of_samples_does_not_matter(durations: list[int], random: Random) -> None:
    shuffled = list(durations)
    random.shuffle(shuffled)
    assert statistics.latency([measured(durations)]) == statistics.latency([measured(shuffled)])


@given(nanoseconds)
def test_samples_are_unpacked_as_they_were_packed(taken: NDArray[np.uint64]) -> None:
    samples = Samples.pack(taken)
    assert samples.count == len(taken)
    np.testing.assert_array_equal(samples.unpack(), taken, strict=True)


@given(nanoseconds, st.integers(-(2**70), 2**70))
def test_a_count_that_lies_is_found_out(taken: NDArray[np.uint64], count: int) -> None:
    if count != len(taken):
        with pytest.raises(ResultUnreadableError):
            Samples(count, Samples.pack(taken).data).unpack()


@given(nanoseconds, st.data())
def test_a_changed_byte_of_packed_samples_is_found_out_or_harmless(
    taken: NDArray[np.uint64], data: st.DataObject
) -> None:
    samples = Samples.pack(taken)
    packed = bytearray(base64.b64decode(samples.data))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = Samples(samples.count, base64.b64encode(packed).decode())
    with suppress(ResultUnreadableError):  # zlib's streams hold a few bits that mean nothing
        np.testing.assert_array_equal(damaged.unpack(), taken)


@given(nanoseconds, st.data())
def test_shortened_samples_are_found_out(taken: NDArray[np.uint64], data: st.DataObject) -> None:
    samples = Samples.pack(taken)
    kept = data.draw(st.integers(0, len(samples.data) - 1))
    with pytest.raises(ResultUnreadableError):
        Samples(samples.count, samples.data[:kept]).unpack()


@given(st.text(max_size=20) | json_values.map(str), st.integers(0, 5))
def test_text_that_was_never_packed_is_refused(text: str, count: int) -> None:
    with pytest.raises(ResultUnreadableError):
        Samples(count, text).unpack()


def test_a_bomb_is_not_blown_up() -> None:
    bomb = base64.b64encode(zlib.compress(bytes(1 << 25), level=9)).decode()
    assert len(bomb) < 50_000
    tracemalloc.start()
    with pytest.raises(ResultUnreadableError, match="not the 3 they claim to be"):
        Samples(3, bomb).unpack()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
