"""The simulation behind the table of intervals says what it said when it was written down."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.interval_coverage import CASES, Coverage, Outcome, coverage
from fmnist_edge.records import decode_json

ROOT = Path(__file__).parents[2]
FEW = 400
# Four standard deviations of a share of so few.
CHANCE = 0.08


@pytest.fixture(scope="module")
def written() -> Sequence[Coverage]:
    [path] = ROOT.glob("benchmarks/results/*/interval-coverage.json")
    return decode_json(Outcome, path.read_bytes()).coverage


def test_every_case_was_written_down(written: Sequence[Coverage]) -> None:
    assert [(each.values, each.drawn_from) for each in written] == list(CASES)


@pytest.mark.parametrize("index", range(len(CASES)))
def test_a_short_simulation_finds_the_same(written: Sequence[Coverage], index: int) -> None:
    found, known = coverage(*CASES[index], simulations=FEW), written[index]
    for name in ("bootstrap", "expanded", "student"):
        assert getattr(found, name) == pytest.approx(getattr(known, name), abs=CHANCE)


def test_a_simulation_is_the_same_each_time() -> None:
    assert coverage(*CASES[0], simulations=FEW) == coverage(*CASES[0], simulations=FEW)


def test_three_values_are_enclosed_by_no_bootstrap_more_often_than_by_their_ends(
    written: Sequence[Coverage],
) -> None:
    """A mean lies beyond all three values in two of eight cases."""
    assert written[0].bootstrap == pytest.approx(0.75, abs=0.02)
    assert written[0].expanded == pytest.approx(0.75, abs=0.02)


def test_student_holds_the_mean_of_normal_values_as_often_as_it_promises(
    written: Sequence[Coverage],
) -> None:
    normal = [each for each in written if each.drawn_from == "normal"]
    assert len(normal) == 3
    assert all(each.student == pytest.approx(0.95, abs=0.01) for each in normal)
