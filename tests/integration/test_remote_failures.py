"""What goes wrong between this machine and others: real servers, cut off, killed, full, wrong."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fmnist_edge.records import replace
from fmnist_edge.result import read_run
from tests import system_parts
from tests.afar import LONG, OPTIONS, Afar, left_on
from tests.commands import PATIENCE, Finished, finish, read_until
from tests.ssh_hosts import FOREIGN_KEY, NAMES, UNKNOWN, Host, Hosts, small_disk

# What a shell and the programs that make an environment need; no Python is among them.
PROGRAMS = ("sh", "env", "uname", "id", "rm", "mkdir", "cat")
OLD = """#!/bin/sh
[ "$1" = -c ] && exec "{python}" -c "import sys; sys.version_info = (3, 9, 18, 'final', 0); $2"
exec "{python}" "$@"
"""

# Stands before the C library: the clock of the day is three years ahead, the others are right.
CLOCK = """
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define AHEAD 94608000

int clock_gettime(clockid_t which, struct timespec *told) {
    int failed = syscall(SYS_clock_gettime, which, told);
    if (!failed && which == CLOCK_REALTIME) told->tv_sec += AHEAD;
    return failed;
}

time_t time(time_t *told) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told) *told = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *told, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    told->tv_sec = now.tv_sec;
    told->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


def _refused(done: Finished, code: int) -> bool:
    """Whether a command failed with one sentence and this exit code, and said nothing else."""
    return (done.returncode, done.stdout, done.speaks_plainly) == (code, "", True)


def _hint(done: Finished) -> str:
    return done.stderr.partition("Error: ")[2].partition("\n")[2]


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def ready(afar: Afar) -> Afar:
    """The same, after the first benchmark on `pi`: everything that it needs is there."""
    done = afar.bench("--host", "pi", *OPTIONS, "-q", "--json", "first.json")
    assert done.returncode == 0, done.stderr
    return afar


@pytest.fixture
def board(hosts: Hosts) -> Iterator[Host]:
    """A host whose settings a test may change; they are as before afterwards."""
    host = hosts["board"]
    variables = dict(host.variables)
    yield host
    host.variables = variables
    host.has_python(Path(sys.executable).resolve())
    host.restart()


# Getting in


def test_a_key_that_opens_nothing(afar: Afar) -> None:
    done = afar.bench("--host", f"pi{FOREIGN_KEY}", *OPTIONS)
    assert _refused(done, 34), done.stderr
    assert f"pi{FOREIGN_KEY} cannot be reached: ssh says: " in done.stderr
    assert "Permission denied (publickey)" in done.stderr
    assert f"ssh-copy-id pi{FOREIGN_KEY}" in _hint(done)


def test_a_host_whose_key_nobody_has_confirmed(afar: Afar, hosts: Hosts) -> None:
    before = hosts.known_hosts.read_bytes()
    done = afar.bench("--host", f"pi{UNKNOWN}", *OPTIONS)
    assert _refused(done, 34), done.stderr
    assert "Host key verification failed" in done.stderr
    assert "compare the fingerprint" in _hint(done)
    assert hosts.known_hosts.read_bytes() == before
    assert not (hosts.client / "knows_nobody").exists()


def test_a_host_whose_key_has_changed(afar: Afar, hosts: Hosts) -> None:
    kept = hosts.known_hosts.read_text()
    [laptop] = [line for line in kept.splitlines() if f":{hosts['laptop'].port} " in line]
    [pi] = [line for line in kept.splitlines() if f":{hosts['pi'].port} " in line]
    hosts.known_hosts.write_text(f"{laptop.split()[0]} {pi.partition(' ')[2]}\n")
    try:
        done = afar.bench("--host", "laptop", *OPTIONS)
    finally:
        hosts.known_hosts.write_text(kept)
    assert _refused(done, 34), done.stderr
    assert "somebody may be in between" in _hint(done)


def test_a_server_that_is_not_there(afar: Afar, board: Host) -> None:
    board.crash()
    done = afar.bench("--host", "board", *OPTIONS)
    assert _refused(done, 34), done.stderr
    assert "Connection refused" in done.stderr


# What a host lacks


