"""What came with a change of speed: the sensors' own account, read from a machine that gets hot."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fmnist_edge.bench.load_remarks import load_remarks
from fmnist_edge.bench.sustained import sustained
from fmnist_edge.host.health import Health
from fmnist_edge.report import sentences
from fmnist_edge.result import LoadWindow, Reading, Remark, Row
from fmnist_edge.result.conditions import conditions
from tests.examples import row
from tests.trees import RASPBERRY_PI_5, no_program, plant

_CLOCK = "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq"
_HEAT = "sys/class/hwmon/hwmon0/temp1_input"
_LIMITS = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"


def _trace(folder: Path, states: Sequence[tuple[str, str, str]]) -> list[Reading]:
    """Read a Raspberry Pi 5 once per second: milli-degrees, kHz, and the limits in force."""
    plant(folder, RASPBERRY_PI_5)
    health = Health(folder, run=no_program)
    readings = []
    for second, (heat, clock, limits) in enumerate(states):
        plant(folder, {_HEAT: heat, _CLOCK: clock, _LIMITS: limits})
        readings.append(health.look(second + 0.5))
    return readings


_COOL = ("52000\n", "2400000\n", "0\n")
_HOT = ("84500\n", "1500000\n", "8\n")


def _loaded(
    readings: Sequence[Reading],
    times_ns: Sequence[float],
    others: float = 0.0,
    *,
    median_too: bool = True,
) -> Row:
    windows = [
        LoadWindow(
            at_seconds=float(at),
            duration_seconds=1.0,
            calls=round(1e9 / time),
            p50_ns=time if median_too else times_ns[0],
            p90_ns=time,
            lost_share=0.0,
            others_share=others if time > times_ns[0] else 0.0,
        )
        for at, time in enumerate(times_ns)
    ]
    return row(sustained=sustained([windows[:5], windows[5:]], 0.0, readings))


def _codes(of: Row) -> dict[str, Remark]:
    return {each.code: each for each in load_remarks(of)}


def test_heat_a_lower_clock_and_a_limit_are_told_with_the_change(tmp_path: Path) -> None:
    hot = _loaded(_trace(tmp_path, [_COOL] * 30 + [_HOT] * 30), [1e4] * 30 + [1.6e4] * 30)
    found = _codes(hot)
    assert [*found] == [
        "slows-down",
        "slower-under-limits",
        "slower-at-a-lower-clock",
        "slower-and-warmer",
    ]
    assert found["slows-down"].values["times_ratio"] == pytest.approx(1.6, rel=0.01)
    assert found["slows-down"].values["after_seconds"] == pytest.approx(30)
    assert found["slower-at-a-lower-clock"].values == {"from_mhz": 2400.0, "to_mhz": 1500.0}
    assert found["slower-and-warmer"].values["from_celsius"] == 52.0
    assert found["slower-and-warmer"].values["to_celsius"] == 84.5
    assert "soft temperature limit" in str(found["slower-under-limits"].values["limits"])
    told = " ".join(sentences.remark(each).sentence for each in found.values())
    assert "from 52 °C to 84.5 °C" in told
    assert "from 2400 MHz to 1500 MHz" in told
    assert hot.sustained is not None
    last = conditions(hot.case, hot.sustained, hot.sustained.p50.lasting)
    assert last.clock_mhz == 1500.0


def test_a_slow_down_beside_other_programs_is_told_as_such(tmp_path: Path) -> None:
    found = _codes(_loaded(_trace(tmp_path, [_COOL] * 60), [1e4] * 30 + [2e4] * 30, others=0.5))
    assert [*found] == ["slows-down", "slower-beside-others"]
    assert found["slower-beside-others"].values == {"from_share": 0.0, "to_share": 0.5}


def test_heat_without_a_change_of_speed_is_not_told_here(tmp_path: Path) -> None:
    assert not _codes(_loaded(_trace(tmp_path, [_COOL] * 30 + [_HOT] * 30), [1e4] * 60))


def test_a_machine_that_becomes_faster_or_recovers_is_told_otherwise() -> None:
    assert [*_codes(_loaded([], [2e4] * 30 + [1e4] * 30))] == ["speeds-up"]
    (code,) = _codes(_loaded([], [1e4] * 30 + [2e4] * 30 + [1e4] * 30))
    assert code == "changed-for-a-while"


def test_interruptions_that_no_median_shows_are_told_by_what_gets_done() -> None:
    rival = _loaded([], [1e4] * 30 + [2e4] * 30, others=0.5, median_too=False)
    found = _codes(rival)
    assert [*found] == ["gets-less-done", "slower-beside-others"]
    assert found["gets-less-done"].values["times_ratio"] == pytest.approx(2.0, rel=0.01)
    assert rival.sustained is not None
    assert len(rival.sustained.p50.levels) == 1
