"""The numbers of a row, from samples whose statistics are known by heart, and from known truths."""

from statistics import fmean

import numpy as np
import pytest

from fmnist_edge.bench import statistics
from fmnist_edge.records import replace
from fmnist_edge.result import (
    Accuracy,
    BackToBack,
    ColdStart,
    Interval,
    Measurement,
    Paced,
    Percentile,
    StageTimes,
    Throughput,
)
from tests import worlds
from tests.examples import BACK_TO_BACK, MEASUREMENT, measured, samples
from tests.worlds import World, lived_in, true_percentile


def _hot(nanoseconds: list[int], **changes: int) -> Measurement:
    plain = measured(nanoseconds)
    return replace(plain, back_to_back=replace(plain.back_to_back, **changes))


def test_p50_is_the_mean_of_the_medians_of_the_processes() -> None:
    found = statistics.back_to_back([measured([30, 10, 20]), measured([5]), measured([40, 60])])
    assert found.process_p50_ns == (20, 5, 40)
    assert found.p50_ns == pytest.approx(65 / 3)
    # 65/3 +- 4.303 x sqrt(308.33 / 3); what lies below nothing is cut off.
    assert found.p50_interval_ns == Interval(0.0, pytest.approx(65.29, abs=0.01))
    assert (found.samples, found.mean_ns, found.min_ns, found.max_ns) == (6, 27.5, 5, 60)


def test_a_single_process_has_no_interval() -> None:
    assert statistics.back_to_back([measured([1, 2, 3])]).p50_interval_ns is None


def test_percentiles_are_bounds_over_the_samples_of_all_processes() -> None:
    found = statistics.back_to_back([measured(list(range(1, 101))), measured([200] * 3)])
    assert found.percentile(0.9) == Percentile(0.9, 200)
    found = statistics.back_to_back([measured(list(range(1, 51))), measured(list(range(51, 101)))])
    assert found.percentile(0.9) == Percentile(0.9, 98)
    assert found.percentile(0.95) == Percentile(0.95, None, "too-few-samples", 130)
    assert found.percentile(0.999).samples_needed == 6636


def test_too_few_samples_have_no_percentile() -> None:
    found = statistics.back_to_back([measured(list(range(27)))])
    assert found.percentile(0.9) == Percentile(0.9, None, "too-few-samples", 64)


def test_samples_of_several_calls_are_divided_and_have_no_percentiles() -> None:
    found = statistics.back_to_back([_hot([80] * 100, calls_per_sample=8), _hot([20] * 100)])
    assert found.process_p50_ns == (10, 20)
    assert (found.min_ns, found.max_ns) == (10, 20)
    assert {each.refusal for each in found.percentiles} == {"samples-are-means"}


def test_no_samples_are_no_latency() -> None:
    with pytest.raises(ValueError, match="no samples"):
        statistics.back_to_back([measured([])])


def test_a_paced_call_has_two_latencies() -> None:
    taken = [
        replace(MEASUREMENT, paced=Paced(30.0, samples(70, 50, 60), samples(30, 10, 20), None)),
        replace(MEASUREMENT, paced=Paced(30.0, samples(80), samples(40), None)),
        replace(MEASUREMENT, paced=None),
    ]
    response, service = statistics.paced(taken) or (None, None)
    assert response is not None
    assert service is not None
    assert (response.p50_ns, service.p50_ns) == (70, 30)
    assert (response.samples, service.max_ns) == (4, 40)
    assert statistics.paced(taken[2:]) is None


def test_calls_per_second_are_counted_and_not_turned_round() -> None:
    taken = [_hot([1], calls=900, busy_ns=10**9), _hot([1], calls=300, busy_ns=2 * 10**9)]
    assert statistics.calls_per_second(taken) == 400
    assert statistics.calls_per_second([_hot([1], calls=0, busy_ns=0)]) is None


def test_throughput_is_the_median_of_the_processes_that_have_one() -> None:
    rates = [None, Throughput(256, 300.0), Throughput(256, 100.0), Throughput(256, 120.0)]
    taken = [measured([1], throughput=rate) for rate in rates]
    assert statistics.throughput(taken) == Throughput(256, 120.0)
    assert statistics.throughput(taken[:1]) is None


def test_a_cold_start_is_told_by_medians_and_its_sum_is_the_median_of_sums() -> None:
    starts = [(1, 10, 100, 9000), (3, 30, 900, 3000), (2, 50, 200, 1000)]
    taken = [
        replace(
            MEASUREMENT,
            cold=replace(
                MEASUREMENT.cold, process_start_ns=a, import_ns=b, load_ns=c, first_call_ns=d
            ),
        )
        for a, b, c, d in starts
    ]
    assert statistics.cold(taken) == ColdStart(2, 30, 200, 3000, 3933)


