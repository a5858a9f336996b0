"""Change points: what changed is found where it did, and noise is no change."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.stats.change_points import find_levels, median_of, noise_of

Series = NDArray[np.float64]
_SERIES = 200


def _noise(draw: np.random.Generator, count: int, deviation: float, correlation: float) -> Series:
    """Logarithms of an autoregressive process."""
    steps = draw.normal(size=count) * deviation * np.sqrt(1 - correlation**2)
    found = [draw.normal() * deviation]
    for step in steps[1:]:
        found.append(correlation * found[-1] + step)
    return np.array(found)


def _times(logs: Series) -> Series:
    return np.asarray(12_000 * np.exp(logs))


@pytest.mark.parametrize("count", [60, 120])
@pytest.mark.parametrize("deviation", [0.01, 0.05])
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.8])
def test_noise_seldom_looks_like_a_change(count: int, deviation: float, correlation: float) -> None:
    draw = np.random.default_rng(0)
    found = [
        find_levels(_times(_noise(draw, count, deviation, correlation))) for _ in range(_SERIES)
    ]
    assert sum(len(levels) > 1 for levels in found) <= 0.03 * _SERIES


@pytest.mark.parametrize(
    ("step", "deviation", "correlation"),
    [(1.10, 0.02, 0.0), (1.30, 0.05, 0.0), (1.30, 0.05, 0.6), (0.80, 0.02, 0.3)],
)
def test_a_lasting_change_is_found_within_two_windows(
    step: float, deviation: float, correlation: float
) -> None:
    draw = np.random.default_rng(1)
    right = 0
    for _ in range(_SERIES):
        logs = _noise(draw, 60, deviation, correlation)
        logs[25:] += np.log(step)
        levels = find_levels(_times(logs))
        right += len(levels) == 2 and abs(levels[1].start - 25) <= 2
    assert right >= 0.9 * _SERIES


def test_two_changes_are_found() -> None:
    draw = np.random.default_rng(2)
    logs = _noise(draw, 90, 0.02, 0.0)
    logs[30:60] += np.log(1.5)
    starts = [each.start for each in find_levels(_times(logs))]
    assert starts == pytest.approx([0, 30, 60], abs=1)


@pytest.mark.parametrize("place", [0, 20, 57])
def test_a_short_burst_is_no_lasting_change(place: int) -> None:
    logs = _noise(np.random.default_rng(3), 60, 0.02, 0.0)
    logs[place : place + 3] += np.log(20)
    assert len(find_levels(_times(logs))) == 1


def test_outliers_hide_no_change() -> None:
    draw = np.random.default_rng(4)
    logs = _noise(draw, 60, 0.02, 0.0)
    logs[30:] += np.log(1.3)
    logs[draw.choice(60, 6, replace=False)] += np.log(10)
    _, after = find_levels(_times(logs))
    assert abs(after.start - 30) <= 1


def test_a_change_that_does_not_matter_is_none() -> None:
    logs = _noise(np.random.default_rng(5), 600, 0.005, 0.0)
    logs[300:] += np.log(1.04)
    assert len(find_levels(_times(logs))) == 1


def test_a_gradual_change_is_several_steps_from_end_to_end() -> None:
    logs = _noise(np.random.default_rng(6), 300, 0.01, 0.0) + np.linspace(0, np.log(1.4), 300)
    times = _times(logs)
    levels = find_levels(times)
    assert 2 <= len(levels) <= 8
    first, last = (np.median(times[each.start : each.stop]) for each in (levels[0], levels[-1]))
    assert 1.2 < last / first < 1.4


def test_a_series_without_noise_is_understood() -> None:
    assert len(find_levels(np.full(60, 5.0))) == 1
    before, after = find_levels(np.repeat([5.0, 6.0], 30))
    assert (before.stop, after.start) == (30, 30)
    assert len(find_levels(np.array([7.0]))) == 1


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_the_noise_is_that_of_the_values_and_not_of_their_changes(correlation: float) -> None:
    logs = _noise(np.random.default_rng(7), 2_000, 0.05, correlation)
    logs[1_000:] += 1.0
    found = noise_of(logs)
    assert found.deviation == pytest.approx(0.05, rel=0.15)
    assert found.correlation == pytest.approx(correlation, abs=0.12)


@pytest.mark.parametrize(("correlation", "least"), [(0.0, 0.92), (0.5, 0.85)])
def test_the_interval_of_a_median_holds_the_truth(correlation: float, least: float) -> None:
    draw = np.random.default_rng(8)
    held = 0
    for _ in range(400):
        logs = _noise(draw, 120, 0.05, correlation)
        found = median_of(_times(logs[:60]), noise_of(logs))
        held += found.low <= 12_000 <= found.high
    assert held >= least * 400
