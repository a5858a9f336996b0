"""The only place that prints.

Answers go to stdout; progress, remarks and errors go to stderr. rich is imported when there is
something to draw, so that `--help` does not wait for it.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.errors import FmnistEdgeError
from fmnist_edge.files import write_atomically
from fmnist_edge.progress import SILENT
from fmnist_edge.records import encode, encode_json
from fmnist_edge_cli.options import STDOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from fmnist_edge.divergence import Divergence
    from fmnist_edge.pipeline.evaluate import Evaluated
    from fmnist_edge.pipeline.predict import Predicted
    from fmnist_edge.progress import Progress
    from fmnist_edge.report.cells import Table
    from fmnist_edge.report.changes import Comparison
    from fmnist_edge.report.layout import Drawn
    from fmnist_edge.result import DeviceState, Diagnosis, Run


_TENTHS = 10
_LONGEST_SILENCE_NS = 30 * NS_PER_SECOND
# The bar must not be what is measured: each drawing costs a millisecond or two.
_DRAWINGS_PER_SECOND = 1
# Of cells: verdicts, and numbers by their mark.
_CELLS = {
    r"(?<!\S)VALID(?!\S)": "green",
    r"(?<!\S)SUSPECT(?!\S)": "yellow",
    r"(?<!\S)(INVALID|failed)(?!\S)": "bold red",
    r"(?<!\S)\S+\?(?!\S)": "yellow",
    r"(?<!\S)\S+!(?!\S)": "bold red",
}
_CHOSEN = "bold green"
_READY = {True: "bold green", False: "bold red"}
# Of the texts around a table, by their beginning.
_LINES = {
    "Failed": "bold red",
    "Ship": "bold green",
    "No file": "bold red",
    "In doubt": "yellow",
    "Not to be used": "bold red",
}


def line(text: str = "") -> None:
    """A line of the answer."""
    sys.stdout.write(text + "\n")


def json_answer(value: object, file: Path) -> bool:
    """Write the answer for a script, and return whether it took the standard output.

    Args:
        value: A record, or what a record may hold.
        file: `options.STDOUT`, or a file that is replaced.
    """
    if file == STDOUT:
        sys.stdout.write(encode_json(value))
        return True
    write_atomically(file, encode_json(value).encode())
    return False


def json_lines(values: "Iterable[object]", file: Path) -> bool:
    """Write an answer of many parts, a line of JSON each; True if it took the standard output.

    Args:
        values: Records.
        file: `options.STDOUT`, or a file that is replaced.
    """
    lines = (f"{json.dumps(encode(value), allow_nan=False)}\n" for value in values)
    if file == STDOUT:
        sys.stdout.writelines(lines)
        return True
    write_atomically(file, "".join(lines).encode())
    return False


def warning(text: str) -> None:
    """A remark that is no part of the answer."""
    sys.stderr.write(text + "\n")


def failure(error: FmnistEdgeError) -> None:
    """What went wrong and what to do about it."""
    sys.stderr.write(f"Error: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"{error.hint}\n")


def interrupted() -> None:
    """The user pressed Ctrl-C."""
    sys.stderr.write("\nInterrupted. What was finished is kept; nothing half-written is left.\n")


def table(content: "Table") -> None:
    """A table: whole in a file, and within the width of a terminal."""
    from fmnist_edge.report.layout import draw

    console = _console(sys.stdout)
    drawn = draw(content, console.width if console.is_terminal else None)
    _drawn(console, drawn)
    if content.note:
        line(content.note)
    if drawn.left_out:
        warning(f"Left out on this narrow terminal: {', '.join(drawn.left_out)}.")


def _drawn(console: "Console", drawn: "Drawn", chosen: int | None = None) -> None:
    """Print the lines of a table, the chosen row in the colour of what is good."""
    from rich.text import Text

    for text in drawn.header:
        console.print(text, style="bold", highlight=False, soft_wrap=True)
    console.print(drawn.rule, highlight=False, soft_wrap=True)
    for place, text in enumerate(drawn.rows):
        styled = Text(text, style=_CHOSEN if place == chosen else "")
        for pattern, style in _CELLS.items():
            styled.highlight_regex(pattern, style)
        console.print(styled, soft_wrap=True)


def first_screen(run: "Run", file: Path | None, *, columns: "Sequence[str] | None" = None) -> None:
    """Print what a reader of a run wants to know first.

    Args:
        run: What was measured.
        file: The results file; None where it was not kept.
        columns: The columns of the table, by name; None for the narrow table.
    """
    from fmnist_edge.report import screen
    from fmnist_edge.report.details import asked_for

    console = _console(sys.stdout)
    width = console.width if console.is_terminal else None
    name = None if file is None else str(file)
    shown = screen.first_screen(run, name, names=columns, width=width)
    _texts(console, [shown.heading])
    _drawn(console, shown.table, shown.chosen)
    _texts(console, shown.below)
    for title, content in asked_for(run):
        line(f"\n{title}")
        table(content)
    line()
    _texts(console, [*shown.decision, *shown.rest])


def _texts(console: "Console", texts: "Iterable[str]") -> None:
    """Print sentences, each in the style of how it begins."""
    for text in texts:
        style = next((style for start, style in _LINES.items() if text.startswith(start)), "")
        console.print(text, style=style, highlight=False, soft_wrap=True)


def left_out(run: "Run") -> None:
    """Print to stderr why files were not measured."""
    from fmnist_edge.report import notes

    for text in notes.skipped(run):
        warning(f"Not measured: {text}")


def heading(text: str) -> None:
    """The name of what follows, where several answers stand below each other."""
    line(f"\n{text}")
    line("=" * len(text))


def whole_report(run: "Run") -> None:
    """Print everything that is known of a run."""
    from fmnist_edge.report.page import sections

    console = _console(sys.stdout)
    for place, section in enumerate(sections(run)):
        if place:
            line()
        console.print(section.title, style="bold", highlight=False, soft_wrap=True)
        if section.table is not None and not section.in_words:
            table(section.table)
        for text in (*section.in_words, *section.items):
            _paragraph(console, f"- {text}")
        for text in section.paragraphs:
            _paragraph(console, text)


def _paragraph(console: "Console", text: str) -> None:
    """Print a text, in lines of whole words on a terminal."""
    console.print(text, highlight=False, soft_wrap=not console.is_terminal)


def comparison(content: "Comparison") -> None:
    """What changed between two runs, and the sum of it in words."""
    from fmnist_edge.report.compare_text import comparison_table, summary

    table(comparison_table(content))
    for text in summary(content):
        line(text)


def devices(states: "Sequence[DeviceState]") -> None:
    """Which runtime can be used on which device, and what to do about the others."""
    from fmnist_edge.report.devices import devices_table, devices_text

    if states:
        table(devices_table(states))
    console = _console(sys.stdout)
    for text in devices_text(states):
        _paragraph(console, text)


def diagnosis(found: "Diagnosis", *, whole: bool) -> None:
    """Whether this machine is ready to be measured on, why not, and what to do.

    Args:
        found: What was found.
        whole: Whether everything is told.
    """
    from fmnist_edge.report.doctor import TO_DO, doctor_text, verdict_lines

    console = _console(sys.stdout)
    width = console.width if console.is_terminal else None
    styles = dict.fromkeys(verdict_lines(found, width), _READY[found.ready]) | {TO_DO: "bold"}
    for text in doctor_text(found, width, whole=whole):
        console.print(text, style=styles.get(text, ""), highlight=False, soft_wrap=True)


def evaluation(done: "Evaluated") -> None:
    """The tables of an evaluation, and the worst images where the terminal can show them."""
    from fmnist_edge.report.evaluation import evaluation_tables, headline, mistakes_table, summary
    from fmnist_edge_cli.pictures import can_show, contact_sheet

    found = done.evaluation
    for text in headline(found):
        line(text)
    table(summary(found))
    for title, content in evaluation_tables(found):
        line(title)
        table(content)
    if not found.mistakes:
        return
    line("The surest wrong answers")
    console = _console(sys.stdout)
    if not can_show(console):
        table(mistakes_table(found.mistakes))
        return
    line()
    for picture in contact_sheet(found.mistakes, done.worst, console.width):
        console.print(picture)


def predictions(done: "Predicted", show: int) -> None:
    """The answers to the first images.

    Args:
        done: The answers to all images.
        show: How many of them are shown.
    """
    from fmnist_edge.report.predictions import heading, predictions_table, summary

    content, some = done.content, slice(0, show)
    facts = content.facts
    line(heading(facts.case, facts.runtime_version, facts.used))
    if show:
        truth = None if content.truth is None else content.truth[some]
        probabilities, labels = done.probabilities[some], content.labels[some]
        table(predictions_table(probabilities, labels, truth, facts.classes))
    line(summary(len(done), done.right, show))


def divergences(found: "Sequence[Divergence]") -> None:
    """Where answers part: a summary first, then changed images, then layers."""
    from fmnist_edge.report.divergence import (
        changes_table,
        headings,
        layers_table,
        remarks,
        summary,
    )

    console = _console(sys.stdout)
    for place, each in enumerate(found):
        if place:
            line()
        for text in headings(each):
            line(text)
        for text in (summary(each), *remarks(each)):
            _paragraph(console, text)
        if each.changes:
            line("Images that change label")
            table(changes_table(each))
        if each.layers:
            line("Layers")
            table(layers_table(each.layers))


def progress_display(*, quiet: bool = False, verbose: bool = False) -> "Progress":
    """A progress display on stderr: a bar on a terminal, a few lines elsewhere.

    Args:
        quiet: Whether nothing is shown.
        verbose: Whether every step has a line, on a terminal too.
    """
    if quiet:
        return SILENT
    # A descriptor of its own: while native output is suppressed, 2 is not the screen.
    stream = os.fdopen(os.dup(2), "w", encoding="utf-8", buffering=1)
    console = _console(stream)
    if console.is_terminal and not verbose:
        return _BarDisplay(console)
    return _LineDisplay(console, every_step=verbose)


def _console(stream: TextIO) -> "Console":
    """A console that takes names as they are: a file may be called `[red]`."""
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False)


class _BarDisplay:
    """A bar with a note, the share done, and the time left."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def start(self, label: str, total: int | None) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self.finish()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
            refresh_per_second=_DRAWINGS_PER_SECOND,
        )
        self._task = self._bar.add_task(label, total=total, note="")
        self._bar.start()

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        if self._bar is None or self._task is None:
            return
        self._bar.advance(self._task, steps)
        if note:
            self._bar.update(self._task, note=note)

    def finish(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def say(self, message: str) -> None:
        self._console.print(message, highlight=False)


class _LineDisplay:
    """Lines for a log file: one at the start, after each tenth, and at least every 30 seconds.

    Args:
        console: Where they go.
        every_step: Whether each step that has a note gets a line.
    """

    def __init__(self, console: "Console", *, every_step: bool = False) -> None:
        self._console = console
        self._every_step = every_step
        self._label = ""
        self._total: int | None = None
        self._done = 0
        self._tenth = 0
        self._note = ""
        self._last_line_ns = 0

    def start(self, label: str, total: int | None) -> None:
        self._label, self._total, self._done, self._tenth, self._note = label, total, 0, 0, ""
        self.say(f"{label} ...")

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        self._note = note or self._note
        self._done += steps
        tenth = _TENTHS * self._done // self._total if self._total else 0
        if self._every_step and note:
            self._tenth = tenth
            self._say_share(f" {100 * self._done // self._total} %" if self._total else "")
        elif tenth > self._tenth:
            self._tenth = tenth
            self._say_share(f" {tenth * _TENTHS} %")
        elif now() - self._last_line_ns >= _LONGEST_SILENCE_NS:
            self._say_share(f" {100 * self._done // self._total} %" if self._total else "")

    def _say_share(self, share: str) -> None:
        note = f" ({self._note})" if self._note else ""
        self.say(f"{self._label}:{share or ' in progress'}{note}")

    def finish(self) -> None:
        pass

    def say(self, message: str) -> None:
        self._last_line_ns = now()
        self._console.print(message, highlight=False, soft_wrap=True)
