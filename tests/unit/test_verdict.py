"""Each doubt is raised by what it is about, at its threshold, and by nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fmnist_edge.bench import statistics
from fmnist_edge.bench.verdict import judge
from fmnist_edge.result import Audit, Footprint, Measurement, Reading, Row, Verdict
from tests import worlds
from tests.examples import READING, latency, row
from tests.worlds import World, lived_in

_HOST = {"cores": "4", "memory": "8.0 GiB", "governor": "performance"}
_FINE = replace(READING, seconds=0.0, on_battery=False, available_bytes=4 << 30, unreadable={})
_SPEEDS = (1.0, 1.01, 0.99, 1.005, 0.995)


def _row(world: World = worlds.lognormal, **changes: Any) -> Row:  # noqa: ANN401 - any field
    """Five processes on a machine that is looked at three times."""
    draw = np.random.default_rng(0)
    taken = tuple(lived_in(world, draw, 1_000, speed=speed) for speed in _SPEEDS)
    plain = row(
        measurements=taken,
        back_to_back=statistics.back_to_back(taken),
        readings=(_FINE, _FINE, _FINE),
        verdict=None,
    )
    return replace(plain, **changes)


_CLEAN = _row()


def _read(*changes: Mapping[str, Any]) -> Row:
    """The clean row, with a reading for each of the changes."""
    return replace(_CLEAN, readings=tuple(replace(_FINE, **change) for change in changes))


def _each(**changes: Any) -> Row:  # noqa: ANN401 - any field
    """The clean row, with something changed in every process."""
    taken = tuple(replace(each, **changes) for each in _CLEAN.measurements)
    return replace(_CLEAN, measurements=taken)


def _codes(of: Row, host: Mapping[str, str] = _HOST) -> list[str]:
    return [reason.code for reason in judge(of, host).reasons]


def test_a_clean_measurement_is_valid_and_nothing_is_unknown() -> None:
    assert judge(_CLEAN, _HOST) == Verdict("VALID", (), ())


@pytest.mark.parametrize("world", worlds.STEADY.values(), ids=worlds.STEADY)
def test_slow_calls_are_no_reason_for_doubt(world: World) -> None:
    assert judge(_row(world), _HOST) == Verdict("VALID", (), ())


@pytest.mark.parametrize("world", [worlds.drifting, worlds.throttled])
def test_a_machine_that_slows_down_is_suspect(world: World) -> None:
    verdict = judge(_row(world), _HOST)
    assert verdict.level == "SUSPECT"
    assert "drift" in [reason.code for reason in verdict.reasons]
    (drift,) = [reason for reason in verdict.reasons if reason.code == "drift"]
    assert "In 5 of 5 processes the speed changed" in drift.text


def test_throttling_between_the_turns_of_a_run_is_suspect() -> None:
    draw = np.random.default_rng(1)
    speeds = (1.0, 1.0, 1.0, 1.5, 1.5)
    taken = tuple(lived_in(worlds.lognormal, draw, 1_000, speed=speed) for speed in speeds)
    throttled = _row(measurements=taken, back_to_back=statistics.back_to_back(taken))
    assert _codes(throttled) == ["unsteady", "two-speeds"]


@pytest.mark.parametrize("name", ["under-voltage", "GPU 0 hardware slowdown"])
def test_a_limit_in_force_is_invalid(name: str) -> None:
    verdict = judge(_read({}, {"throttled": {name: True, "frequency capped": False}}), _HOST)
    (reason,) = verdict.reasons
    assert (verdict.level, reason.code) == ("INVALID", "throttled")
    assert reason.text == f"The machine was slowed down in 1 of 2 looks at it: {name}."


def test_a_counter_that_rises_is_invalid() -> None:
    counts: list[dict[str, dict[str, int]]] = [
        {"counters": {"core throttle count": count, "throttled since boot": 1}} for count in (7, 9)
    ]
    verdict = judge(_read(*counts), _HOST)
    (reason,) = verdict.reasons
    assert (verdict.level, reason.code) == ("INVALID", "throttle-events")
    assert "counters rose: core throttle count by 2." in reason.text
    # Linux's driver clears the word of a Raspberry Pi now and then.
    assert _codes(_read(*reversed(counts))) == []
    assert _codes(_read(*reversed(counts), counts[1])) == ["throttle-events"]


def test_counters_that_were_read_once_say_nothing() -> None:
    verdict = judge(_read({}), _HOST)
    assert verdict == Verdict("VALID", (), ("throttling events: the counters were read only once",))


def test_answers_that_differ_are_invalid() -> None:
    wrong = replace(
        _CLEAN.measurements[1], audit=Audit(compared=3, largest_difference=0.25, repeat_ratio=1.0)
    )
    taken = (_CLEAN.measurements[0], wrong, *_CLEAN.measurements[2:])
    verdict = judge(replace(_CLEAN, measurements=taken), _HOST)
    (reason,) = verdict.reasons
    assert (verdict.level, reason.code) == ("INVALID", "outputs-differ")
    assert "in 1 of 5 processes, by up to 0.25" in reason.text


@pytest.mark.parametrize(
    ("audit", "codes"),
    [
        (Audit(3, 1e-6, 1.0), []),
        (Audit(3, 2e-6, 1.0), ["outputs-differ"]),
        (Audit(3, float("nan"), 1.0), ["outputs-differ"]),
        (Audit(0, 0.0, 1.0), ["not-audited"]),
        (Audit(3, 0.0, 1.10), []),
        (Audit(3, 0.0, 1.11), ["caches"]),
        (Audit(3, 0.0, 0.5), []),
    ],
)
def test_the_audits_have_limits(audit: Audit, codes: list[str]) -> None:
    verdict = judge(_each(audit=audit), _HOST)
    assert [reason.code for reason in verdict.reasons] == codes
    assert all(reason.level == "INVALID" for reason in verdict.reasons)


def _repeating(*ratios: float | None) -> Verdict:
    taken = tuple(
        replace(each, audit=Audit(3, 0.0, ratio))
        for each, ratio in zip(_CLEAN.measurements, ratios, strict=True)
    )
    return judge(replace(_CLEAN, measurements=taken), _HOST)


def test_a_cache_shows_in_most_processes() -> None:
    assert _repeating(None, 9.0, 1.0, 1.0, 1.0) == Verdict("VALID", (), ())
    (reason,) = _repeating(1.2, 1.15, 1.3, 1.25, None).reasons
    assert reason.code == "caches"
    assert "calls on varied inputs take 1.23 times as long as on a repeated one" in reason.text


def test_a_neighbour_during_an_audit_is_no_cache() -> None:
    verdict = _repeating(1.308, 1.155, 0.994, None, None)
    assert verdict.level == "VALID"
    (unknown,) = verdict.unknown
    assert unknown == (
        "caching: calls on varied inputs take 1.16 times as long as on a repeated one, but by 0.99 "
        "to 1.31 in 3 processes, which chance explains"
    )


def test_what_was_not_tried_is_unknown() -> None:
    verdict = judge(_each(audit=Audit(3, 0.0, None)), _HOST)
    assert verdict.unknown == ("caching: calls on a single input were not tried",)


@pytest.mark.parametrize(
    ("governor", "codes", "unknown"),
    [("performance", [], 0), ("powersave", ["governor"], 0), ("unknown", [], 1)],
)
def test_the_governor_matters(governor: str, codes: list[str], unknown: int) -> None:
    verdict = judge(_CLEAN, {**_HOST, "governor": governor})
    assert [reason.code for reason in verdict.reasons] == codes
    assert len(verdict.unknown) == unknown


def test_a_machine_that_warms_up_is_suspect() -> None:
    def course(*celsius: float) -> Row:
        return _read(*({"temperatures": {"cpu": value, "disk": 30.0}} for value in celsius))

    assert _codes(course(45, 55, 50)) == []
    verdict = judge(course(45, 55.5, 50), _HOST)
    assert verdict.level == "SUSPECT"
    assert "by 10.5 °C, from 45.0 to 55.5 °C (cpu)" in verdict.reasons[0].text
    assert _codes(course(70, 50)) == []


def test_a_machine_that_does_other_things_is_suspect() -> None:
    assert _codes(_read({"load": 2.0}, {"load": 9.0})) == []
    assert _codes(_read({"load": 2.01}, {"load": 0.0})) == ["busy"]
    assert _codes(_read({"load": None}, {"load": 2.01})) == ["busy"]


def test_the_load_that_the_benchmark_makes_itself_is_none_of_another_program() -> None:
    assert _codes(_read({"load": 2.9, "seconds": 300.0}, {})) == []
    assert _codes(_read({"load": 3.1, "seconds": 300.0}, {})) == ["busy"]
    assert _codes(_read({"load": 2.9, "seconds": 6.0}, {})) == ["busy"]


def test_a_machine_on_its_battery_is_suspect() -> None:
    assert _codes(_read({}, {"on_battery": True})) == ["on-battery"]
    assert _codes(_read({}, {"on_battery": None})) == []


def test_a_machine_without_memory_to_spare_is_suspect() -> None:
    tenth = int(0.8 * (1 << 30))
    assert _codes(_read({}, {"available_bytes": tenth + 9})) == []
    (reason,) = judge(_read({}, {"available_bytes": tenth // 2}), _HOST).reasons
    assert reason.code == "memory-pressure"
    assert "5.0 % of 8.0 GiB was left" in reason.text


@pytest.mark.parametrize("memory", ["", "unknown", "8.0", "much GiB", "0.0 GiB", "1.2.3 GiB"])
def test_a_share_of_an_unknown_size_is_unknown(memory: str) -> None:
    verdict = judge(_CLEAN, {**_HOST, "memory": memory})
    assert verdict == Verdict("VALID", (), ("memory: how much there is in all is not known",))


def test_a_load_on_an_unknown_number_of_cores_is_unknown() -> None:
    verdict = judge(_CLEAN, {**_HOST, "cores": "unknown"})
    assert verdict == Verdict("VALID", (), ("load: how many cores there are is not known",))


def test_few_processes_and_few_samples_are_suspect() -> None:
    four = replace(_CLEAN, measurements=_CLEAN.measurements[:4])
    assert _codes(four) == ["few-processes"]
    (reason,) = judge(four, _HOST).reasons
    assert "There were 4 processes" in reason.text
    assert reason.cure == "Measure with --processes 5."
    medians = tuple(map(float, range(1000, 1005)))
    assert _codes(replace(_CLEAN, back_to_back=latency(count=64, process_medians=medians))) == []
    few = replace(_CLEAN, back_to_back=latency(count=63, process_medians=medians))
    assert _codes(few) == ["few-samples"]


def test_processes_that_differ_are_suspect() -> None:
    def medians(*values: float) -> Row:
        return replace(_CLEAN, back_to_back=latency(process_medians=values))

    assert _codes(medians(100, 102, 98, 101, 99)) == []
    (reason,) = judge(medians(100, 104, 96, 102, 98), _HOST).reasons
    assert reason.code == "unsteady"
    assert "vary by 3.2 %; up to 2.5 % is steady" in reason.text
    assert reason.cure.endswith("--processes 10")


def test_turns_at_two_speeds_are_suspect() -> None:
    def flickering(draw: np.random.Generator, count: int) -> worlds.Durations:
        return worlds.lognormal(draw, count) * np.where(np.arange(count) // 100 % 2, 1.4, 1.0)

    assert "two-speeds" in _codes(_row(flickering))


def _preempted(times: int | None) -> Row:
    return _each(footprint=Footprint(1, (0,), times))


def test_a_cpu_that_is_often_taken_away_is_suspect() -> None:
    busy = 10**9  # five processes of 10 ms each, as they are, are too short to count in
    taken = tuple(
        replace(each, back_to_back=replace(each.back_to_back, busy_ns=busy))
        for each in _preempted(10).measurements
    )
    assert _codes(replace(_CLEAN, measurements=taken)) == []
    often: tuple[Measurement, ...] = (
        replace(taken[0], footprint=Footprint(1, (0,), 11)),
        *taken[1:],
    )
    (reason,) = judge(replace(_CLEAN, measurements=often), _HOST).reasons
    assert reason.code == "preempted"
    assert "51 times in 5.0 s of calls" in reason.text
    assert _codes(_preempted(1)) == []
    assert _codes(_preempted(2)) == ["preempted"]


def test_what_nobody_counts_is_unknown() -> None:
    assert judge(_preempted(None), _HOST) == Verdict(
        "VALID", (), ("preemption: the system does not count it",)
    )


def test_what_could_not_be_read_is_neither_fine_nor_bad() -> None:
    blind = Reading(0.0, {}, {}, {}, {}, None, None, None, {"temperature": "no sensor"})
    verdict = judge(replace(_CLEAN, readings=(blind, blind)), _HOST)
    assert verdict == Verdict(
        "VALID",
        (),
        ("temperature: no sensor", "throttling: not told", "load: not told", "memory: not told"),
    )
    assert judge(replace(_CLEAN, readings=()), _HOST).unknown == (
        "the machine: nobody looked at it",
    )


def test_a_single_short_process_leaves_much_unknown() -> None:
    taken = (lived_in(worlds.lognormal, np.random.default_rng(0), 20),)
    short = replace(_CLEAN, measurements=taken, back_to_back=statistics.back_to_back(taken))
    verdict = judge(short, _HOST)
    assert [reason.code for reason in verdict.reasons] == ["few-processes", "few-samples"]
    assert "There was 1 process;" in verdict.reasons[0].text
    assert verdict.unknown == (
        "spread between processes: there is only one",
        "drift: there are too few samples in each process",
    )


def test_the_worst_reason_decides_and_comes_first() -> None:
    bad = replace(
        _read({}, {"on_battery": True, "throttled": {"throttled": True}}),
        measurements=_CLEAN.measurements[:3],
    )
    verdict = judge(bad, _HOST)
    assert verdict.level == "INVALID"
    assert [reason.code for reason in verdict.reasons] == [
        *("throttled", "few-processes", "on-battery")
    ]


def test_every_reason_says_what_to_do() -> None:
    bad = replace(
        _read(
            {"load": 9.0, "counters": {"x": 0}, "temperatures": {"cpu": 20.0}},
            {
                "on_battery": True,
                "throttled": {"throttled": True},
                "counters": {"x": 1},
                "temperatures": {"cpu": 90.0},
                "available_bytes": 1,
            },
        ),
        measurements=_each(audit=Audit(0, 1.0, 2.0)).measurements[:2],
        back_to_back=latency(count=3, process_medians=(1.0, 2.0)),
    )
    reasons = judge(bad, {**_HOST, "governor": "powersave"}).reasons
    assert len(reasons) == 13
    assert len({reason.code for reason in reasons}) == 13
    assert all(reason.text.endswith(".") and len(reason.cure) > 20 for reason in reasons)
