"""Estimates against SciPy, MLPerf's published figures, and simulations whose truth is known."""

import math
from statistics import fmean

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from fmnist_edge.stats import classification, intervals
from fmnist_edge.stats.intervals import Ratio


def _early(count: int, share: float) -> float | None:
    return intervals.early_stopping_percentile(np.arange(1, count + 1), share)


@pytest.mark.parametrize(("share", "needed"), [(0.9, 64), (0.95, 130), (0.99, 662), (0.999, 6_636)])
def test_percentiles_need_as_many_samples_as_mlperf_asks_for(share: float, needed: int) -> None:
    assert intervals.samples_needed(share) == needed
    assert _early(needed - 1, share) is None
    assert _early(needed, share) == needed  # nothing is discarded yet


# t of LoadGen's criterion for p90; the t-th slowest sample is the bound.
@pytest.mark.parametrize(("count", "t"), [(64, 1), (100, 3), (1000, 78), (1024, 80), (2000, 168)])
def test_early_stopping_discards_as_many_as_mlperf_does(count: int, t: int) -> None:
    assert _early(count, 0.9) == count - t + 1


@pytest.mark.parametrize(
    ("count", "share"),
    [(100_000, 0.9), (1_000_000, 0.99), (10_000_000, 0.9), (10_000_000, 0.999)],
)
def test_early_stopping_is_exact_for_millions(count: int, share: float) -> None:
    # The largest t for which at most t slow calls are seen in at most 1 % of all measurements.
    t = int(scipy.stats.binom.ppf(0.01, count, round(1 - share, 6))) - 1
    assert _early(count, share) == count - t + 1


def test_there_is_no_percentile_of_nothing() -> None:
    assert _early(0, 0.9) is None


def test_percentiles_are_nearest_rank() -> None:
    ten = np.arange(10, 101, 10, dtype=np.uint64)
    shares = (0.5, 0.9, 0.91, 0.99, 1.0)
    assert [intervals.percentile(ten, share) for share in shares] == [50, 90, 100, 100, 100]
    hundred = np.arange(1, 101, dtype=np.uint64)
    shares = (0.001, 0.07, 0.9, 0.99)
    assert [intervals.percentile(hundred, share) for share in shares] == [1, 7, 90, 99]
    assert intervals.percentile(hundred[:1], 0.5) == 1


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("count", [2, 3, 5, 10, 100, 20_001])
def test_an_interval_of_a_mean_is_students(count: int, confidence: float) -> None:
    values = [float(value**2) for value in range(count)]
    expected = scipy.stats.t.interval(
        confidence, count - 1, loc=fmean(values), scale=scipy.stats.sem(values)
    )
    assert intervals.mean_interval(values, confidence) == pytest.approx(expected, rel=1e-3)


def test_a_single_value_has_no_interval() -> None:
    assert intervals.mean_interval([3.0]) is None
    assert intervals.mean_interval([]) is None
    assert intervals.mean_interval([3.0, 3.0]) == (3.0, 3.0)


def _coverage(samples: NDArray[np.float64], truth: float) -> float:
    found = [intervals.mean_interval(row) for row in samples.tolist()]
    return sum(low <= truth <= high for low, high in filter(None, found)) / len(samples)


@pytest.mark.parametrize("count", [3, 5, 10])
def test_intervals_of_normal_values_hold_the_mean_as_often_as_they_say(count: int) -> None:
    samples = np.random.default_rng(count).normal(100, 3, (2_000, count))
    assert 0.935 <= _coverage(samples, 100.0) <= 0.965


@pytest.mark.parametrize("count", [3, 5, 10])
@pytest.mark.parametrize(("spread", "least"), [(0.05, 0.935), (0.5, 0.89)])
def test_intervals_of_lognormal_values_hold_the_mean_almost_as_often(
    count: int, spread: float, least: float
) -> None:
    samples = np.random.default_rng(count).lognormal(0, spread, (2_000, count))
    assert least <= _coverage(samples, math.exp(spread**2 / 2)) <= 0.965


def test_a_ratio_of_pairs_forgets_what_the_pairs_shared() -> None:
    before = [100.0, 150.0, 90.0, 300.0, 120.0]
    found = intervals.paired_ratio(before, [2 * value for value in before])
    assert found.ratio == pytest.approx(2)
    assert (found.low, found.high) == (pytest.approx(2), pytest.approx(2))
    alone = intervals.unpaired_ratio(before, [2 * value for value in before])
    assert alone.ratio == pytest.approx(2)
    assert alone.low < 1 < alone.high


def test_ratios_of_single_values_could_be_anything() -> None:
    assert intervals.paired_ratio([10], [20]) == Ratio(pytest.approx(2), 0.0, math.inf)
    assert intervals.unpaired_ratio([10], [20]) == Ratio(pytest.approx(2), 0.0, math.inf)
    assert intervals.unpaired_ratio([10, 11], [20]).high == math.inf


