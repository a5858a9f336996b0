"""Each doubt is raised by its cause, at its threshold, and spoils the figures that it is about."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest

from fmnist_edge.bench import statistics
from fmnist_edge.bench.checks import Verdict, judge
from fmnist_edge.bench.checks.finding import NUMBERS, PACED, TAILS, TIMES, WARM
from fmnist_edge.records import replace
from fmnist_edge.result import (
    Accelerator,
    Audit,
    CpuUse,
    Figure,
    NotChecked,
    Reading,
    Reason,
    Row,
    Value,
    codes,
)
from tests import worlds
from tests.examples import READING, certified, latency, row
from tests.worlds import World, lived_in

_HOST: Mapping[str, Value] = {"cores": 4, "memory_bytes": 8 << 30, "governor": "performance"}
_FINE = replace(READING, at_seconds=0.0, on_battery=False, available_bytes=4 << 30, unreadable={})
# Those of tests/unit/test_placement.py.
_OF_DEVICES = {
    *("not-certified", "not-on-device", "strict-refused", "strict-differs", "no-witness"),
    *("differs-from-cpu", "shorter-type", "returns-early"),
}
_SPEEDS = (1.0, 1.01, 0.99, 1.005, 0.995)
_SECOND = 1_000_000_000
_ALONE = CpuUse(wall_ns=_SECOND, own_ns=_SECOND, others_ns=0, stolen_ns=0, preemptions=0, cpus=4)


def _row(world: World = worlds.lognormal, **changes: Any) -> Row:  # noqa: ANN401 - any field
    """Five processes, alone on a machine that is read three times."""
    draw = np.random.default_rng(0)
    taken = tuple(_alone(lived_in(world, draw, 1_000, speed=speed)) for speed in _SPEEDS)
    plain = row(
        measurements=taken,
        back_to_back=statistics.back_to_back(taken),
        paced=latency(),
        readings=(_FINE, _FINE, _FINE),
    )
    return replace(plain, **changes)


def _alone(measurement: Any, hot: CpuUse | None = _ALONE, paced: CpuUse | None = _ALONE) -> Any:  # noqa: ANN401 - a measurement
    return replace(
        measurement,
        back_to_back=replace(measurement.back_to_back, cpu=hot),
        paced=replace(measurement.paced, cpu=paced),
    )


_CLEAN = _row()


def _read(*changes: Mapping[str, Any]) -> Row:
    """The clean row, with a reading for each of the changes."""
    return replace(_CLEAN, readings=tuple(replace(_FINE, **change) for change in changes))


def _each(**changes: Any) -> Row:  # noqa: ANN401 - any field
    """The clean row, with something changed in every process."""
    taken = tuple(replace(each, **changes) for each in _CLEAN.measurements)
    return replace(_CLEAN, measurements=taken)


def _using(hot: CpuUse | None = _ALONE, paced: CpuUse | None = _ALONE) -> Row:
    """The clean row, with another CPU use in every process."""
    return replace(
        _CLEAN, measurements=tuple(_alone(each, hot, paced) for each in _CLEAN.measurements)
    )


def _codes(of: Row, host: Mapping[str, Value] = _HOST) -> list[str]:
    return [reason.code for reason in judge(of, host).reasons]


def _spoilt(verdict: Verdict) -> set[str]:
    return {figure for figure, level in verdict.figures.items() if level != "VALID"}


def _one(of: Row, code: str) -> Reason:
    """The only reason, which is of that code, and spoils its figures and no others."""
    verdict = judge(of, _HOST)
    (reason,) = verdict.reasons
    assert reason.code == code
    assert set(reason.values) == set(codes.REASONS[code])
    assert _spoilt(verdict) == set(reason.figures) & verdict.figures.keys()
    return reason


def test_a_clean_measurement_is_valid_and_everything_was_checked() -> None:
    verdict = judge(_CLEAN, _HOST)
    assert (verdict.reasons, verdict.not_checked) == ((), ())
    assert set(verdict.figures.values()) == {"VALID"}


def test_a_row_has_a_verdict_for_each_figure_that_it_has() -> None:
    figures = judge(_CLEAN, _HOST).figures
    assert set(figures) == {"ratio", "p50", *TAILS[:3], *PACED, "cold", "memory", "throughput"} - (
        set() if _CLEAN.throughput else {"throughput"}
    )
    without = replace(_CLEAN, paced=None, cold=None)
    assert judge(without, _HOST).figures.keys() == figures.keys() - {*PACED, "cold"}


def test_every_figure_belongs_to_some_check() -> None:
    assert {*TIMES, "memory", "accuracy", "energy"} == set(get_args(Figure))


@pytest.mark.parametrize("world", worlds.STEADY.values(), ids=worlds.STEADY)
def test_slow_calls_are_no_reason_for_doubt(world: World) -> None:
    assert judge(_row(world), _HOST).reasons == ()


@pytest.mark.parametrize("world", [worlds.drifting, worlds.throttled])
def test_a_machine_that_slows_down_spoils_latencies_and_no_ratio(world: World) -> None:
    verdict = judge(_row(world), _HOST)
    (drift,) = [reason for reason in verdict.reasons if reason.code == "speed-drifts"]
    assert (drift.values["processes_affected"], drift.values["processes"]) == (5, 5)
    assert "p50" in _spoilt(verdict)
    assert "ratio" not in _spoilt(verdict)


def test_throttling_between_the_processes_of_a_run_is_suspect() -> None:
    draw = np.random.default_rng(1)
    speeds = (1.0, 1.0, 1.0, 1.5, 1.5)
    taken = tuple(_alone(lived_in(worlds.lognormal, draw, 1_000, speed=speed)) for speed in speeds)
    throttled = _row(measurements=taken, back_to_back=statistics.back_to_back(taken))
    assert _codes(throttled) == ["process-medians-vary", "several-speeds"]


@pytest.mark.parametrize("name", ["under-voltage", "GPU 0 hardware slowdown"])
def test_a_limit_in_force_makes_all_numbers_invalid_and_no_rank(name: str) -> None:
    reason = _one(_read({}, {"throttled": {name: True, "frequency capped": False}}), "throttled")
    assert (reason.level, reason.figures) == ("INVALID", NUMBERS)
    assert set(NUMBERS) == set(TIMES) - {"ratio"}
    assert reason.values == {"readings_affected": 1, "readings": 2, "limits": name}


def test_a_counter_that_rises_makes_all_numbers_invalid_and_no_rank() -> None:
    counts: list[dict[str, dict[str, int]]] = [
        {"event_counters": {"core throttle count": count, "throttled since boot": 1}}
        for count in (7, 9)
    ]
    reason = _one(_read(*counts), "throttle-events")
    assert (reason.level, reason.figures) == ("INVALID", NUMBERS)
    assert set(NUMBERS) == set(TIMES) - {"ratio"}
    assert reason.values == {"events": "core throttle count: 2"}
    # Linux's driver clears the word of a Raspberry Pi now and then.
    assert _codes(_read(*reversed(counts))) == []
    assert _codes(_read(*reversed(counts), counts[1])) == ["throttle-events"]


_LIMIT: Mapping[str, bool] = {"hardware slowdown": True, "software power cap": False}


def _on(device: str, *seen: Mapping[str, Accelerator]) -> Row:
    """The clean row on another device, with readings of accelerators."""
    read = _read(*({"accelerators": each} for each in seen))
    return certified(replace(read, case=replace(read.case, device=device)))


@pytest.mark.parametrize(
    ("device", "limits"),
    [
        ("cpu", None),
        ("openvino-npu", None),
        ("cuda", "nvidia 0 hardware slowdown"),
        ("vulkan", "nvidia 0 hardware slowdown, i915 card0 pl1"),
    ],
)
def test_a_limit_of_a_gpu_spoils_the_rows_that_may_be_on_it(
    device: str, limits: str | None
) -> None:
    gpus = {
        "nvidia 0": Accelerator(throttled=_LIMIT),
        "i915 card0": Accelerator(throttled={"pl1": True}),
    }
    found = [
        each for each in judge(_on(device, {}, gpus), _HOST).reasons if each.code == "throttled"
    ]
    assert [each.values["limits"] for each in found] == ([limits] if limits else [])
    assert all((each.level, each.figures) == ("INVALID", NUMBERS) for each in found)


def test_a_limit_of_the_cpu_spoils_the_rows_on_gpus_too() -> None:
    for device in ("cpu", "cuda", "vulkan"):
        row = replace(
            _on(device, {}),
            readings=(replace(_FINE, throttled={"under-voltage": True}),),
        )
        assert _one(row, "throttled").values["limits"] == "under-voltage"


def test_the_clock_of_a_gpu_counts_while_it_works() -> None:
    def course(device: str, *readings: tuple[float, bool | None]) -> Row:
        seen = [{"nvidia 0": Accelerator(clock_mhz=mhz, idle=idle)} for mhz, idle in readings]
        return _on(device, *seen)

    assert _codes(course("cuda", (2000, False), (2090, False), (210, True), (405, None))) == []
    reason = _one(course("cuda", (2000, False), (2110, False)), "accelerator-clock-changed")
    assert (reason.level, reason.figures) == ("SUSPECT", ("p50", *TAILS))
    assert reason.values == {"accelerator": "nvidia 0", "from_mhz": 2000, "to_mhz": 2110}
    assert _codes(course("cpu", (2000, False), (2110, False))) == []


def test_what_a_gpu_does_not_tell_is_not_checked_in_the_rows_on_it() -> None:
    gpus = {
        "nvidia 0": Accelerator(clock_mhz=210.0, idle=True),
        "v3d card0": Accelerator(unreadable={"throttling": "no file"}),
        "nvidia": Accelerator(unreadable={"sensors": "no driver"}),
    }
    assert judge(_on("cpu", gpus, gpus), _HOST).not_checked == ()
    assert judge(_on("vulkan", gpus, gpus), _HOST).not_checked == (
        NotChecked("sensor-absent", {"what": "nvidia 0: clock while it works"}),
        NotChecked("sensor-unreadable", {"what": "v3d card0: throttling", "why": "no file"}),
        NotChecked("sensor-absent", {"what": "v3d card0: clock while it works"}),
        NotChecked("sensor-unreadable", {"what": "nvidia: sensors", "why": "no driver"}),
    )
    assert judge(_on("cuda", {}, {}), _HOST).not_checked == (
        NotChecked("sensor-absent", {"what": "sensors of the device cuda"}),
    )


def test_counters_that_were_read_once_say_nothing() -> None:
    verdict = judge(_read({}), _HOST)
    assert verdict.reasons == ()
    assert verdict.not_checked == (NotChecked("throttle-counters-read-once"),)


def test_answers_that_differ_make_times_and_accuracy_invalid() -> None:
    wrong = replace(_CLEAN.measurements[1], audit=Audit(3, 0.25, 1.0))
    taken = (_CLEAN.measurements[0], wrong, *_CLEAN.measurements[2:])
    reason = _one(replace(_CLEAN, measurements=taken), "outputs-differ")
    assert (reason.level, reason.figures) == ("INVALID", (*WARM, "accuracy"))
    assert reason.values == {"processes_affected": 1, "processes": 5, "max_abs_difference": 0.25}


@pytest.mark.parametrize(
    ("audit", "expected"),
    [
        (Audit(3, 1e-6, 1.0), []),
        (Audit(3, 2e-6, 1.0), ["outputs-differ"]),
        (Audit(3, float("nan"), 1.0), ["outputs-differ"]),
        (Audit(0, 0.0, 1.0), ["not-audited"]),
        (Audit(3, 0.0, 1.10), []),
        (Audit(3, 0.0, 1.11), ["answers-cached"]),
        (Audit(3, 0.0, 0.5), []),
    ],
)
def test_the_audits_have_limits(audit: Audit, expected: list[str]) -> None:
    verdict = judge(_each(audit=audit), _HOST)
    assert [reason.code for reason in verdict.reasons] == expected
    assert all(reason.level == "INVALID" for reason in verdict.reasons)


def _repeating(*ratios: float | None) -> Row:
    taken = tuple(
        replace(each, audit=Audit(3, 0.0, ratio))
        for each, ratio in zip(_CLEAN.measurements, ratios, strict=True)
    )
    return replace(_CLEAN, measurements=taken)


def test_a_cache_shows_in_most_processes() -> None:
    assert _codes(_repeating(None, 9.0, 1.0, 1.0, 1.0)) == []
    reason = _one(_repeating(1.2, 1.15, 1.3, 1.25, None), "answers-cached")
    assert (reason.level, reason.figures) == ("INVALID", WARM)
    assert reason.values["repeat_ratio"] == pytest.approx(1.225)


def test_other_load_during_an_audit_is_no_cache() -> None:
    verdict = judge(_repeating(1.308, 1.155, 0.994, None, None), _HOST)
    assert verdict.reasons == ()
    (unknown,) = verdict.not_checked
    assert unknown == NotChecked(
        "caching-undecided",
        {"repeat_ratio": 1.155, "min_ratio": 0.994, "max_ratio": 1.308, "processes": 3},
    )


def test_a_single_process_decides_nothing_about_a_cache() -> None:
    verdict = judge(_repeating(1.5, None, None, None, None), _HOST)
    assert verdict.not_checked == (NotChecked("caching-in-one-process", {"repeat_ratio": 1.5}),)


def test_what_was_not_tried_is_not_checked() -> None:
    verdict = judge(_each(audit=Audit(3, 0.0, None)), _HOST)
    assert verdict.not_checked == (NotChecked("caching-not-tried"),)


@pytest.mark.parametrize(("governor", "unknown"), [("powersave", 0), ("unknown", 1)])
def test_a_governor_is_no_reason_for_doubt(governor: str, unknown: int) -> None:
    verdict = judge(_CLEAN, {**_HOST, "governor": governor})
    assert verdict.reasons == ()
    assert verdict.not_checked == (NotChecked("governor-unknown"),) * unknown


def test_a_clock_that_changes_is_suspect() -> None:
    def course(*mhz: float) -> Row:
        return _read(*({"clocks_mhz": {"0": 800.0, "1": value}} for value in mhz))

    assert _codes(course(2000, 2090, 2000)) == []
    reason = _one(course(2000, 2110, 2000), "clock-changed")
    assert (reason.level, reason.figures) == ("SUSPECT", ("p50", *TAILS))
    assert reason.values == {"cpu": "fastest", "from_mhz": 2000, "to_mhz": 2110}


def test_a_machine_that_warms_up_is_no_reason_for_doubt() -> None:
    assert _codes(_read(*({"temperatures_celsius": {"cpu": each}} for each in (45.0, 90.0)))) == []


# Recorded on a machine with two CPUs, over five processes of 25 turns of 20 ms each.
_RECORDED: Mapping[str, CpuUse] = {
    "nothing else": CpuUse(2_540_000_000, 2_500_000_000, 170_000_000, 0, 148, cpus=2),
    "the other CPU busy": CpuUse(2_553_000_000, 2_519_000_000, 2_511_000_000, 0, 244, cpus=2),
    "both CPUs busy": CpuUse(2_924_000_000, 969_000_000, 4_981_000_000, 0, 272, cpus=2),
}
_LACKING = {"p50", *TAILS[:3], "cold"}


@pytest.mark.parametrize(
    ("load", "spoilt"),
    [("nothing else", set()), ("the other CPU busy", set()), ("both CPUs busy", _LACKING)],
)
def test_other_programs_spoil_what_they_take_cpu_time_from(load: str, spoilt: set[str]) -> None:
    verdict = judge(_using(hot=replace(_RECORDED[load], preemptions=0)), _HOST)
    assert _spoilt(verdict) == spoilt


def _lacking(**changes: Any) -> Row:  # noqa: ANN401 - any field
    return _using(hot=replace(_ALONE, **changes))


def test_calls_lack_the_cpu_time_that_others_had() -> None:
    tenth = _SECOND // 10
    assert _codes(_lacking(own_ns=9 * tenth, others_ns=9 * tenth)) == []
    reason = _one(_lacking(own_ns=8 * tenth, others_ns=20 * tenth), "waited-for-cpu")
    assert (reason.level, reason.figures) == ("SUSPECT", ("p50", *TAILS, "throughput", "cold"))
    assert reason.values == {
        "lost_share": pytest.approx(0.2),
        "others_share": pytest.approx(0.5),
        "stolen_share": 0.0,
        "limit_share": 0.1,
    }
    # A runtime that sleeps during a call lacks nothing that nobody else had.
    assert _codes(_lacking(own_ns=5 * tenth, others_ns=tenth // 2)) == []
    # Programs on CPUs that the calls do not need take nothing from them.
    assert _codes(_lacking(own_ns=_SECOND, others_ns=3 * _SECOND)) == []


def test_calls_on_several_threads_lack_more() -> None:
    one = _lacking(own_ns=_SECOND, others_ns=3 * _SECOND)
    assert _codes(one) == []
    two = replace(one, case=replace(one.case, threads=2))
    assert _one(two, "waited-for-cpu").values["lost_share"] == pytest.approx(0.5)
    # More threads than CPUs can use no more than the CPUs.
    many = replace(
        _lacking(own_ns=4 * _SECOND, others_ns=_SECOND // 9), case=replace(one.case, threads=64)
    )
    assert _codes(many) == []


def test_time_that_a_hypervisor_took_counts_whether_or_not_it_is_the_rows_own() -> None:
    fifth = _SECOND // 5
    for own in (_SECOND, _SECOND - fifth):
        reason = _one(_lacking(own_ns=own, stolen_ns=fifth), "waited-for-cpu")
        assert reason.values["lost_share"] == pytest.approx(0.2)


def test_other_programs_during_paced_calls_spoil_these_alone() -> None:
    tenth = round(0.1 * 4 * _SECOND)
    assert _codes(_using(paced=replace(_ALONE, others_ns=tenth))) == []
    reason = _one(_using(paced=replace(_ALONE, others_ns=2 * tenth)), "other-programs")
    assert reason.figures == PACED
    assert reason.values == {
        "others_share": pytest.approx(0.2),
        "stolen_share": 0.0,
        "limit_share": 0.1,
    }
    stolen = _one(_using(paced=replace(_ALONE, stolen_ns=2 * tenth)), "other-programs")
    assert stolen.values["stolen_share"] == pytest.approx(0.2)


def test_a_sum_of_ticks_below_zero_counts_as_nothing() -> None:
    assert _codes(_using(hot=replace(_ALONE, others_ns=-_SECOND))) == []


@pytest.mark.parametrize("use", [None, replace(_ALONE, others_ns=None), replace(_ALONE, wall_ns=9)])
def test_a_load_that_was_not_measured_is_not_checked(use: CpuUse | None) -> None:
    verdict = judge(_using(hot=use), _HOST)
    assert verdict.reasons == ()
    expected = NotChecked("other-programs-not-measured", {"regime": "back-to-back"})
    assert expected in verdict.not_checked


def test_a_machine_on_its_battery_is_suspect() -> None:
    assert _one(_read({}, {"on_battery": True}), "on-battery").level == "SUSPECT"
    assert _codes(_read({}, {"on_battery": None})) == []


def test_a_machine_without_memory_to_spare_is_suspect() -> None:
    tenth = int(0.8 * (1 << 30))
    assert _codes(_read({}, {"available_bytes": tenth + 9})) == []
    reason = _one(_read({}, {"available_bytes": tenth // 2}), "memory-pressure")
    assert reason.values == {
        "available_bytes": tenth // 2,
        "total_bytes": 8 << 30,
        "limit_share": 0.1,
    }


def test_a_share_of_an_unknown_size_is_not_checked() -> None:
    verdict = judge(_CLEAN, {**_HOST, "memory_bytes": "unknown"})
    assert verdict.not_checked == (NotChecked("memory-total-unknown"),)


def test_few_processes_spoil_rank_and_p50_and_not_the_tail() -> None:
    four = replace(_CLEAN, measurements=_CLEAN.measurements[:4])
    reason = _one(four, "too-few-processes")
    assert reason.values == {"processes": 4, "processes_needed": 5}
    assert {"ratio", "p50"} <= set(reason.figures)
    assert not {*TAILS, "memory", "accuracy"} & set(reason.figures)


def test_few_samples_spoil_the_regime_that_has_few() -> None:
    medians = tuple(map(float, range(1000, 1005)))
    enough = latency(samples=64, process_p50_ns=medians)
    few = latency(samples=63, process_p50_ns=medians)
    assert _codes(replace(_CLEAN, back_to_back=enough)) == []
    reason = _one(replace(_CLEAN, back_to_back=few), "too-few-samples")
    assert reason.values == {"regime": "back-to-back", "samples": 63, "samples_needed": 64}
    assert _one(replace(_CLEAN, paced=few), "too-few-samples").figures == PACED


def test_paced_processes_that_differ_spoil_the_paced_p50_alone() -> None:
    def medians(*values: float) -> Row:
        return replace(_CLEAN, paced=latency(process_p50_ns=values))

    assert _codes(medians(100, 120, 80, 110, 90)) == []
    reason = _one(medians(100, 140, 70, 120, 80), "process-medians-vary")
    assert reason.figures == ("paced-p50",)
    assert reason.values["regime"] == "paced"
    assert reason.values["limit_share"] == 0.2


def test_processes_that_differ_spoil_p50_alone() -> None:
    def medians(*values: float) -> Row:
        return replace(_CLEAN, back_to_back=latency(process_p50_ns=values))

    assert _codes(medians(100, 102, 98, 101, 99)) == []
    reason = _one(medians(100, 104, 96, 102, 98), "process-medians-vary")
    assert reason.figures == ("p50",)
    assert reason.values["variation_share"] == pytest.approx(0.0316, abs=1e-4)
    assert reason.values["limit_share"] == 0.025


def test_turns_at_two_speeds_are_suspect() -> None:
    def flickering(draw: np.random.Generator, count: int) -> worlds.Durations:
        return worlds.lognormal(draw, count) * np.where(np.arange(count) // 100 % 2, 1.4, 1.0)

    assert "several-speeds" in _codes(_row(flickering))


def _interrupted(times: int | None, each_ns: int = 100_000) -> Row:
    """The clean row of 5,000 calls, each process interrupted so often by others for so long."""
    lost = (times or 0) * each_ns
    own = _SECOND - lost
    return _using(hot=replace(_ALONE, preemptions=times, own_ns=own, others_ns=lost))


def test_threads_that_interrupt_each_other_are_no_disturbance() -> None:
    assert _codes(_interrupted(900, each_ns=0)) == []
    assert _codes(_using(hot=replace(_ALONE, preemptions=900, others_ns=_SECOND))) == []
    # Interruptions of 0.1 ms that take 5 ms in all are 50, or a hundredth of the calls.
    reason = _one(_interrupted(500, each_ns=2_000), "interrupted")
    assert (reason.values["interruptions"], reason.figures) == (50, ("p99", "p99.9"))


def test_interruptions_count_where_the_system_does_not_tell_of_others() -> None:
    use = replace(_ALONE, preemptions=30, others_ns=None)
    assert "interrupted" in _codes(_using(hot=use))


@pytest.mark.parametrize(
    ("times", "figures"),
    [
        (0, ()),
        (1, ("p99.9",)),  # 5 of 5,000 calls: a thousandth
        (5, ("p99.9",)),
        (6, ("p99", "p99.9")),
        (30, ("p95", "p99", "p99.9")),
        (60, ("p90", "p95", "p99", "p99.9")),
        (900, ("p90", "p95", "p99", "p99.9")),
    ],
)
def test_interruptions_spoil_the_percentiles_that_they_decide(
    times: int, figures: tuple[str, ...]
) -> None:
    verdict = judge(_interrupted(times), _HOST)
    assert [reason.figures for reason in verdict.reasons] == [figures] * bool(figures)
    assert verdict.figures["p50"] == verdict.figures["ratio"] == "VALID"


def test_what_nobody_counts_is_not_checked() -> None:
    verdict = judge(_interrupted(None), _HOST)
    assert verdict.reasons == ()
    assert verdict.not_checked == (NotChecked("interruptions-not-counted"),)


def test_what_could_not_be_read_is_neither_fine_nor_bad() -> None:
    blind = Reading(0.0, {}, {}, {}, {}, None, None, None, {"temperature": "no sensor"})
    verdict = judge(replace(_CLEAN, readings=(blind, blind)), _HOST)
    assert verdict.reasons == ()
    assert verdict.not_checked == (
        NotChecked("sensor-unreadable", {"what": "temperature", "why": "no sensor"}),
        NotChecked("sensor-absent", {"what": "throttling"}),
        NotChecked("sensor-absent", {"what": "memory"}),
    )
    blind_row = judge(replace(_CLEAN, readings=()), _HOST)
    assert blind_row.not_checked == (NotChecked("machine-not-read"),)


def test_a_single_short_process_leaves_much_unknown() -> None:
    taken = (_alone(lived_in(worlds.lognormal, np.random.default_rng(0), 20)),)
    short = replace(_CLEAN, measurements=taken, back_to_back=statistics.back_to_back(taken))
    verdict = judge(short, _HOST)
    assert [reason.code for reason in verdict.reasons] == ["too-few-processes", "too-few-samples"]
    assert verdict.not_checked == (
        NotChecked("one-process"),
        NotChecked("too-few-samples-for-drift"),
    )


def test_the_worst_reason_comes_first_and_decides() -> None:
    bad = replace(
        _read({}, {"on_battery": True, "throttled": {"throttled": True}}),
        measurements=_CLEAN.measurements[:3],
    )
    verdict = judge(bad, _HOST)
    assert [reason.code for reason in verdict.reasons] == [
        *("throttled", "too-few-processes", "on-battery")
    ]
    assert verdict.figures["p50"] == "INVALID"
    assert verdict.figures["memory"] == "VALID"


def test_every_finding_has_a_known_code_and_its_values() -> None:
    hot = replace(_ALONE, own_ns=0, others_ns=4 * _SECOND, preemptions=9_000)
    paced = replace(_ALONE, others_ns=4 * _SECOND)
    bad = replace(
        _read(
            {
                "event_counters": {"x": 0},
                "temperatures_celsius": {"cpu": 20.0},
                "accelerators": {"nvidia 0": Accelerator(clock_mhz=1.0, idle=False)},
            },
            {
                "accelerators": {"nvidia 0": Accelerator(clock_mhz=2.0, idle=False)},
                "on_battery": True,
                "throttled": {"throttled": True},
                "event_counters": {"x": 1},
                "temperatures_celsius": {"cpu": 90.0},
                "clocks_mhz": {"0": 1.0},
                "available_bytes": 1,
            },
        ),
        measurements=tuple(
            replace(_alone(each, hot, paced), audit=Audit(0, 1.0, 2.0))
            for each in _row(worlds.drifting).measurements[:2]
        ),
        back_to_back=latency(samples=3, process_p50_ns=(1.0, 2.0)),
        case=replace(_CLEAN.case, device="cuda"),
    )
    bad = certified(bad)
    reasons = judge(bad, {**_HOST, "emulated": "qemu-aarch64"}).reasons
    found = {reason.code for reason in reasons}
    ranks = {"ratio-drifts", "ratio-undecided"}  # of two rows
    elsewhere = {reason for reason in codes.REASONS if reason in _OF_DEVICES}
    assert found | {"several-speeds"} == codes.REASONS.keys() - ranks - elsewhere
    for reason in reasons:
        assert set(reason.values) == set(codes.REASONS[reason.code])
        assert reason.figures


def test_neither_times_nor_memory_of_an_emulated_machine_are_believed() -> None:
    host = {**_HOST, "architecture": "aarch64", "emulated": "qemu-aarch64"}
    verdict = judge(_CLEAN, host)
    (reason,) = verdict.reasons
    assert (reason.code, reason.level) == ("emulated", "INVALID")
    assert reason.values == {"machine": "aarch64", "emulator": "qemu-aarch64"}
    assert _spoilt(verdict) == {*TIMES, "memory"} & verdict.figures.keys()
