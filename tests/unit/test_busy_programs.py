"""Programs are told by name and by the CPU time that they used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.host.busy_programs import CpuTimes, busiest, cpu_times, parse_stat
from fmnist_edge.host.small_files import UnreadableError
from fmnist_edge.result import BusyProgram
from tests.trees import plant

_TICKS = os.sysconf("SC_CLK_TCK")


def _stat(number: int, name: str, user: int, system: int) -> str:
    return f"{number} ({name}) S 1 1 1 0 -1 4194560 100 0 0 0 {user} {system} 0 0 20 0 1 0 5 6 7\n"


@pytest.mark.parametrize("name", ["python3", "Web Content", "a (b) c", ") R 1 2 (", "tmux: server"])
def test_a_name_may_hold_anything(name: str) -> None:
    assert parse_stat(_stat(12, name, 30, 4)) == (name, 34)


@pytest.mark.parametrize(
    "content", ["", "12", "12 (a", "12 (a) S 1", "(a) " + "1 " * 20, "12 (a) " + "x " * 20]
)
def test_anything_else_is_refused(content: str) -> None:
    with pytest.raises(UnreadableError):
        parse_stat(content)


def test_processes_are_read_without_this_one(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "proc/10/stat": _stat(10, "a", 1, 2),
            f"proc/{os.getpid()}/stat": _stat(os.getpid(), "me", 5, 5),
            "proc/11/cmdline": "secret\n",
            "proc/1x/stat": _stat(1, "b", 1, 1),
        },
    )
    assert cpu_times(tmp_path).ticks == {(10, "a"): 3}


def test_the_busiest_come_first_and_those_of_a_name_are_one() -> None:
    before = CpuTimes(0, {(1, "a"): 100, (2, "a"): 0, (3, "idle"): 9})
    after = CpuTimes(
        2 * NS_PER_SECOND,
        {
            (1, "a"): 100 + _TICKS,
            (2, "a"): _TICKS // 2,
            (3, "idle"): 9 + _TICKS // 20,
            (4, "new"): _TICKS,
            (5, "third"): _TICKS // 5,
            (6, "fourth"): _TICKS // 6,
        },
    )
    assert list(busiest(before, after)) == [
        BusyProgram("a", 0.75),
        BusyProgram("new", 0.5),
        BusyProgram("third", 0.1),
    ]


def test_a_name_cannot_move_the_cursor() -> None:
    after = CpuTimes(NS_PER_SECOND, {(1, "\x1b[2Jx"): _TICKS})
    assert [each.name for each in busiest(CpuTimes(0, {}), after)] == ["?[2Jx"]


@pytest.mark.clocked
def test_a_program_that_computes_is_found_by_name() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            name = Path(f"/proc/{busy.pid}/comm")
            before = cpu_times()
            busy_until = before.at_ns + NS_PER_SECOND
            while (after := cpu_times()).at_ns < busy_until:
                pass
            told = {each.name: each.cpu_share for each in busiest(before, after)}
            assert told[name.read_text().strip()] > 0.1
        finally:
            busy.kill()
