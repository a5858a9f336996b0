"""Statistics agree with their definitions, and packed samples with what was packed."""

import base64
import tracemalloc
import zlib
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from math import comb
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmnist_edge.bench import statistics
from fmnist_edge.bench.accuracy import decode_labels, encode_labels
from fmnist_edge.errors import ResultUnreadableError
from fmnist_edge.records import replace
from fmnist_edge.result import Samples
from fmnist_edge.stats import classification, intervals
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
    found = intervals.percentile(np.array(ordered, np.uint64), percent / 100)
    enough = Fraction(percent, 100) * len(ordered)
    assert found == next(
        each for each in ordered if sum(other <= each for other in ordered) >= enough
    )


@given(st.integers(0, 400), st.integers(1, 99))
@example(64, 90)
@example(63, 90)
def test_early_stopping_keeps_to_the_tail_of_the_binomial_distribution(
    count: int, percent: int
) -> None:
    slow = Fraction(100 - percent, 100)
    t = tail = 0
    while (tail := tail + comb(count, t) * slow**t * (1 - slow) ** (count - t)) <= Fraction(1, 100):
        t += 1
    found = intervals.early_stopping_percentile(np.arange(1, count + 1), percent / 100)
    assert found == (count + 2 - t if t > 1 else None)


@given(st.lists(_durations, min_size=1, max_size=4))
def test_latency_is_that_of_all_samples_of_all_processes(processes: list[list[int]]) -> None:
    latency = statistics.back_to_back([measured(each) for each in processes])
    pooled = sorted(chain.from_iterable(processes))
    assert latency.samples == len(pooled)
    assert latency.mean_ns == pytest.approx(sum(pooled) / len(pooled))
    assert (latency.min_ns, latency.max_ns) == (pooled[0], pooled[-1])
    medians = tuple(sorted(p)[(len(p) - 1) // 2] for p in processes)
    assert latency.process_p50_ns == medians
    assert latency.p50_ns == pytest.approx(sum(medians) / len(medians))
    interval = latency.p50_interval_ns
    assert interval is None or interval.low <= latency.p50_ns <= interval.high
    bounds = [each.bound_ns for each in latency.percentiles if each.bound_ns is not None]
    assert bounds == sorted(bounds)
    assert all(
        (each.bound_ns is None) == (each.refusal is not None) for each in latency.percentiles
    )


@given(_durations, st.randoms())
def test_the_order_of_samples_does_not_matter(durations: list[int], random: Random) -> None:
    shuffled = list(durations)
    random.shuffle(shuffled)
    before, after = (statistics.back_to_back([measured(each)]) for each in (durations, shuffled))
    assert before == after


@given(_durations, st.lists(st.integers(0, 50), max_size=20).map(tuple))
def test_whatever_the_turns_say_a_drift_is_a_factor(
    durations: list[int], turns: tuple[int, ...]
) -> None:
    hot = replace(measured(durations).back_to_back, turn_samples=turns)
    drift, spread = statistics.drift(hot), statistics.turn_spread([hot])
    assert drift is None or drift >= 1
    assert spread is None or spread >= 0


@given(st.lists(st.integers(0, 9), max_size=50) | st.lists(st.integers(0, 2**40), max_size=50))
def test_labels_are_decoded_as_they_were_encoded(labels: list[int]) -> None:
    text = encode_labels(np.array(labels, np.int64))
    assert decode_labels(text).tolist() == labels


@given(st.text(max_size=20) | st.text("0123456789 ", max_size=20))
def test_text_is_labels_or_refused(text: str) -> None:
    with suppress(ResultUnreadableError):
        assert decode_labels(text).min(initial=0) >= 0


@given(st.data(), st.integers(0, 10**6), st.floats(0.5, 0.999))
def test_wilsons_interval_holds_what_was_seen(
    data: st.DataObject, trials: int, confidence: float
) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = classification.wilson_interval(successes, trials, confidence)
    assert 0 <= low <= high <= 1
    assert trials == 0 or low <= successes / trials <= high
    mirrored = classification.wilson_interval(trials - successes, trials, confidence)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemars_test_is_that_of_a_coin(lost: int, gained: int) -> None:
    total, fewer = lost + gained, min(lost, gained)
    tail = sum(Fraction(comb(total, k), 2**total) for k in range(fewer + 1))
    p_value = classification.mcnemar_p_value(lost, gained)
    assert p_value == pytest.approx(float(min(Fraction(1), 2 * tail)), rel=1e-12)
    assert p_value == classification.mcnemar_p_value(gained, lost)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50),
    st.integers(1, 30),
)
def test_a_calibration_error_is_a_share(images: list[tuple[float, bool]], bins: int) -> None:
    confidence, correct = (np.array(column) for column in zip(*images, strict=True))
    error = classification.calibration_error(confidence, correct, bins)
    overall = abs(float(np.mean(confidence)) - float(np.mean(correct)))
    assert overall - 1e-9 <= error <= 1 + 1e-9


@given(
    st.lists(st.tuples(*[st.floats(1, 1e9)] * 2), min_size=1, max_size=8),
    st.floats(0.01, 100),
)
def test_a_ratio_lies_in_its_interval_and_turns_round(
    pairs: list[tuple[float, float]], unit: float
) -> None:
    before, after = ([pair[side] for pair in pairs] for side in (0, 1))
    for estimate in (intervals.paired_ratio, intervals.unpaired_ratio):
        found, back = estimate(before, after), estimate(after, before)
        assert found.low <= found.ratio * (1 + 1e-9)
        assert found.ratio <= found.high * (1 + 1e-9)
        assert back.ratio == pytest.approx(1 / found.ratio)
        scaled = estimate([unit * each for each in before], [unit * each for each in after])
        assert scaled.ratio == pytest.approx(found.ratio)


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


def test_a_small_text_cannot_fill_the_memory() -> None:
    bomb = base64.b64encode(zlib.compress(bytes(1 << 25), level=9)).decode()
    assert len(bomb) < 50_000
    tracemalloc.start()
    with pytest.raises(ResultUnreadableError, match="not the 3 they claim to be"):
        Samples(3, bomb).unpack()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