def _only(board: Host, folder: Path) -> None:
    """Let the host have a few programs, and no Python among them."""
    path = system_parts.this_machine()
    for name in PROGRAMS:
        program = path.program(name)
        assert program is not None
        (folder / name).symlink_to(program)
    board.variables["PATH"] = str(folder)
    board.restart()


def test_no_python_there(afar: Afar, board: Host, tmp_path: Path) -> None:
    _only(board, tmp_path)
    done = afar.bench("--host", "board", *OPTIONS)
    assert _refused(done, 35), done.stderr
    assert "board cannot measure: there is no Python, and fmnist-edge needs" in done.stderr
    assert "apt install python3" in _hint(done)
    named = afar.bench("--host", "board", *OPTIONS, "--remote-python", "/opt/python")
    assert _refused(named, 35), named.stderr
    assert "there is no /opt/python" in named.stderr


def test_a_python_that_is_too_old(afar: Afar, board: Host, tmp_path: Path) -> None:
    _only(board, tmp_path)
    (tmp_path / "python3").write_text(OLD.format(python=Path(sys.executable).resolve()))
    (tmp_path / "python3").chmod(0o755)
    done = afar.bench("--host", "board", *OPTIONS)
    assert _refused(done, 35), done.stderr
    assert "board cannot measure: python3 is Python 3.9, and fmnist-edge needs" in done.stderr
    assert "--remote-python" in _hint(done)


@pytest.mark.needs("small-disk")
@pytest.mark.parametrize(
    ("megabytes", "sentence"),
    [
        (3, "MB are to be copied, and "),  # not even the wheels
        (60, "an environment takes more than the "),  # the wheels, and no environment
    ],
)
def test_a_disk_that_is_full(afar: Afar, hosts: Hosts, megabytes: int, sentence: str) -> None:
    host = hosts["board"]
    with small_disk(host, megabytes):
        done = afar.bench("--host", "board", *OPTIONS)
        assert _refused(done, 60), done.stderr
        assert "Error: On board: " in done.stderr
        assert sentence in done.stderr
        assert "Free some space on board" in _hint(done)
        environments = host.home / ".cache/fmnist-edge/remote/environments"
        assert [path.name for path in environments.glob("[!.]*")] == []
    assert (left_on(host), afar.under_way) == ([], [])


@pytest.mark.needs("c-compiler")
def test_a_clock_that_is_three_years_ahead(ready: Afar, board: Host, tmp_path: Path) -> None:
    (tmp_path / "clock.c").write_text(CLOCK)
    library = tmp_path / "clock.so"
    built = ready.execute(["cc", "-shared", "-fPIC", "-O2", "-o", library, tmp_path / "clock.c"])
    assert built.returncode == 0, built.stderr
    board.variables["LD_PRELOAD"] = str(library)
    board.restart()
    done = ready.bench("--host", "board", *OPTIONS, "--json", "ahead.json")
    assert done.returncode == 0, done.stderr
    assert "board: its clock is 94,6" in done.stderr
    assert " s ahead: the date in the result is the one there" in done.stderr
    run = read_run(ready.folder / "ahead.json")
    assert all(row.failure is None for row in run.rows)
    assert run.created > read_run(ready.folder / "first.json").created


# What ends in the middle


