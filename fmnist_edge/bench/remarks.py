"""What a reader of a row should know before comparing it with another."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from fmnist_edge.artifact import Precision
from fmnist_edge.bench.load_remarks import load_remarks
from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.devices import Unit
from fmnist_edge.result import Remark, Row, Value

_NUMPY: Final = "numpy"
_PERFORMANCE: Final = "performance"
_UNKNOWN: Final = "unknown"
_MOSTLY: Final = 0.5
_MUCH_LATER: Final = 2.0
_WARMING_CELSIUS: Final = 10.0
_FLOAT32: Final = frozenset({"f32", "fp32", "float32", "float"})


def remarks(row: Row, everything: Sequence[Row], host: Mapping[str, Value]) -> tuple[Remark, ...]:
    """Return the remarks on a measured row.

    Args:
        row: A row with its latencies, stages and throughput.
        everything: All rows of the run, the baseline among them.
        host: Facts about the machine, by name.
    """
    own = [remark for of in _REMARKS for remark in of(row)]
    if row.case.subject.is_baseline:
        return tuple(own)
    return (
        *_dispatch(row),
        *_slower_than_numpy(row, everything),
        *own,
        *_paced(row),
        *governor(host),
        *_warmed_up(row),
        *load_remarks(row),
    )


def _dispatch(row: Row) -> Iterator[Remark]:
    """Compare a call with the cost of one image in a large batch."""
    if row.throughput is not None and row.dispatch is not None and row.dispatch > _MOSTLY:
        yield Remark(
            "mostly-dispatch",
            {
                "dispatch_share": row.dispatch,
                "batch": row.throughput.batch,
                "image_ns": NS_PER_SECOND / row.throughput.images_per_second,
            },
        )


def _slower_than_numpy(row: Row, everything: Sequence[Row]) -> Iterator[Remark]:
    for each in everything:
        is_numpy = each.case.subject.is_baseline and each.case.runtime == _NUMPY
        if not is_numpy or row.back_to_back is None or each.back_to_back is None:
            continue
        same_batch = each.case.batch == row.case.batch
        if same_batch and row.back_to_back.p50_ns > each.back_to_back.p50_ns:
            network = each.case.subject.path.strip("()").partition(" ")[0]
            yield Remark(
                "slower-than-numpy",
                {"network": network, "numpy_p50_ns": each.back_to_back.p50_ns},
            )


def _samples_are_means(row: Row) -> Iterator[Remark]:
    calls = max(each.back_to_back.calls_per_sample for each in row.measurements)
    if calls > 1:
        yield Remark("samples-are-means", {"calls_per_sample": calls})


def _thinned(row: Row) -> Iterator[Remark]:
    every = max(each.back_to_back.kept_every for each in row.measurements)
    if every > 1:
        made = sum(each.back_to_back.calls for each in row.measurements)
        yield Remark("samples-thinned", {"calls": made, "kept_every": every})


def _synthetic(row: Row) -> Iterator[Remark]:
    if any(each.inputs.source == "synthetic" for each in row.measurements):
        yield Remark("synthetic-inputs")


def _paced(row: Row) -> Iterator[Remark]:
    rate = next((each.paced.rate_hz for each in row.measurements if each.paced), None)
    if rate is None or row.paced is None or row.service is None or row.back_to_back is None:
        return
    paced_ns, service_ns = row.paced.p50_ns, row.service.p50_ns
    if paced_ns > NS_PER_SECOND / rate:
        yield Remark(
            "cannot-keep-up",
            {"rate_hz": rate, "service_p50_ns": service_ns, "paced_p50_ns": paced_ns},
        )
    elif paced_ns > _MUCH_LATER * row.back_to_back.p50_ns > 0:
        yield Remark(
            "paced-is-slower",
            {
                "rate_hz": rate,
                "paced_p50_ns": paced_ns,
                "times": paced_ns / row.back_to_back.p50_ns,
                "service_p50_ns": service_ns,
            },
        )


def _precision(row: Row) -> Iterator[Remark]:
    used = sorted({each.used.get("precision", "") for each in row.measurements} - {""})
    other = [name for name in used if name.lower() not in _FLOAT32]
    if other and row.case.subject.precision is Precision.FLOAT32:
        yield Remark("computes-in", {"precision": ", ".join(other)})


def governor(host: Mapping[str, Value]) -> Iterator[Remark]:
    """Name a governor that may lower the clock: it says what the number means, and is no defect.

    Args:
        host: Facts about the machine, by name.
    """
    name = host.get("governor", _UNKNOWN)
    if name not in {_UNKNOWN, _PERFORMANCE}:
        yield Remark("governor", {"governor": name})


def _warmed_up(row: Row) -> Iterator[Remark]:
    """Name a temperature that rose; a speed that changed with it shows in the turns."""
    courses: dict[str, list[float]] = {}
    for reading in row.readings:
        joined = reading.joined_with(reading.accelerators_of(row.case.device))
        for sensor, celsius in joined.temperatures_celsius.items():
            courses.setdefault(sensor, []).append(celsius)
    rises = {sensor: max(course) - course[0] for sensor, course in courses.items()}
    sensor = max(rises, key=lambda name: rises[name], default="")
    if sensor and rises[sensor] > _WARMING_CELSIUS:
        ends = {"from_celsius": courses[sensor][0], "to_celsius": max(courses[sensor])}
        yield Remark("warmed-up", {"sensor": sensor, **ends})


def _ran_on(row: Row) -> Iterator[Remark]:
    """Name the unit that a certified row ran on, and the witness outside of the runtime."""
    found = next((each.placement for each in row.measurements if each.placement), None)
    if found is None or any(each.spoils_all for each in row.reasons):
        return
    unit = _named(found.account.unit) if found.account.unit else row.case.device
    yield Remark("ran-on", {"operators": found.account.operators, "unit": unit})
    kernel, twin = found.kernel, found.twin
    if kernel is None and twin.max_abs_difference:
        values = {"max_abs_difference": twin.max_abs_difference, "time_ratio": twin.time_ratio or 0}
        yield Remark("unlike-the-cpu", values)
    elif kernel is None:
        yield Remark("timed-unlike-the-cpu", {"time_ratio": twin.time_ratio or 0})
    elif kernel.engine_ns is not None:
        yield Remark("seen-by-the-kernel", {"engine_ns": kernel.engine_ns})
    else:
        yield Remark("seen-by-the-driver", {"memory_bytes": kernel.memory_bytes or 0})


def _named(unit: Unit) -> str:
    return ", ".join(part for part in (unit.name, unit.api, unit.driver) if part)


def _copies(row: Row) -> Iterator[Remark]:
    known = [each.copies for each in row.measurements if each.copies is not None]
    if known:
        host_ns = statistics.median(each.host_ns for each in known)
        device_ns = statistics.median(each.device_ns for each in known)
        share = max(0.0, 1 - device_ns / host_ns) if host_ns else 0.0
        values = {"copies_share": share, "host_ns": host_ns, "device_ns": device_ns}
        yield Remark("copies", values)


_REMARKS: Final[tuple[Callable[[Row], Iterator[Remark]], ...]] = (
    _ran_on,
    _copies,
    _samples_are_means,
    _thinned,
    _synthetic,
    _precision,
)
