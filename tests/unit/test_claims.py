"""Each claim of a row is spoilt by its own disturbance, and by no other.

Two rows are measured in turns on a machine whose truth is known; then one thing is wrong with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pytest

from fmnist_edge.bench.accuracy import predictions
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.bench.checks.finding import NUMBERS, PACED, TAILS, WARM
from fmnist_edge.bench.rows import make_rows
from fmnist_edge.records import replace
from fmnist_edge.result import Audit, CpuUse, Measurement, Reading, Row, Throughput, Value
from tests import worlds
from tests.examples import READING, case, samples
from tests.worlds import World, creeping, lived_in

_HOST: Final[Mapping[str, Value]] = {
    "memory_bytes": 8 << 30,
    "governor": "performance",
}
_QUIET: Final = replace(READING, on_battery=False, available_bytes=4 << 30, unreadable={})
_SECOND: Final = 1_000_000_000
_ALONE: Final = CpuUse(_SECOND, _SECOND, others_ns=0, stolen_ns=0, preemptions=0, cpus=2)
_CALLS: Final = 8_000
_PACED: Final = tuple(range(195_000, 205_000, 125))
# The row in question takes half as long again as the fastest one.
_SLOWER: Final = 1.5
_SPEEDS: Final = (1.0, 1.005, 0.995, 1.002, 0.998)

Change = Callable[[Measurement], Measurement]


def _measure(
    seed: int, world: World, speeds: Sequence[float], change: Change, *readings: Reading
) -> CaseData:
    draw = np.random.default_rng(seed)
    taken = []
    for speed in speeds:
        plain = lived_in(world, draw, _CALLS, speed=speed, turns=25)
        assert plain.paced is not None
        quiet = replace(
            plain,
            back_to_back=replace(plain.back_to_back, cpu=_ALONE),
            paced=replace(plain.paced, response_ns=samples(*_PACED), cpu=_ALONE),
            throughput=Throughput(256, 1e6),
        )
        taken.append(change(quiet))
    scores = np.eye(10, dtype=np.float32)
    taken[0] = replace(taken[0], predictions=predictions(scores))
    labels = np.arange(10, dtype=np.uint8)
    return CaseData(
        case(f"{seed}.npz"), taken, list(readings or (_QUIET, _QUIET)), scores, truth=labels
    )


def _rows(
    world: World = worlds.lognormal,
    speeds: Sequence[float] = _SPEEDS,
    change: Change = lambda each: each,
    readings: Sequence[Reading] = (),
    best: tuple[World, Sequence[float]] | None = None,
) -> tuple[Row, Row]:
    """The row in question, and the fastest one, which shares its world unless it has its own."""
    slower = [_SLOWER * speed for speed in speeds]
    own = _measure(1, world, slower, change, *readings)
    other = _measure(2, *(best or (world, speeds)), lambda each: each)
    first, second = make_rows([own, other], _HOST)
    return first, second


def _spoilt(row: Row) -> set[str]:
    return {figure for figure, level in row.verdicts.items() if level != "VALID"}


def _hot(**changes: Any) -> Change:  # noqa: ANN401 - any field
    def change(each: Measurement) -> Measurement:
        cpu = replace(_ALONE, **changes)
        return replace(each, back_to_back=replace(each.back_to_back, cpu=cpu))

    return change


def _paced(**changes: Any) -> Change:  # noqa: ANN401 - any field
    def change(each: Measurement) -> Measurement:
        assert each.paced is not None
        return replace(each, paced=replace(each.paced, cpu=replace(_ALONE, **changes)))

    return change


def test_on_a_quiet_machine_every_figure_is_valid() -> None:
    for row in _rows():
        assert row.reasons == ()
        assert row.not_checked == ()
        assert {"ratio", "p50", *TAILS, *PACED, "throughput", "cold", "memory", "accuracy"} == set(
            row.verdicts
        )


# Rank


@pytest.mark.parametrize("world", [worlds.drifting, worlds.throttled])
def test_a_machine_that_slows_down_for_all_rows_keeps_their_ranks(world: World) -> None:
    for row in _rows(world):
        assert _spoilt(row) == {"p50", *TAILS}


def test_rows_that_drift_apart_spoil_their_ratio_alone() -> None:
    # Each drifts by less than a tenth, and the two by more.
    row, best = _rows(creeping(0.12), best=(creeping(-0.12), _SPEEDS))
    assert _spoilt(row) == {"ratio"}
    assert _spoilt(best) == set()
    (reason,) = row.reasons
    assert (reason.code, reason.level) == ("ratio-drifts", "SUSPECT")
    assert reason.values["processes"] == 5
    assert reason.values["change_share"] == pytest.approx(0.176, abs=0.03)


def test_processes_that_differ_from_the_fastest_rows_otherwise_each_time_decide_no_rank() -> None:
    mine, best = (0.70, 0.62, 0.75, 0.66, 0.80), (0.99, 1.1, 0.9, 1.05, 1.0)
    row, _ = _rows(speeds=mine, best=(worlds.lognormal, best))
    (reason,) = [each for each in row.reasons if "ratio" in each.figures]
    assert reason.code == "ratio-undecided"
    low, high = reason.values["low_ratio"], reason.values["high_ratio"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert low < 1
    assert high > 1.1


def test_a_tie_that_is_sure_is_a_rank() -> None:
    row, _ = _rows(best=(worlds.lognormal, [1.499 * speed for speed in _SPEEDS]))
    assert "ratio" not in _spoilt(row)


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_few_processes_spoil_rank_and_medians(processes: int) -> None:
    for row in _rows(speeds=_SPEEDS[:processes]):
        assert _spoilt(row) == {"ratio", "p50", "paced-p50", "throughput"}
        assert [reason.code for reason in row.reasons] == ["too-few-processes"]


# p50 back to back


def test_processes_at_two_speeds_spoil_the_p50_alone() -> None:
    for row in _rows(speeds=(1.0, 1.08, 1.0, 1.08, 1.0)):
        assert _spoilt(row) == {"p50"}
        assert [reason.code for reason in row.reasons] == ["process-medians-vary"]


def test_turns_at_two_speeds_spoil_p50_and_tails_and_no_rank() -> None:
    def flickering(draw: np.random.Generator, count: int) -> worlds.Durations:
        turns = np.arange(count) * 25 // count
        return worlds.lognormal(draw, count) * np.where(turns % 2, 1.4, 1.0)

    for row in _rows(flickering):
        assert _spoilt(row) == {"p50", *TAILS}
        assert "several-speeds" in {reason.code for reason in row.reasons}


def test_slow_stretches_that_are_rare_spoil_the_tails_alone() -> None:
    """A shared machine is slow for a third of the turns; every process meets its part of them."""

    def stretches(draw: np.random.Generator, count: int) -> worlds.Durations:
        turns = np.arange(count) * 25 // count
        return (
            10_000.0
            * np.exp(0.01 * draw.standard_normal(count))
            * (1 + 0.5 * (turns % 3 == draw.integers(3)))
        )

    for row in _rows(stretches):
        assert _spoilt(row) == {*TAILS}
        assert "several-speeds" in {reason.code for reason in row.reasons}


def test_a_drift_of_few_processes_spoils_the_tails_alone() -> None:
    drifting = 0

    def world(draw: np.random.Generator, count: int) -> worlds.Durations:
        nonlocal drifting
        drifting += 1
        slow = np.arange(count) < count // 3 if drifting % 5 < 2 else np.zeros(count)
        return 10_000.0 * np.exp(0.01 * draw.standard_normal(count)) * (1 + 0.5 * slow)

    for row in _rows(world):
        assert _spoilt(row) == {*TAILS}
        assert "speed-drifts" in {reason.code for reason in row.reasons}


def test_a_clock_that_changes_spoils_p50_and_tails() -> None:
    readings = [replace(_QUIET, clocks_mhz={"0": mhz}) for mhz in (3_000.0, 2_000.0)]
    row, _ = _rows(readings=readings)
    assert _spoilt(row) == {"p50", *TAILS}


def test_throttling_spoils_every_number_and_no_rank() -> None:
    row, _ = _rows(readings=[_QUIET, replace(_QUIET, throttled={"under-voltage": True})])
    assert _spoilt(row) == {*NUMBERS}
    assert row.verdict("p50") == "INVALID"


def test_competing_programs_spoil_what_they_take_time_from() -> None:
    row, best = _rows(change=_hot(own_ns=_SECOND // 3, others_ns=5 * _SECOND // 3))
    assert _spoilt(row) == {"p50", *TAILS, "throughput", "cold"}
    assert _spoilt(best) == set()


def test_programs_on_the_other_cpu_spoil_nothing() -> None:
    row, _ = _rows(change=_hot(own_ns=_SECOND, others_ns=_SECOND))
    assert _spoilt(row) == set()


def test_time_stolen_by_a_hypervisor_spoils_what_it_is_taken_from() -> None:
    row, _ = _rows(change=_hot(stolen_ns=_SECOND // 3))
    assert _spoilt(row) == {"p50", *TAILS, "throughput", "cold"}


# Tails


@pytest.mark.parametrize(
    ("share", "spoilt"),
    [
        (96 / 736_111, set()),
        (0.002, {"p99.9"}),
        (0.02, {"p99", "p99.9"}),
        (0.04, {"p95", "p99", "p99.9"}),
        (0.3, {*TAILS}),
    ],
)
def test_interruptions_spoil_the_tails_that_they_decide_and_no_median(
    share: float, spoilt: set[str]
) -> None:
    times = round(share * _CALLS)
    lost = times * 100_000
    # The turns are long, so that the CPU time that was lost raises no doubt by itself.
    cpu = {"wall_ns": 10 * _SECOND, "own_ns": 10 * _SECOND - lost, "others_ns": lost}
    row, _ = _rows(change=_hot(preemptions=times, **cpu))
    assert _spoilt(row) == spoilt


# Paced


def test_programs_during_the_paced_calls_spoil_these_alone() -> None:
    row, _ = _rows(change=_paced(own_ns=0, others_ns=_SECOND))
    assert _spoilt(row) == {*PACED}


def test_sleeping_states_that_differ_between_processes_spoil_the_paced_p50_alone() -> None:
    times = iter((1.0, 1.8, 1.2, 0.9, 1.5))

    def change(each: Measurement) -> Measurement:
        assert each.paced is not None
        scale = next(times)
        response = samples(*(round(scale * value) for value in _PACED))
        return replace(each, paced=replace(each.paced, response_ns=response))

    row, _ = _rows(change=change)
    assert _spoilt(row) == {"paced-p50"}
    assert row.paced is not None
    known = row.paced.p50_interval_ns
    assert known is not None
    assert known.low < 200_000 * 1.28 < known.high


# Accuracy, memory, cold


@pytest.mark.parametrize("audit", [Audit(3, 0.25, 1.0), Audit(0, 0.0, 1.0)])
def test_answers_that_differ_or_were_not_compared_spoil_accuracy_and_times(audit: Audit) -> None:
    row, best = _rows(change=lambda each: replace(each, audit=audit))
    assert _spoilt(row) == {*WARM, "accuracy"}
    assert row.verdict("accuracy") == "INVALID"
    assert _spoilt(best) == set()


def test_nothing_that_happens_to_the_times_spoils_accuracy_or_memory() -> None:
    row, _ = _rows(
        worlds.throttled,
        (1.0, 1.5, 1.0, 1.4, 1.0),
        _hot(own_ns=_SECOND // 9, others_ns=_SECOND, preemptions=_CALLS),
        [_QUIET, replace(_QUIET, throttled={"x": True})],
    )
    assert row.verdict("accuracy", "memory") == "VALID"


def test_a_lack_of_memory_spoils_memory_and_cold_starts() -> None:
    row, _ = _rows(readings=[replace(_QUIET, available_bytes=1 << 20)])
    assert {"memory", "cold"} <= _spoilt(row)
    assert not {"ratio", "accuracy", *PACED} & _spoilt(row)


@pytest.mark.parametrize("governor", ["powersave", "schedutil", "ondemand"])
def test_a_governor_is_a_remark_and_spoils_nothing(governor: str) -> None:
    data = [_measure(seed, worlds.lognormal, _SPEEDS, lambda each: each) for seed in (1, 2)]
    for row in make_rows(data, {**_HOST, "governor": governor}):
        assert _spoilt(row) == set()
        assert "governor" in {remark.code for remark in row.remarks}
