"""The CPU time of a process and of the others is read from the kernel, or is not known."""

import os
from pathlib import Path

import pytest

from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.host.cpu_use import CpuSnapshot, between, cpu_use, snapshot
from fmnist_edge.records import replace
from fmnist_edge.result import CpuUse

_TICK = NS_PER_SECOND // os.sysconf("SC_CLK_TCK")
_STAT = """cpu  300 30 60 9000 15 9 6 21 600 3
cpu0 100 10 20 3000 5 3 2 7 200 1
cpu1 200 20 40 6000 10 6 4 14 400 2
intr 12345 0 9
ctxt 678
"""
_BEFORE = CpuSnapshot(at_ns=1000, own_ns=200, busy_ns=5000, stolen_ns=70, preemptions=4, cpus=2)
_AFTER = CpuSnapshot(at_ns=1600, own_ns=700, busy_ns=5900, stolen_ns=80, preemptions=9, cpus=2)


def test_the_time_of_all_cpus_is_added_and_guests_are_counted_once(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text(_STAT)
    found = snapshot(stat)
    assert found.cpus == 2
    assert found.busy_ns == _TICK * (100 + 10 + 20 + 3 + 2 + 200 + 20 + 40 + 6 + 4)
    assert found.stolen_ns == _TICK * (7 + 14)


@pytest.mark.parametrize(
    "text", ["", "cpu  1 2 3\n", "cpu0 1 2 3 4\n", "cpu0 one 2 3 4 5 6 7 8 9 10\n"]
)
def test_what_the_kernel_does_not_tell_is_not_known(tmp_path: Path, text: str) -> None:
    stat = tmp_path / "stat"
    absent = snapshot(stat)
    assert (absent.busy_ns, absent.stolen_ns, absent.cpus) == (None, None, 0)
    stat.write_text(text)
    assert replace(snapshot(stat), at_ns=0, own_ns=0, preemptions=0) == replace(
        absent, at_ns=0, own_ns=0, preemptions=0
    )


def test_use_is_the_difference_of_two_moments() -> None:
    assert between(_BEFORE, _AFTER) == CpuUse(
        wall_ns=600, own_ns=500, others_ns=900 - 500, stolen_ns=10, preemptions=5, cpus=2
    )


def test_uses_add_up_and_what_is_unknown_once_stays_unknown() -> None:
    once = between(_BEFORE, _AFTER)
    assert between(_BEFORE, _AFTER, once) == CpuUse(1200, 1000, 800, 20, 10, cpus=2)
    unknown = replace(_AFTER, busy_ns=None, stolen_ns=None)
    assert between(_BEFORE, _AFTER, between(_BEFORE, unknown)) == CpuUse(
        1200, 1000, None, None, 10, cpus=2
    )


def test_work_of_this_process_is_its_own_and_sleep_is_nobodys() -> None:
    def work() -> None:
        end = now() + NS_PER_SECOND // 5
        while now() < end:
            pass

    found = cpu_use(work)
    assert found.wall_ns >= NS_PER_SECOND // 5
    assert found.own_ns is not None
    # The system may give the CPU to others meanwhile, but not more of it to this process.
    assert 0 < found.own_ns <= found.wall_ns + 2 * _TICK
    assert found.preemptions is not None
    assert found.preemptions >= 0


def test_this_machine_tells_of_its_cpus() -> None:
    assert snapshot().cpus == os.cpu_count()
