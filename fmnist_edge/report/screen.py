"""The first screen of a run: a narrow table, which file to ship, and what is in doubt."""

import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge.artifact import display_name
from fmnist_edge.report.choice import Choice, choose
from fmnist_edge.report.crossover import best_of_each_device, crossovers, in_words
from fmnist_edge.report.decision import naming, plain, ranked
from fmnist_edge.report.figures import mark
from fmnist_edge.report.layout import Drawn, draw
from fmnist_edge.report.narrow import screen_table, shown_figures, user_rows
from fmnist_edge.report.notes import energy_note
from fmnist_edge.report.numbers import counted, listed, micro, sentence
from fmnist_edge.report.placement import units
from fmnist_edge.report.rows import batches, varied
from fmnist_edge.report.sustained import load_lines
from fmnist_edge.result import Row, Run, p50_ns

_UNKNOWN: Final = "unknown"
_USUAL: Final = "standard"
# What a CPU's name has besides its name.
_NOISE: Final = re.compile(r"\((R|TM|tm)\)|\b(CPU|Processor|with Radeon Graphics)\b|@.*")
_WIDTH: Final = 100
_LINES: Final = 5
# On a narrower terminal, the same sentences take more lines.
_NARROW_LINES: Final = 6
_FAILED: Final = 2
_BASELINE: Final = (("numpy", "NumPy"), ("null", "an empty call"))
_LEFT_OUT: Final[Mapping[str, str]] = {
    "not-installed": "not installed",
    "slow-import": "slow to import",
    "no-runtime": "opened by no runtime in use",
    "same-file": "the same as another file",
    "no-device": "by no runtime in use on {device}",
    "other-batches": "made for batch {batch} only",
    "other-environment": "on {device} in {environment} only",
}
_NAMED: Final = 9