def test_values_without_spread_have_a_ratio_without_spread() -> None:
    assert intervals.unpaired_ratio([10, 10], [20, 20]) == Ratio(*[pytest.approx(2)] * 3)


def test_what_is_no_pair_of_durations_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        intervals.paired_ratio([], [])
    with pytest.raises(ValueError, match="zip"):
        intervals.paired_ratio([1.0], [1.0, 2.0])
    for before, after in (([0.0], [1.0]), ([1.0], [0.0]), ([], [1.0])):
        with pytest.raises((ValueError, ZeroDivisionError)):
            intervals.unpaired_ratio(before, after)


def test_intervals_of_ratios_hold_the_ratio_as_often_as_they_say() -> None:
    draw = np.random.default_rng(7)
    minute = draw.normal(0, 0.2, (2_000, 5))  # what the two of a pair share
    before, after = (np.exp(minute + draw.normal(0, 0.03, (2_000, 5))) for _ in range(2))
    pairs = list(zip(before.tolist(), (1.1 * after).tolist(), strict=True))
    paired = [intervals.paired_ratio(*pair) for pair in pairs]
    assert 0.935 <= fmean(each.low <= 1.1 <= each.high for each in paired) <= 0.965
    assert fmean(each.high / each.low for each in paired) < 1.15
    strangers = np.exp(draw.normal(0, 0.03, (2_000, 5))), np.exp(draw.normal(0, 0.1, (2_000, 5)))
    pairs = list(zip(strangers[0].tolist(), (1.1 * strangers[1]).tolist(), strict=True))
    unpaired = [intervals.unpaired_ratio(*pair) for pair in pairs]
    assert 0.935 <= fmean(each.low <= 1.1 <= each.high for each in unpaired) <= 0.97


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 10), (10, 10), (9, 10), (8800, 10_000), (1, 3)]
)
def test_wilsons_interval(successes: int, trials: int, confidence: float) -> None:
    tested = scipy.stats.binomtest(successes, trials)
    expected = tested.proportion_ci(confidence_level=confidence, method="wilson")
    found = classification.wilson_interval(successes, trials, confidence)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilsons_interval_of_no_trial_says_nothing() -> None:
    assert classification.wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("lost", "gained"), [(5, 5), (1, 0), (0, 6), (9, 1), (20, 40), (700, 600), (5_000, 0)]
)
def test_mcnemars_test_is_exact_and_two_sided(lost: int, gained: int) -> None:
    expected = scipy.stats.binomtest(lost, lost + gained, 0.5).pvalue
    assert classification.mcnemar_p_value(lost, gained) == pytest.approx(expected, rel=1e-9)


def test_no_difference_is_no_evidence() -> None:
    assert classification.mcnemar_p_value(0, 0) == 1


def test_the_interval_of_an_unpaired_ratio_is_welchs() -> None:
    draw = np.random.default_rng(3)
    before, after = draw.lognormal(0, 0.1, 5), draw.lognormal(1, 0.4, 8)
    tested = scipy.stats.ttest_ind(np.log(after), np.log(before), equal_var=False)
    expected = np.exp(tested.confidence_interval(0.95))
    found = intervals.unpaired_ratio(before.tolist(), after.tolist())
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-3)


def test_calibration_is_the_distance_of_confidence_and_accuracy_by_bin() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.3, 0.3])
    correct = np.array([True, True, True, False, True, False])
    # Four images 0.9 sure and 0.75 right, two 0.3 sure and 0.5 right.
    expected = (4 * 0.15 + 2 * 0.2) / 6
    assert classification.calibration_error(confidence, correct) == pytest.approx(expected)
    assert classification.calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0
    # In a single bin, errors in both directions cancel each other out.
    assert classification.calibration_error(
        np.array([0.2, 0.8]), np.array([True, False]), bins=1
    ) == pytest.approx(0.0)


def test_logits_become_probabilities() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.9, 0.05, 0.05]], np.float32)) + 1000
    expected = [[0.5, 0.25, 0.25], [0.9, 0.05, 0.05]]
    np.testing.assert_allclose(classification.softmax(logits), expected, atol=1e-4)


def test_durations_of_any_size_have_a_ratio() -> None:
    for found in (
        intervals.unpaired_ratio([1.0, 1e101], [1.0, 1e101]),
        intervals.unpaired_ratio([1e-300] * 2, [1e300] * 2),
        intervals.paired_ratio([1.0, 1.0], [1.0, 1e101]),
        intervals.paired_ratio([1e300] * 2, [1e-300] * 2),
        intervals.turnwise_ratio([[1e300], [1e300]], [[1e-300], [1e-300]]),
    ):
        assert 0 <= found.low <= found.ratio <= found.high
