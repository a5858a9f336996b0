"""The tables of rows on other devices than the CPU: where they ran, and what compiling costs."""

import math
import statistics
from collections.abc import Callable

from fmnist_edge.devices import CPU
from fmnist_edge.report import columns
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.figures import elsewhere, marked
from fmnist_edge.report.numbers import (
    MISSING,
    counted,
    duration,
    listed,
    mega,
    micro,
    milli,
    percent,
    significant,
)
from fmnist_edge.report.rows import ordered
from fmnist_edge.result import Placement, Row, Run, how


def units(run: Run) -> tuple[str, ...]:
    """Return a sentence per device: the unit, and how many of its rows are certified."""
    found: dict[str, list[Row]] = {}
    for row in run.rows:
        if row.case.device != CPU and row.failure is None:
            found.setdefault(row.case.device, []).append(row)
    return tuple(_units(device, rows) for device, rows in found.items())


def _units(device: str, rows: list[Row]) -> str:
    names = dict.fromkeys(
        ", ".join(filter(None, (unit.name, unit.api)))
        for row in rows
        for each in row.measurements
        if each.placement and (unit := each.placement.account.unit)
    )
    sound = sum(_proved(row) for row in rows)
    count = "every row" if sound == len(rows) else f"{sound} of {counted(len(rows), 'row')}"
    what = listed(list(names)) or "a device that no runtime names"
    return f"{device} is {what}; proved for {count}."


def _proved(row: Row) -> bool:
    return all(each.placement for each in row.measurements) and not elsewhere(row)


def placement_table(run: Run) -> Table:
    """Return a row for each row on another device than the CPU: its certificate, and its copies.

    The certificate is that of the first process; `reasons` of a row tell where another one differs.
    """
    return tabulate(
        [
            *columns.case_columns(run),
            _certificate("unit", _unit),
            _certificate("operators on it", _operators),
            _certificate("without the CPU", _strict),
            _certificate("seen by", _witness),
            _certificate("computes in", lambda each: each.account.precision or MISSING),
            _certificate("labels as on the CPU %", _agreement),
            _certificate("scores differ by", _difference),
            Column("copies %", _copies),
        ],
        [row for row in ordered(run) if row.case.device != CPU and row.measurements],
    )


def device_table(run: Run) -> Table:
    """Return a row per kind of file, runtime and device, with the p50 at each batch size in µs.

    Where several files of a kind were measured at one batch size, as where each is made for one,
    the fastest of them counts. A run that was on the CPU alone has no row.
    """
    batches = sorted({row.case.batch for row in run.rows})
    groups: dict[tuple[object, ...], dict[int, Row]] = {}
    for row in ordered(run):
        if row.back_to_back and not row.failure and not row.case.subject.is_baseline:
            best = groups.setdefault(_kind(row), {})
            held = best.get(row.case.batch)
            if held is None or _p50_ns(row) < _p50_ns(held):
                best[row.case.batch] = row
    if all(row.case.device == CPU for row in run.rows):
        groups = {}

    def first(text: Callable[[Row], str]) -> Callable[[dict[int, Row]], str]:
        return lambda group: text(next(iter(group.values())))

    def at(batch: int) -> Column[dict[int, Row]]:
        def cell(group: dict[int, Row]) -> str:
            row = group.get(batch)
            return MISSING if row is None else marked(row, "p50", micro(_p50_ns(row)))

        return Column(f"p50 µs at {batch}", cell)

    return tabulate(
        [
            Column("file", first(_file), numeric=False),
            Column("on", first(lambda row: how(row.case, ("device",))), numeric=False),
            Column("operators on it", first(_certified(_operators)), numeric=False),
            Column("without the CPU", first(_certified(_strict)), numeric=False),
            Column("seen by", first(_certified(_witness)), numeric=False),
            Column("accuracy %", first(columns.accuracy().cell)),
            *map(at, batches),
        ],
        groups.values(),
    )


def _kind(row: Row) -> tuple[object, ...]:
    case = row.case
    kind = (case.subject.format, case.subject.precision, case.subject.parent_sha256)
    return (*kind, case.runtime, case.environment, case.device, case.fast_math, case.threads)


def _file(row: Row) -> str:
    subject = row.case.subject
    return " ".join(str(each) for each in (subject.precision, subject.format) if each)


def _p50_ns(row: Row) -> float:
    return row.back_to_back.p50_ns if row.back_to_back else math.inf


def compiling_table(run: Run) -> Table:
    """Return cold starts in ms: with nothing compiled, and with what was compiled before."""
    return tabulate(
        [
            *columns.case_columns(run),
            Column(
                "load ms", lambda row: milli(row.cold_empty.load_ns if row.cold_empty else None)
            ),
            Column(
                "first call ms",
                lambda row: milli(row.cold_empty.first_call_ns if row.cold_empty else None),
            ),
            Column(
                "total ms", lambda row: milli(row.cold_empty.total_ns if row.cold_empty else None)
            ),
            columns.figure_column(
                "total ms, compiled",
                "cold",
                lambda row: milli(
                    row.cold.total_ns if row.cold and row.cold != row.cold_empty else None
                ),
            ),
        ],
        [row for row in ordered(run) if row.cold_empty],
    )


def _certificate(header: str, text: Callable[[Placement], str]) -> Column[Row]:
    return Column(header, _certified(text), numeric=False)


def _certified(text: Callable[[Placement], str]) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        found = next((each.placement for each in row.measurements if each.placement), None)
        return MISSING if found is None else text(found)

    return cell


def _unit(placement: Placement) -> str:
    unit = placement.account.unit
    return MISSING if unit is None else ", ".join(filter(None, (unit.name, unit.api)))


def _operators(placement: Placement) -> str:
    return f"{placement.account.on_device} of {placement.account.operators}"


def _strict(placement: Placement) -> str:
    return "refused" if placement.strict.refused else "opens"


def _witness(placement: Placement) -> str:
    kernel, twin = placement.kernel, placement.twin
    if kernel is None:
        if twin.time_ratio is None:
            return "nobody"
        return f"twin on the CPU, {significant(twin.time_ratio, 2)}x as long"
    if kernel.engine_ns is not None:
        return f"kernel, {duration(kernel.engine_ns)}"
    return f"driver, {mega(kernel.memory_bytes)} MB"


def _agreement(placement: Placement) -> str:
    twin = placement.twin
    if twin.refused:
        return MISSING
    return f"{percent(twin.agreement)} of {counted(twin.images, 'image')}"


def _difference(placement: Placement) -> str:
    twin = placement.twin
    return MISSING if twin.refused else f"{twin.max_abs_difference:.1g}"


def _copies(row: Row) -> str:
    known = [each.copies for each in row.measurements if each.copies]
    if not known:
        return MISSING
    shares = [max(0.0, 1 - each.device_ns / each.host_ns) for each in known if each.host_ns]
    return percent(statistics.median(shares) if shares else None, 0)
