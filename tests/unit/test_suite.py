"""What runs the tests: the parts of a run, what they share, and what they tell in the end."""

import os
import re
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fmnist_edge.records import replace
from fmnist_edge.result import write_run
from tests.commands import Finished
from tests.examples import case, certified, row, run
from tests.once import Once
from tests.suite import Tally, devices, runs, side_by_side

# pytest's own last line, which scripts look for.
LAST = re.compile(r"^=+ (?:\d+ \w+, )*\d+ \w+ in [\d.]+s =+$")


def test_every_test_is_in_one_run_or_the_other() -> None:
    chosen = [arguments[arguments.index("-m") + 1] for arguments in runs("all")]
    assert chosen == ["not clocked", "clocked"]
    clocked = runs("all")[1]
    assert "-n" not in clocked


@pytest.mark.parametrize(("processors", "processes"), [(1, "1"), (2, "2"), (64, "4")])
def test_there_is_a_process_per_processor_up_to_four(processors: int, processes: str) -> None:
    assert side_by_side(processors)[:2] == ("-n", processes)


def _terminal(**counts: int) -> Any:  # noqa: ANN401 - what pytest's terminal reporter is asked
    reports: Mapping[str, list[None]] = {name: [None] * count for name, count in counts.items()}
    return SimpleNamespace(getreports=lambda outcome: reports.get(outcome, []))


def test_the_last_line_adds_up_the_runs() -> None:
    tally = Tally()
    tally.pytest_terminal_summary(_terminal(passed=3, failed=1))
    tally.pytest_terminal_summary(_terminal(passed=4, error=2))
    assert LAST.match(tally.line)
    assert " 1 failed, 7 passed, 2 errors in " in tally.line


def test_the_slowest_of_all_runs_are_told() -> None:
    tally = Tally()
    for seconds in range(20):
        report: Any = SimpleNamespace(duration=seconds, when="call", nodeid=f"test_{seconds}")
        tally.pytest_runtest_logreport(report)
    assert len(tally.slowest) == 10
    assert tally.slowest[0].split() == ["19.00s", "call", "test_19"]


def test_what_is_shared_is_made_once(tmp_path: Path) -> None:
    once, made = Once(tmp_path), []

    def make(folder: Path) -> Finished:
        assert list(folder.iterdir()) == []
        time.sleep(0.05)
        made.append(folder)
        return Finished(3, "told", "said", folder)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: once("name", make), range(4)))
    assert len(made) == 1
    assert found == [Finished(3, "told", "said", made[0])] * 4
    assert once("other", make).folder != made[0]


def test_home_and_temporary_files_are_the_tests_own(
    users_environment: Mapping[str, str],
) -> None:
    for variable in ("HOME", "TMPDIR"):
        assert os.environ[variable] != users_environment.get(variable)
        assert Path(os.environ[variable]).is_dir()
    assert tempfile.gettempdir() == os.environ["TMPDIR"]
    assert not [name for name in os.environ if name.startswith("XDG_")]


def test_the_rows_on_other_devices_are_shown(tmp_path: Path) -> None:
    assert not devices(tmp_path)
    folder = tmp_path / "accelerators-x"
    folder.mkdir()
    on_gpu = certified(row(replace(case(), device="webgpu")))
    write_run(folder / "result.json", run(on_gpu))
    told = devices(tmp_path)
    assert told[1] == "Rows on other devices than the CPU:"
    assert "7 of 7" in told[-1]
