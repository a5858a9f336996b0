"""Levels cover a series without gaps, whatever it is, and do not depend on its unit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.stats.change_points import PRACTICAL, find_levels, noise_about

_times = st.lists(st.floats(1.0, 1e12), min_size=1, max_size=80).map(np.array)


@given(_times)
def test_levels_cover_all_values_and_differ(times: np.ndarray) -> None:  # type: ignore[type-arg]
    levels = find_levels(times)
    assert [each.start for each in levels] == [0, *(each.stop for each in levels[:-1])]
    assert levels[-1].stop == len(times)
    medians = [float(np.median(np.log(times[each.start : each.stop]))) for each in levels]
    assert all(abs(step) >= np.log1p(PRACTICAL) for step in np.diff(medians))
    assert noise_about(times, levels).deviation > 0


@given(_times, st.sampled_from([2.0**-10, 2.0**20]))
def test_levels_do_not_depend_on_the_unit(times: np.ndarray, unit: float) -> None:  # type: ignore[type-arg]
    levels = [each.stop for each in find_levels(np.round(times))]
    # Rounding in logarithms may move what is a tie; a tie of levels stays one in number.
    assert len([each.stop for each in find_levels(unit * np.round(times))]) == len(levels)