@dataclass(frozen=True)
class Screen:
    """What a reader of a run wants to know first; each text may have several lines.

    Args:
        heading: What was measured, and where.
        table: A line per row of the user's files, drawn.
        chosen: The line of the file to ship; None where there is none.
        below: What failed, what the devices are, from where on they overtake the CPU, and the
            baseline.
        decision: Which file to ship, and what is in doubt: five lines at the most, or six of fewer
            than 100 characters.
        rest: What was left out, and where the rest is.
    """

    heading: str
    table: Drawn
    chosen: int | None
    below: tuple[str, ...]
    decision: tuple[str, ...]
    rest: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it, without a newline at the end."""
        table = (*self.table.header, self.table.rule, *self.table.rows)
        texts = (self.heading, *table, *self.below, "", *self.decision, *self.rest)
        return "\n".join(texts)


def first_screen(
    run: Run, file: str | None, *, names: Sequence[str] | None = None, width: int | None = None
) -> Screen:
    """Return the first screen of a run.

    Args:
        run: What was measured.
        file: The name of the results file; None where it was not kept.
        names: The columns, of `COLUMNS`; none for the narrow table.
        width: Characters per line; None for a table as wide as it needs to be, over sentences of
            100 characters per line.
    """
    choice, table = choose(run), screen_table(run, names)
    drawn = draw(table, width)
    width = width or _WIDTH
    return Screen(
        heading=_wrapped(heading(run), width),
        table=drawn,
        chosen=user_rows(run).index(choice.best) if isinstance(choice, Choice) else None,
        below=tuple(
            _wrapped(text, width)
            for text in (
                *_failed(run),
                *units(run),
                *_crossing(run),
                *load_lines(run),
                *_baseline(run),
            )
        ),
        decision=_most_important(
            _LINES if width >= _WIDTH else _NARROW_LINES,
            [
                (rank, _wrapped(text, width))
                for rank, text in ranked(run, shown_figures(run, names))
            ],
        ),
        rest=tuple(
            _wrapped(text, width)
            for text in (*_left_out(run, drawn.left_out), *_energy(run), _more(file))
        ),
    )


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False)) or " "


def _most_important(room: int, texts: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """Return the texts that fit into so many lines, by their importance, in the given order."""
    kept: set[int] = set()
    for place in sorted(range(len(texts)), key=lambda place: texts[place][0]):
        lines = texts[place][1].count("\n") + 1
        if lines <= room:
            kept.add(place)
            room -= lines
    return tuple(text for place, (_, text) in enumerate(texts) if place in kept)


def heading(run: Run) -> str:
    """Return what was measured, on how many images, on what CPU, and with what per call."""
    rows = user_rows(run)
    files = list(dict.fromkeys(row.case.subject for row in rows))
    what = plain(files[0].name) if len(files) == 1 else counted(len(files), "file")
    images = max((row.accuracy.images for row in rows if row.accuracy), default=0)
    on = f" on {counted(images, 'test image')}" if images else ""
    parts = (f"{what}{on}", _machine(run), _conditions(run, rows), _protocol(run))
    return " · ".join(filter(None, parts))


def _machine(run: Run) -> str:
    cpu = " ".join(_NOISE.sub(" ", str(run.host.get("cpu", _UNKNOWN))).split())
    cores = str(run.host.get("cores", _UNKNOWN))
    told = [run.host_name] if run.host_name else []
    told += [] if cpu in {"", _UNKNOWN} else [cpu]
    told += [] if cores == _UNKNOWN else ["1 core" if cores == "1" else f"{cores} cores"]
    return ", ".join(told)


def _conditions(run: Run, rows: Sequence[Row]) -> str:
    """Return the threads and the batch, where all rows share them."""
    if not rows:
        return ""
    case, different = rows[0].case, varied(run)
    told = []
    if "threads" not in different:
        told.append(counted(case.threads, "thread"))
    if "batch" not in different:
        told.append(f"batch {case.batch}")
    return ", ".join(told)


def _protocol(run: Run) -> str:
    name, rounds, wanted = run.settings.protocol, run.rounds, run.settings.processes
    told = [] if name == _USUAL else [f"{name} protocol"]
    told += [] if rounds >= wanted else [f"interrupted after {rounds} of {wanted} processes"]
    return ", ".join(told)


def _failed(run: Run) -> Iterator[str]:
    """Yield each cause once, with the rows that failed of it."""
    name = naming(run, varied(run))
    causes: dict[str, list[str]] = {}
    for row in run.rows:
        if row.failure is not None:
            cause = f"{sentence(row.failure.message)} {sentence(row.failure.hint)}".strip()
            causes.setdefault(plain(cause), []).append(name(row))
    for cause, rows in causes.items():
        yield f"Failed: {listed(rows, _FAILED)}: {cause}"


def _baseline(run: Run) -> Iterator[str]:
    """Yield what the machine takes for a network in plain NumPy, and for an empty call."""
    known = [row for row in run.rows if row.case.subject.is_baseline and p50_ns(row)]
    parts = []
    for runtime, name in _BASELINE:
        same = sorted(
            (row for row in known if row.case.runtime == runtime), key=lambda row: row.case.batch
        )
        if same:
            times = [mark(row.verdicts.get("p50"), micro(p50_ns(row))) for row in same]
            parts.append(f"{name} {' / '.join(times)} µs")
    at = " / ".join(map(str, batches(known)))
    if parts:
        yield f"(baseline{f' at batch {at}' if '/' in at else ''}: {', '.join(parts)})"


def _crossing(run: Run) -> Iterator[str]:
    """Yield for each device other than the CPU when it is faster, with its fastest file."""
    for found in best_of_each_device(crossovers(run)):
        yield in_words(run, found, naming)


def _left_out(run: Run, headers: Sequence[str]) -> Iterator[str]:
    """Yield what was not measured, in one sentence; the report has the reasons and the cures."""
    found: dict[str, list[str]] = {"no room": list(headers)} if headers else {}
    for each in run.skipped:
        name = each.runtime or display_name(Path(each.path))
        why = _LEFT_OUT.get(each.code, "not measured").format(**each.values)
        found.setdefault(why, []).append(plain(name))
    parts = [f"{why}: {listed(list(dict.fromkeys(names)), _NAMED)}" for why, names in found.items()]
    if parts:
        yield f"Left out ({'; '.join(parts)})."


def _energy(run: Run) -> Iterator[str]:
    """Yield why no energy was measured, where it was asked for."""
    if run.settings.energy_seconds and not any(row.energy for row in run.rows):
        yield energy_note(run)


def _more(file: str | None) -> str:
    if file is None:
        return "Keep it with --json FILE; fmnist-edge report FILE then tells the rest."
    quoted = shlex.quote(file)
    return f"The rest: fmnist-edge report {quoted} [--out page.md]"
