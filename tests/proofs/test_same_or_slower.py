"""A file and itself are a tie, and a tenth slower is found: real files, processes and intervals."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.same_or_slower import SETTINGS, Comparison, compare_once
from fmnist_edge.records import replace
from tests.proofs.attempts import Attempts

COMPARISONS = 3
# Right by chance alone is one in forty per comparison; wrong, on a busy machine, is not rare.
ENOUGH = 2
# Short turns: what else the machine does so falls on all three alike.
SHORT = replace(SETTINGS, turn_seconds=0.01, min_seconds=0.15, throughput_batch=1)
Several = Sequence[Comparison]
pytestmark = pytest.mark.clocked


@pytest.fixture(scope="module")
def several(exported: Path) -> Attempts[Several]:
    model = exported / "default-float32.tflite"
    settings = [replace(SHORT, seed=seed) for seed in range(COMPARISONS)]
    return Attempts(lambda: [compare_once(model, each) for each in settings])


def test_a_file_and_itself_are_a_tie(several: Attempts[Several]) -> None:
    def check(made: Several) -> None:
        assert sum(each.same.tie for each in made) >= ENOUGH, made

    several.show(check)


def test_a_twin_that_takes_a_tenth_longer_is_found_slower(several: Attempts[Several]) -> None:
    def check(made: Several) -> None:
        assert sum(each.slower.slower for each in made) >= ENOUGH, made

    several.show(check)


def test_the_twin_is_found_to_take_about_a_tenth_longer(several: Attempts[Several]) -> None:
    def check(made: Several) -> None:
        low = max(each.slower.low for each in made)
        high = min(each.slower.high for each in made)
        # The intervals of all comparisons hold the truth, give or take what calibrating misses.
        assert low <= 1.13, made
        assert high >= 1.07, made

    several.show(check)
