"""What a sustained load showed of a row, and what else changed when its speed did."""

from collections.abc import Iterator, Mapping
from typing import Final

from fmnist_edge.result import Remark, Row, Sustained, conditions
from fmnist_edge.stats.change_points import PRACTICAL

# Smaller changes of the machine are not told of as what came with a change of speed.
_WARMER_CELSIUS: Final = 3.0
_LOWER_CLOCK: Final = 0.97
_MORE_OF_OTHERS: Final = 0.10


def load_remarks(row: Row) -> Iterator[Remark]:
    """Yield what the sustained load of a row showed; nothing where its speed did not change."""
    load = row.sustained
    if load is None or len(load.levels) == 1:
        return
    values = {
        "times_ratio": load.ratio,
        "after_seconds": load.lasting.after_seconds,
        "first_ns": load.first_ns,
        "lasting_ns": load.lasting.time_ns,
    }
    if load.ratio >= 1 + PRACTICAL and load.ratio_interval.low > 1:
        yield Remark("slows-down", values)
        yield from _came_with_it(row, load)
    elif load.ratio <= 1 / (1 + PRACTICAL) and load.ratio_interval.high < 1:
        yield Remark("speeds-up", values)
    else:
        times = [level.time_ns for level in load.levels]
        ends = {"from_ns": min(times), "to_ns": max(times), "lasting_ns": load.lasting.time_ns}
        yield Remark("changed-for-a-while", {"levels": len(times), **ends})


def _came_with_it(row: Row, load: Sustained) -> Iterator[Remark]:
    """Yield what was otherwise at the last level than at the first one."""
    before, after = (conditions(row.case, load, level) for level in (load.levels[0], load.lasting))
    new = [name for name in after.limits if name not in before.limits]
    if new:
        yield Remark("slower-under-limits", {"limits": ", ".join(new)})
    if (
        before.clock_mhz is not None
        and after.clock_mhz is not None
        and after.clock_mhz < _LOWER_CLOCK * before.clock_mhz
    ):
        ends = {"from_mhz": before.clock_mhz, "to_mhz": after.clock_mhz}
        yield Remark("slower-at-a-lower-clock", ends)
    yield from _warmer(before.temperatures_celsius, after.temperatures_celsius)
    first, last = before.others_share, after.others_share
    if first is not None and last is not None and last > first + _MORE_OF_OTHERS:
        yield Remark("slower-beside-others", {"from_share": first, "to_share": last})


def _warmer(before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[Remark]:
    """Name the sensor whose temperature rose most, where one rose."""
    rises = {
        sensor: after[sensor] - celsius for sensor, celsius in before.items() if sensor in after
    }
    sensor = max(rises, key=lambda name: rises[name], default="")
    if sensor and rises[sensor] > _WARMER_CELSIUS:
        ends = {"from_celsius": before[sensor], "to_celsius": after[sensor]}
        yield Remark("slower-and-warmer", {"sensor": sensor, **ends})
