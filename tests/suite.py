"""Checks the code and runs the tests: `python -m tests.suite check`, or `all`.

`check` is for every change: ruff, mypy, import-linter, the unit tests and the property tests.
`all` runs every test besides: those that read no clock side by side, one process per processor,
and then those that do, alone. The last line adds up both in pytest's form.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from fmnist_edge.report.layout import draw
from fmnist_edge.report.placement import placement_table
from fmnist_edge.result import read_run
from tests import system_parts

_LINTERS: Final = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",), ("lint-imports",))
_QUICK: Final = ("tests/unit", "tests/property")
_SLOWEST: Final = 10
# More processes than this need more memory than most machines have: each imports TensorFlow.
_MOST_PROCESSES: Final = 4
# Outcomes as pytest calls them, and as it writes them.
_OUTCOMES: Final = {
    **{each: each for each in ("failed", "passed", "skipped", "xfailed", "xpassed")},
    "error": "errors",
}


class Tally:
    """A plugin of pytest that adds up what several runs tell."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._durations: list[tuple[float, str, str]] = []
        self._start = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._durations.append((report.duration, report.when or "", report.nodeid))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for outcome in _OUTCOMES:
            self._counts[outcome] += len(terminalreporter.getreports(outcome))

    @property
    def slowest(self) -> Sequence[str]:
        """What took longest, a line each."""
        longest = sorted(self._durations, reverse=True)[:_SLOWEST]
        return [f"{seconds:7.2f}s {when:8} {test}" for seconds, when, test in longest]

    @property
    def line(self) -> str:
        """The counts, and the seconds since the beginning, in pytest's form."""
        counted = ((self._counts[each], name) for each, name in _OUTCOMES.items())
        told = ", ".join(f"{count} {name}" for count, name in counted if count) or "no tests ran"
        return f" {told} in {time.monotonic() - self._start:.2f}s ".center(80, "=")


def lint() -> bool:
    """Run every linter to its end; whether none complained."""
    programs = Path(sys.executable).parent
    codes = [subprocess.call((programs / name, *rest)) for name, *rest in _LINTERS]
    return not any(codes)


def side_by_side(processors: int) -> Sequence[str]:
    """Options that give pytest several processes; the tests of a file stay in one of them."""
    processes = min(processors, _MOST_PROCESSES)
    return ("-n", str(processes), "--dist", "loadscope", "--no-loadscope-reorder")


def runs(wanted: str) -> Sequence[Sequence[str]]:
    """The arguments of each run of pytest for `check` or `all`."""
    spread = side_by_side(len(os.sched_getaffinity(0)))
    if wanted == "check":
        return [(*_QUICK, *spread)]
    return [("-m", "not clocked", *spread), ("-m", "clocked")]


def devices(made: Path) -> Sequence[str]:
    """Where the rows on other devices than the CPU ran that the tests have measured, drawn."""
    lines: list[str] = []
    for result in made.glob("accelerators-*/result.json"):
        drawn = draw(placement_table(read_run(result)))
        lines += ["", "Rows on other devices than the CPU:", *drawn.header, drawn.rule, *drawn.rows]
    return lines


def main(wanted: str) -> int:
    """Run `check` or `all`; the exit code."""
    fine = lint()
    if wanted == "all":
        system_parts.provide(system_parts.this_machine())
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="fmnist-edge-tests-") as made:
        for arguments in runs(wanted):
            code = pytest.main([*arguments, f"--made-in={made}"], plugins=[tally])
            fine &= code == pytest.ExitCode.OK
            if code == pytest.ExitCode.INTERRUPTED:
                break
        where = devices(Path(made))
    print(*where, "", "The slowest:", *tally.slowest, tally.line, sep="\n")  # noqa: T201 - the answer
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
