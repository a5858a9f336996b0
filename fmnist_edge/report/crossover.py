"""From how many images per call on another device is faster than the CPU.

A call to another device has a price of its own, which many images share. A file on such a device is
held against the fastest row on the CPU with as many images per call: of the same file, or of one of
the same parent and precision, on any runtime. No order is told that an interval does not give.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from fmnist_edge.devices import CPU
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.columns import p50
from fmnist_edge.report.figures import marked
from fmnist_edge.report.numbers import MISSING, counted, listed, micro, significant, span
from fmnist_edge.report.ratios import Times, between
from fmnist_edge.report.rows import batches, row_names, varied
from fmnist_edge.result import Case, Row, Run, Subject, device_name, how, p50_ns

Order = Literal["faster", "slower", "equal", "undecided"]
Naming = Callable[[Run, Collection[str]], Callable[[Row], str]]
# An interval that reaches beyond this ratio, or its inverse, shows no equality.
_EQUAL: Final = 1.25
# Below, a ratio of two digits would be 1.0.
_THREE_DIGITS_BELOW: Final = 1.1
_FEWEST: Final = 2
# More changes than one between rows on the CPU are left to the table.
_NAMED: Final = 2


@dataclass(frozen=True)
class Point:
    """A file on a device and on the CPU, at one number of images per call.

    Args:
        own: The row on the device.
        cpu: The fastest row on the CPU.
        times: How many times as long the device takes.
    """

    own: Row
    cpu: Row
    times: Times

    @property
    def batch(self) -> int:
        """Images per call, of both rows."""
        return self.own.case.batch

    @property
    def order(self) -> Order:
        """What the interval says of the device."""
        known = self.times.interval
        if known is None:
            return "undecided"
        if not self.times.is_tie:
            return "slower" if self.times.ratio > 1 else "faster"
        return "equal" if known.low >= 1 / _EQUAL and known.high <= _EQUAL else "undecided"

    @property
    def words(self) -> str:
        """The answer: "1.8x faster", "40x slower", "about equal"."""
        if self.order == "equal":
            return "about equal"
        if self.order == "undecided":
            return "too uncertain to tell"
        return f"{self.factor} {self.order}"

    @property
    def factor(self) -> str:
        """How many times as fast or as slow: "1.8x"."""
        ratio = self.times.ratio
        return f"{_written(max(ratio, 1 / ratio) if ratio else ratio)}x"


def _written(ratio: float) -> str:
    return significant(ratio, 3 if 1 <= ratio < _THREE_DIGITS_BELOW else 2)


@dataclass(frozen=True)
class Crossover:
    """A file on a device beside the CPU.

    Some runtimes run a file on a device only with the batch that it was made for; then files of the
    same parent, format and precision stand for one.

    Args:
        points: One per number of images per call, the smallest first; two at least.
    """

    points: tuple[Point, ...]

    @property
    def has_file_per_batch(self) -> bool:
        """Whether not all points are of the same file."""
        return len({point.own.case.subject for point in self.points}) > 1

    @property
    def device(self) -> str:
        """The device, and whether it may compute in a shorter type."""
        return device_name(self.points[0].own.case)

    @property
    def image_ns(self) -> float:
        """The shortest time per image on the device, in nanoseconds."""
        return min(p50_ns(point.own) / point.batch for point in self.points)


def crossovers(run: Run) -> tuple[Crossover, ...]:
    """Return a crossover per kind of file, runtime and device, measured at several batches.

    Rows whose p50 or rank is INVALID do not count.
    """
    rows = [row for row in run.rows if _counts(row)]
    on_device: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        if row.case.device != CPU:
            on_device.setdefault(_series(row.case), []).append(row)
    on_cpu = [row for row in rows if row.case.device == CPU]
    found = (Crossover(tuple(_points(own, on_cpu))) for own in on_device.values())
    return tuple(each for each in found if len(each.points) >= _FEWEST)


def _counts(row: Row) -> bool:
    own = row.failure is None and not row.case.subject.is_baseline
    return own and p50_ns(row) > 0 and row.verdict("p50", "ratio") != "INVALID"


def _points(own: Sequence[Row], on_cpu: Sequence[Row]) -> Iterator[Point]:
    kind = _kind(own[0].case.subject)
    same = [row for row in on_cpu if _kind(row.case.subject) == kind]
    for batch in batches(own):
        best, cpu = (
            min((row for row in rows if row.case.batch == batch), key=p50_ns, default=None)
            for rows in (own, same)
        )
        times = between(cpu, best) if cpu is not None and best is not None else None
        if best is not None and cpu is not None and times is not None:
            yield Point(best, cpu, times)


def _series(case: Case) -> tuple[object, ...]:
    """Return what the rows of one crossover share: all but the batch, and the file made for it."""
    how = case.runtime, case.environment, case.device, case.threads, case.fast_math
    return _kind(case.subject), case.subject.format, *how


def _kind(subject: Subject) -> tuple[object, ...]:
    """Return what files share that were made of the same parent with the same arithmetic."""
    return subject.parent_sha256 or subject.sha256 or subject.path, subject.precision


def best_of_each_device(found: Sequence[Crossover]) -> tuple[Crossover, ...]:
    """Return for each device the file and runtime with the shortest time per image there."""
    best: dict[str, Crossover] = {}
    for each in found:
        known = best.get(each.device)
        if known is None or each.image_ns < known.image_ns:
            best[each.device] = each
    return tuple(best.values())


def in_words(run: Run, found: Crossover, naming: Naming = row_names) -> str:
    """Return the answer in one sentence.

    Args:
        run: The run of the rows.
        found: A crossover of it.
        naming: Returns what names rows, with what of device, threads and batch is told.
    """
    points = found.points
    name = naming(run, [each for each in varied(run) if each != "batch"])(points[0].own)
    name += " (a file per batch)" if found.has_file_per_batch else ""
    return f"{_sentence(name, _cpu_name(run, points, naming), points)}."


def _cpu_name(run: Run, points: Sequence[Point], naming: Naming) -> str:
    """Return the CPU with what runs there: "the CPU (litert at 1 and 8, openvino at 64)"."""
    words = [each for each in varied(run) if each == "threads"]
    name = naming(run, words)

    def runner(point: Point) -> str:
        same = point.cpu.case.subject.format == point.own.case.subject.format
        return how(point.cpu.case, words) if same else name(point.cpu)

    groups = [(who, [*group]) for who, group in groupby(points, runner)]
    if len(groups) == 1:
        return f"the CPU ({groups[0][0]})"
    if len(groups) > _NAMED:
        return "the CPU (its fastest row of each batch)"
    parts = (f"{who} at {_batches(group)}" for who, group in groups)
    return f"the CPU ({', '.join(parts)})"


def _batches(points: Sequence[Point]) -> str:
    return listed([f"{each.batch:,}" for each in points], len(points))


def _sentence(name: str, cpu: str, points: Sequence[Point]) -> str:
    first, last = points[0], points[-1]
    orders = [each.order for each in points]
    if set(orders) == {"undecided"}:
        parts = [f"{_written(each.times.ratio)} times as long at {each.batch:,}" for each in points]
        return (
            f"Too few or too unlike processes tell whether {name} overtakes {cpu}: it takes about "
            f"{listed(parts, len(parts))} images per call"
        )
    if set(orders) == {"equal"}:
        return f"{name} is about as fast as {cpu} at {_batches(points)} images per call"
    if "faster" not in orders:
        surely = "" if set(orders) == {"slower"} else " clearly"
        return (
            f"{name} does not{surely} overtake {cpu} up to {_images(last)}: {_at(first)}, "
            f"at {last.batch:,} {last.words}"
        )
    if set(orders) == {"faster"}:
        parts = [f"{each.factor} at {each.batch:,}" for each in points]
        return (
            f"{name} is faster than {cpu} at all batches that were measured: "
            f"{listed(parts, len(parts))}"
        )
    crossing = orders.index("faster")
    if set(orders[crossing:]) != {"faster"}:
        faster = [each for each in points if each.order == "faster"]
        others = [f"at {each.batch:,} {each.words}" for each in points[1:]]
        return (
            f"{name} is faster than {cpu} at {_batches(faster)} images per call and not at others: "
            f"{_at(first)}, {', '.join(others)}"
        )
    at, before = points[crossing], points[crossing - 1]
    more = f", {last.factor} at {last.batch:,}" if last is not at else ""
    told = before is not first and before.order != "slower"
    nearly = f", at {before.batch:,} {before.words}" if told else ""
    return f"{name} overtakes {cpu} at {_images(at)} ({at.factor}{more}); {_at(first)}{nearly}"


def _images(point: Point) -> str:
    return f"{counted(point.batch, 'image')} per call"


def _at(point: Point) -> str:
    return f"at {point.batch:,} it is {point.words}"


def crossover_table(run: Run, found: Sequence[Crossover]) -> Table:
    """Return a line per file, runtime, device and number of images per call."""
    words = varied(run)
    name = row_names(run, [each for each in words if each != "batch"])

    def interval(point: Point) -> str:
        known = point.times.interval
        return span(known.low, known.high) if known else MISSING

    def time(header: str, of: Callable[[Point], Row]) -> Column[Point]:
        def cell(point: Point) -> str:
            latency = of(point).back_to_back
            return marked(of(point), "p50", micro(p50(latency) if latency else None))

        return Column(header, cell)

    return tabulate(
        [
            Column("row", lambda point: name(point.own), numeric=False),
            Column("batch", lambda point: f"{point.batch:,}"),
            time("p50 µs", lambda point: point.own),
            Column("fastest on the CPU", lambda point: name(point.cpu), numeric=False),
            time("its p50 µs", lambda point: point.cpu),
            Column("times as long", lambda point: _written(point.times.ratio)),
            Column("95 % interval", interval),
            Column("answer", lambda point: point.words, numeric=False),
        ],
        [point for each in found for point in each.points],
    )
