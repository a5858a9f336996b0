"""Benchmarks on other machines, over real SSH servers on loopback."""

import json
import os
import signal

import pytest

from fmnist_edge.result import read_run
from tests.afar import LONG, MODEL, OPTIONS, Afar, left_on
from tests.commands import Finished, finish, read_until
from tests.ssh_hosts import NAMES, Hosts

ROWS = ["litert", "null", "numpy"]


# One host


@pytest.fixture(scope="module")
def measured(afar: Afar) -> Finished:
    """A benchmark on one host; `pi.json`."""
    return afar.bench("--host", "pi", *OPTIONS, "--json", "pi.json")


def test_a_host_is_measured_as_if_the_command_were_given_there(measured: Finished) -> None:
    assert measured.returncode == 0, measured.stderr
    run = read_run(measured.folder / "pi.json")
    assert [row.case.runtime for row in run.rows] == ROWS
    assert (run.host_name, run.rounds) == ("pi", run.settings.processes)
    assert run.rows[0].accuracy is not None
    assert measured.stdout.startswith("nano-int8.tflite on 10,000 test images · pi, ")
    assert "The rest: fmnist-edge report pi.json" in measured.stdout


def test_each_step_and_the_progress_there_are_told(measured: Finished) -> None:
    told = measured.stderr.splitlines()
    assert all(line.startswith("pi: ") for line in told), told
    for part in ("Python 3.", "copying ", "making an environment", "eady to measure", "measuring"):
        assert any(part in line for line in told), part
    assert "pi: Benchmark ..." in told
    assert any(line.startswith("pi: Benchmark: 100 %") for line in told)


def test_nothing_of_the_run_is_left_on_either_side(
    measured: Finished, afar: Afar, hosts: Hosts
) -> None:
    assert measured.returncode == 0
    assert left_on(hosts["pi"]) == []
    assert afar.under_way == []


def test_what_is_there_already_is_neither_copied_nor_made_again(
    measured: Finished, afar: Afar, hosts: Hosts
) -> None:
    assert measured.returncode == 0
    done = afar.bench("--host", "pi", *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert "pi: the environment is there already" in done.stderr
    assert "copying" not in done.stderr
    [kept] = (afar.home / ".local/share/fmnist-edge/results").glob("pi-*.json")
    assert read_run(kept).host_name == "pi"
    environments = hosts["pi"].home / ".cache/fmnist-edge/remote/environments"
    assert len(list(environments.glob("*/environment.json"))) == 1


def test_a_sustained_load_is_measured_there_and_comes_home(measured: Finished, afar: Afar) -> None:
    assert measured.returncode == 0
    done = afar.bench("--host", "pi", *OPTIONS, "--sustain", "10s", "--json", "sustained.json")
    assert done.returncode == 0, done.stderr
    [loaded] = [row for row in read_run(done.folder / "sustained.json").rows if row.sustained]
    assert (loaded.case.runtime, loaded.case.subject.name) == ("litert", MODEL.name)
    assert "pi: Sustained load: 100 %" in done.stderr


def test_a_result_for_scripts_is_the_only_output(measured: Finished, afar: Afar) -> None:
    assert measured.returncode == 0
    model = ("bench", MODEL, "--wheels", afar.wheels, "--host", "pi", *OPTIONS)
    done = afar(*model, "--json", "-", "--quiet", cwd=afar.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["host_name"] == "pi"


# Later


def test_a_benchmark_goes_on_by_itself_and_comes_home_when_it_is_called_for(
    measured: Finished, afar: Afar, hosts: Hosts
) -> None:
    assert measured.returncode == 0
    done = afar.bench("--host", "pi", *LONG, "--detach", "--json", "later.json")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "fmnist-edge bench --host pi --collect" in done.stderr
    [_] = afar.under_way
    early = afar("bench", "--host", "pi", "--collect", cwd=afar.home)
    assert (early.returncode, early.stdout) == (0, "")
    assert early.stderr == "pi: still measuring; follow it with --attach\n"
    with afar.running("bench", "--attach", cwd=afar.home) as process:
        read_until("Benchmark: 10 %", process)
        os.killpg(process.pid, signal.SIGINT)
        left = finish(process, afar.home)
    assert (left.returncode, left.stdout) == (130, "")
    assert "fmnist-edge bench --host pi --attach" in left.stderr
    stopped = afar("bench", "--host", "pi", "--stop", cwd=afar.home)
    assert (stopped.returncode, stopped.stderr) == (0, "pi: stopped and removed\n")
    assert (left_on(hosts["pi"]), afar.under_way) == ([], [])
    assert not (afar.folder / "later.json").exists()


def test_a_run_is_followed_from_its_beginning_and_brought_home(
    measured: Finished, afar: Afar, hosts: Hosts
) -> None:
    assert measured.returncode == 0
    begun = afar.bench("--host", "pi", *OPTIONS, "--detach", "--json", "attached.json")
    assert begun.returncode == 0, begun.stderr
    done = afar("bench", "--attach", cwd=afar.home)
    assert done.returncode == 0, done.stderr
    assert "pi: Open every file once ..." in done.stderr
    assert read_run(afar.folder / "attached.json").host_name == "pi"
    assert (left_on(hosts["pi"]), afar.under_way) == ([], [])
    again = afar("bench", "--host", "pi", "--collect", cwd=afar.home)
    assert (again.returncode, again.stdout, again.speaks_plainly) == (2, "", True)


# Several hosts


@pytest.fixture(scope="module")
def fleet(measured: Finished, afar: Afar) -> Finished:
    """A benchmark on three hosts and on one that does not exist; `all/HOST.json`."""
    assert measured.returncode == 0
    named = [word for name in ("pi", "laptop", "board", "nobody") for word in ("--host", name)]
    return afar.bench(*named, *OPTIONS, "--json", "all")


def test_hosts_measure_side_by_side_and_one_that_fails_is_a_line(
    fleet: Finished, afar: Afar, hosts: Hosts
) -> None:
    assert (fleet.returncode, fleet.speaks_plainly) == (94, True), fleet.stderr
    assert "1 of 4 hosts have no result: nobody." in fleet.stderr
    assert [line for line in fleet.stderr.splitlines() if line.startswith("nobody cannot be")]
    files = sorted((afar.folder / "all").iterdir())
    assert [path.name for path in files] == ["board.json", "laptop.json", "pi.json"]
    assert [read_run(path).host_name for path in files] == ["board", "laptop", "pi"]
    assert all(
        f"\n{name}\n{len(name) * '='}\n" in fleet.stdout for name in ("pi", "laptop", "board")
    )
    assert ([left_on(hosts[name]) for name in NAMES], afar.under_way) == ([[]] * 3, [])


def test_a_report_and_a_comparison_say_which_host_is_which(fleet: Finished, afar: Afar) -> None:
    assert fleet.returncode == 94
    files = ("all/pi.json", "all/laptop.json")
    done = afar("report", *files, "--out", "both.md", cwd=afar.folder)
    assert done.returncode == 0, done.stderr
    page = (afar.folder / "both.md").read_text()
    headings = [line for line in page.splitlines() if line.startswith(("# ", "## "))]
    assert headings == ["# Fashion-MNIST, 2 results", "## pi", "## laptop"]
    shown = afar("report", *files, "--short", cwd=afar.folder)
    assert shown.stdout.count("\n==") == 2
    compared = afar("compare", *files, cwd=afar.folder)
    assert compared.returncode == 0
    assert "The old run is of pi, the new one of laptop" in compared.stderr