def test_stages_are_medians_of_medians() -> None:
    stages = MEASUREMENT.stages
    assert stages is not None
    slow = replace(stages, run_ns=samples(9000, 8000, 7000))
    taken = [replace(MEASUREMENT, stages=each) for each in (stages, slow, None)]
    assert statistics.stages(taken) == StageTimes(800, (2000 + 8000) / 2, 400)
    assert statistics.stages(taken[2:]) is None


def test_values_vary_by_their_spread_over_their_mean() -> None:
    assert statistics.variation([9, 10, 11]) == pytest.approx(0.1)
    assert statistics.variation([10]) is None
    assert statistics.variation([0, 0]) is None


@pytest.mark.parametrize("world", worlds.STEADY.values(), ids=worlds.STEADY)
def test_the_interval_of_p50_holds_the_truth_as_often_as_it_says(world: World) -> None:
    draw = np.random.default_rng(5)
    truth = true_percentile(world, 0.5)

    def holds() -> bool:
        speeds = 1 + 0.01 * draw.standard_normal(5)  # no two processes run at the same speed
        taken = [lived_in(world, draw, 200, speed=speed) for speed in speeds]
        interval = statistics.back_to_back(taken).p50_interval_ns
        return interval is not None and interval.low <= truth <= interval.high

    assert 0.92 <= fmean(holds() for _ in range(500)) <= 0.98


@pytest.mark.parametrize("share", [0.9, 0.99])
@pytest.mark.parametrize("world", worlds.STEADY.values(), ids=worlds.STEADY)
def test_percentiles_are_no_lower_than_the_truth_in_99_of_100_measurements(
    world: World, share: float
) -> None:
    draw = np.random.default_rng(6)
    truth = true_percentile(world, share)

    def is_bound() -> bool:
        bound = statistics.latency([world(draw, 200) for _ in range(5)]).percentile(share)
        return bound.bound_ns is not None and bound.bound_ns >= truth

    assert fmean(is_bound() for _ in range(1_000)) >= 0.99


def _drift(world: World, seed: int, *, count: int = 900, turns: int = 10) -> float | None:
    draw = np.random.default_rng(seed)
    return statistics.drift(lived_in(world, draw, count, turns=turns).back_to_back)


@pytest.mark.parametrize("turns", [1, 2, 3, 10, 900])
def test_a_change_of_speed_within_a_process_is_seen(turns: int) -> None:
    for world in (worlds.drifting, worlds.throttled):
        drifts = [_drift(world, seed, turns=turns) for seed in range(20)]
        assert min(drift or 0.0 for drift in drifts) > 1.2


def test_chance_is_no_drift() -> None:
    for world in worlds.STEADY.values():
        drifts = [_drift(world, seed, count=count) for seed in range(50) for count in (64, 900)]
        assert all(drift is not None and drift < 1.1 for drift in drifts)


def test_a_slow_middle_is_a_drift() -> None:
    hot = measured([10] * 20 + [20] * 20 + [10] * 20).back_to_back
    assert statistics.drift(hot) == 2


def test_a_few_samples_do_not_tell_whether_there_is_a_drift() -> None:
    assert _drift(worlds.drifting, 0, count=26, turns=3) is None
    assert _drift(worlds.drifting, 0, count=27, turns=3) is not None
    assert statistics.drift(replace(BACK_TO_BACK, sample_ns=samples(), turn_samples=())) is None


def _in_turns(speeds: list[float]) -> BackToBack:
    draw = np.random.default_rng(0)
    turns = [speed * worlds.lognormal(draw, 100) for speed in speeds]
    taken = np.concatenate(turns).astype(int).tolist()
    return replace(measured(taken).back_to_back, turn_samples=(100,) * len(speeds))


def test_turns_at_two_speeds_are_seen() -> None:
    both = [1.0, 1.5, 1.5, 1.0, 1.5, 1.0]
    spread = statistics.turn_spread
    assert spread([_in_turns(both), _in_turns(both)]) == pytest.approx(1.5, rel=0.05)
    assert spread([_in_turns([1.0] * 12)]) == pytest.approx(1.0, abs=0.06)
    # A single slow turn is none of two speeds.
    assert spread([_in_turns([1.0] * 11 + [9.0])]) == pytest.approx(1.0, abs=0.06)
    assert spread([_in_turns(both)]) is None
    assert spread([replace(_in_turns(both * 2), turn_samples=(50,) * 24)]) is None


@pytest.mark.parametrize(("images", "correct"), [(0, 0), (10, 11), (10, -1)])
def test_an_impossible_accuracy_is_refused(images: int, correct: int) -> None:
    with pytest.raises(ValueError, match=f"{correct} of {images} images"):
        Accuracy(images, correct, Interval(0, 1), (), 0.0)