def test_a_connection_that_is_cut_is_made_again_and_the_benchmark_goes_on(
    ready: Afar, hosts: Hosts
) -> None:
    pi = hosts["pi"]
    words = ready.words("--host", "pi", *OPTIONS, "--processes", 2, "--json", "cut.json")
    with ready.running(*words, cwd=ready.folder) as process:
        read_until("measuring there", process)
        pi.cut()
        done = finish(process, ready.folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("pi: the connection was lost; the benchmark goes on there") == 1
    assert done.stderr.count("pi: Benchmark ...") == 1  # what was told is not told again
    run = read_run(ready.folder / "cut.json")
    assert (run.rounds, run.settings.processes) == (2, 2)
    assert (left_on(pi), ready.under_way) == ([], [])


def test_a_server_that_was_killed_and_what_it_measured_is_collected_later(
    ready: Afar, hosts: Hosts
) -> None:
    pi = hosts["pi"]
    words = ready.words("--host", "pi", *OPTIONS, "--reconnect", 0, "--json", "killed.json")
    with ready.running(*words, cwd=ready.folder) as process:
        read_until("measuring there", process)
        pi.crash()
        lost = finish(process, ready.folder)
    assert _refused(lost, 34), lost.stderr
    assert "fmnist-edge bench --host pi --attach" in _hint(lost)
    [_] = ready.under_way
    early = ready("bench", "--host", "pi", "--collect", cwd=ready.home)
    assert _refused(early, 34), early.stderr
    _until(lambda: not pi.processes)
    pi.start()
    done = ready("bench", "--host", "pi", "--collect", cwd=ready.home)
    assert done.returncode == 0, done.stderr
    assert read_run(ready.folder / "killed.json").host_name == "pi"
    assert (left_on(pi), ready.under_way) == ([], [])


def test_a_host_that_lost_its_power_is_told_and_can_be_measured_again(
    ready: Afar, hosts: Hosts
) -> None:
    pi = hosts["pi"]
    begun = ready.bench("--host", "pi", *LONG, "--detach", "--json", "power.json")
    assert begun.returncode == 0, begun.stderr
    pi.close()
    assert pi.processes == []
    pi.start()
    done = ready("bench", "--host", "pi", "--attach", cwd=ready.home)
    assert _refused(done, 35), done.stderr
    assert "The benchmark on pi is gone without a result" in done.stderr
    assert not (ready.folder / "power.json").exists()
    assert (left_on(pi), ready.under_way) == ([], [])


def test_a_host_measures_for_one_at_a_time_and_says_for_whom(
    ready: Afar, hosts: Hosts, tmp_path: Path
) -> None:
    pi = hosts["pi"]
    begun = ready.bench("--host", "pi", *LONG, "--detach", "--json", "busy.json")
    assert begun.returncode == 0, begun.stderr
    other = replace(ready, home=tmp_path)
    words = [str(word) for word in ready.words("--host", "pi", *OPTIONS)]
    words[1] = str(ready.folder / words[1])
    refused = other(*words)
    assert _refused(refused, 36), refused.stderr
    assert f"@{os.uname().nodename}; two benchmarks at once" in refused.stderr
    assert other.under_way == []
    nothing = other("bench", "--host", "pi", "--collect")
    assert _refused(nothing, 2), nothing.stderr
    stopped = ready("bench", "--host", "pi", "--stop", cwd=ready.home)
    assert stopped.returncode == 0, stopped.stderr
    _until(lambda: not pi.processes)
    assert (left_on(pi), ready.under_way) == ([], [])


# Of several hosts, one


def test_of_three_hosts_one_that_is_killed_is_a_line_and_not_the_end(
    ready: Afar, hosts: Hosts
) -> None:
    named = [word for name in NAMES for word in ("--host", name)]
    words = ready.words(*named, *OPTIONS, "--reconnect", 0, "--json", "three")
    laptop = hosts["laptop"]
    with ready.running(*words, cwd=ready.folder) as process:
        read_until("laptop: measuring there", process)
        laptop.close()
        done = finish(process, ready.folder)
    laptop.start()
    assert (done.returncode, done.speaks_plainly) == (94, True), done.stderr
    assert "1 of 3 hosts have no result: laptop." in done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("laptop could not")]
    assert "--attach" in line
    files = sorted((ready.folder / "three").iterdir())
    assert [path.name for path in files] == ["board.json", "pi.json"]
    assert all(row.failure is None for path in files for row in read_run(path).rows)
    gone = ready("bench", "--host", "laptop", "--collect", cwd=ready.home)
    assert _refused(gone, 35), gone.stderr
    assert ([left_on(hosts[name]) for name in NAMES], ready.under_way) == ([[]] * 3, [])


# Names


def test_a_home_whose_path_has_spaces(ready: Afar, hosts: Hosts) -> None:
    host = hosts.add("garden", folder=hosts.folder / "a garden's shed")
    (host.programs / "uv").symlink_to((hosts["pi"].programs / "uv").resolve())
    done = ready.bench("--host", "garden", *OPTIONS, "--json", "garden 1.json")
    assert done.returncode == 0, done.stderr
    assert read_run(ready.folder / "garden 1.json").host_name == "garden"
    assert left_on(host) == []
