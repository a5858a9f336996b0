"""What a sustained load showed of a row, and what else changed when its speed did."""

from collections.abc import Iterator, Mapping
from typing import Final

from fmnist_edge.result import Course, Remark, Row, Sustained, Values
from fmnist_edge.result.conditions import conditions
from fmnist_edge.stats.change_points import PRACTICAL

# Smaller changes of the machine are not told of as what came with a change of speed.
_WARMER_CELSIUS: Final = 3.0
_LOWER_CLOCK: Final = 0.97
_MORE_OF_OTHERS: Final = 0.10


def load_remarks(row: Row) -> Iterator[Remark]:
    """Yield what the sustained load of a row showed; nothing where its speed did not change."""
    load = row.sustained
    if load is None:
        return
    if len(load.p50.levels) > 1:
        yield from _speed(load.p50)
    if _slower(load.p50):
        yield from _came_with_it(row, load, load.p50)
    if load.per_call is not None and _slower(load.per_call):
        lost = load.per_call.ratio_interval.low > (1 + PRACTICAL) * load.p50.ratio
        if lost:
            yield Remark("gets-less-done", _values(load.per_call))
        if lost or _slower(load.p50):
            yield from _others(row, load, load.per_call)


def _slower(course: Course) -> bool:
    certain = course.ratio_interval.low > 1
    return len(course.levels) > 1 and course.ratio >= 1 + PRACTICAL and certain


def _values(course: Course) -> Values:
    return {
        "times_ratio": course.ratio,
        "after_seconds": course.lasting.after_seconds,
        "first_ns": course.first_ns,
        "lasting_ns": course.lasting.time_ns,
    }


def _speed(course: Course) -> Iterator[Remark]:
    if _slower(course):
        yield Remark("slows-down", _values(course))
    elif course.ratio <= 1 / (1 + PRACTICAL) and course.ratio_interval.high < 1:
        yield Remark("speeds-up", _values(course))
    else:
        times = [level.time_ns for level in course.levels]
        ends = {"from_ns": min(times), "to_ns": max(times), "lasting_ns": course.lasting.time_ns}
        yield Remark("changed-for-a-while", {"levels": len(times), **ends})


def _came_with_it(row: Row, load: Sustained, course: Course) -> Iterator[Remark]:
    """Yield what was otherwise at the last level than at the first one."""
    before, after = (
        conditions(row.case, load, level) for level in (course.levels[0], course.lasting)
    )
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


def _others(row: Row, load: Sustained, course: Course) -> Iterator[Remark]:
    first, last = (
        conditions(row.case, load, level).others_share
        for level in (course.levels[0], course.lasting)
    )
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
