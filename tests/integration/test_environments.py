"""Environments with other runtimes: made, listed, used and removed as a person would."""

import fcntl
import json
import os
import platform
import shutil
import signal
import struct
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

import fmnist_edge
from fmnist_edge import __version__
from fmnist_edge.environments import ask, read
from fmnist_edge.errors import EnvironmentUnusableError
from fmnist_edge.pipeline.bench_request import replay
from fmnist_edge.records import replace
from fmnist_edge.result import OtherEnvironment, read_run, write_run
from tests.commands import CommandLine, Finished, finish, read_until
from tests.environments import OTHER_LITERT as LITERT

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "artifacts/reference/nano-int8.tflite"
# What the tests of an interpreter ask it, away from the checkout and the variables of this process.
OWN_FILE = "import fmnist_edge; print(fmnist_edge.__file__)"


@dataclass(frozen=True)
class Person(CommandLine):
    """Somebody with a home of their own."""

    @property
    def folder(self) -> Path:
        """Where their environments lie."""
        return self.home / ".local/share/fmnist-edge/environments"

    @property
    def entries(self) -> set[str]:
        """What lies there."""
        return {path.name for path in self.folder.iterdir()} - {".lock"}


@pytest.fixture(scope="module")
def person(
    cli: CommandLine,
    wheels: Path,
    with_uv: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Person:
    """Somebody who has uv, and an environment called `older`."""
    home = tmp_path_factory.mktemp("home")
    made = Person(home, cli.data, cli.entry_point, added=with_uv)
    done = made("environment", "add", "older", LITERT, "--wheels", wheels, "-v")
    assert done.returncode == 0, done.stderr
    assert "Installed " in done.stderr  # as uv says it
    assert done.stdout == (
        f"The environment older has Python {platform.python_version()} and ai-edge-litert 2.1.6.\n"
    )
    return made


@pytest.fixture
def newcomer(person: Person, tmp_path: Path) -> Person:
    """Somebody with the same programs who has no environment yet."""
    home = tmp_path / "home"
    home.mkdir()
    return replace(person, home=home)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """An interpreter of the user's that has nothing installed."""
    venv.create(tmp_path / "bare", symlinks=True)
    return tmp_path / "bare/bin/python"


def _packages(python: Path) -> Path:
    [found] = python.parents[1].glob("lib/python*/site-packages")
    return found


# Making


def test_an_environment_has_this_very_code_and_what_a_worker_needs(person: Person) -> None:
    python = person.folder / "older/bin/python"
    told = person.execute([python, "-P", "-c", OWN_FILE])
    assert Path(told.stdout.strip()).resolve() == Path(fmnist_edge.__file__).resolve()
    names = {path.name.partition("-")[0] for path in _packages(python).glob("*.dist-info")}
    assert {"fmnist_edge", "msgspec", "numpy", "packaging", "platformdirs"} <= names
    assert names.isdisjoint({"rich", "typer", "onnxruntime"})


def test_a_worker_of_an_environment_tells_what_is_missing_as_any_other(person: Person) -> None:
    python = person.folder / "older/bin/python"
    asking = "from fmnist_edge.optional import *; require('onnxruntime', extra='onnx')"
    told = person.execute([python, "-P", "-c", asking])
    assert "'onnxruntime' is not installed" in told.stderr


def test_no_installer_takes_the_linked_files_for_its_own(person: Person) -> None:
    about = _packages(person.folder / "older/bin/python") / f"fmnist_edge-{__version__}.dist-info"
    assert sorted(path.name for path in about.iterdir()) == ["INSTALLER", "METADATA"]


def test_without_uv_venv_and_pip_make_it_and_their_lines_are_told(
    person: Person, wheels: Path, tmp_path: Path
) -> None:
    newcomer = replace(person, home=tmp_path, added={"PATH": os.defpath, "PIP_NO_COMPILE": "1"})
    done = newcomer("environment", "add", "plain", "tqdm", "--wheels", wheels, "--verbose")
    assert done.returncode == 0, done.stderr
    assert "Processing " in done.stderr
    assert "no runtime that fmnist-edge knows" in done.stdout
    assert newcomer.execute([newcomer.folder / "plain/bin/pip", "--version"]).returncode == 0


def test_a_package_that_is_not_there_leaves_no_environment(newcomer: Person, wheels: Path) -> None:
    done = newcomer("environment", "add", "wrong", "no-such-package", "--wheels", wheels)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (33, "", True)
    assert "no-such-package" in done.stderr.partition("Error: ")[2].splitlines()[0]
    assert "pip download -d FOLDER" in done.stderr
    assert newcomer.entries == set()


def test_an_environment_is_replaced_if_asked_for_and_only_by_a_whole_one(
    person: Person, wheels: Path
) -> None:
    again = ("environment", "add", "older", "no-such-package", "--wheels", wheels)
    refused = person(*again)
    assert (refused.returncode, refused.speaks_plainly) == (23, True)
    assert "--force" in refused.stderr
    assert person(*again, "--force").returncode == 33
    assert person.entries == {"older"}
    told = json.loads(person("environment", "list", "--json", "-").stdout)
    assert [each["problem"] for each in told["environments"]] == ["", ""]


def test_ctrl_c_leaves_no_beginning_of_an_environment(newcomer: Person, wheels: Path) -> None:
    making = ("environment", "add", "half", LITERT, "--wheels", wheels, "-v")
    with newcomer.running(*making, cwd=newcomer.home) as process:
        read_until("making a virtual environment", process)
        os.killpg(process.pid, signal.SIGINT)
        assert finish(process, newcomer.home).was_interrupted
    assert newcomer.entries == set()


def test_what_a_killed_process_left_is_no_environment_and_in_nobodys_way(
    newcomer: Person, wheels: Path
) -> None:
    (newcomer.folder / "half/bin").mkdir(parents=True)
    assert newcomer("environment", "remove", "half").returncode == 31
    done = newcomer("environment", "add", "half", "tqdm", "--wheels", wheels)
    assert done.returncode == 0, done.stderr


def test_two_commands_do_not_change_the_environments_at_the_same_time(newcomer: Person) -> None:
    newcomer.folder.mkdir(parents=True)
    with (newcomer.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = newcomer("environment", "add", "second", "tqdm")
    assert (done.returncode, done.speaks_plainly) == (2, True)
    assert "just now" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["add", "x"], 2, "needs packages to install, or --use"),
        (["add", "x", "tqdm", "--use", sys.executable], 2, "needs packages to install, or --use"),
        (["add", "x", "--use", sys.executable, "--python", "y"], 2, "--use installs nothing"),
        (["add", "../x", "tqdm"], 2, "cannot be called '../x'"),
        (["add", ".", "tqdm"], 2, "cannot be called '.'"),
        (["add", "x", "tqdm", "--python", "no-such-python"], 33, "no Python called"),
        (["add", "x", "tqdm", "--python", "echo"], 33, "is no Python that fmnist-edge can use"),
        (["remove", "x"], 31, "There is no environment called 'x' (known are: .)."),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_an_impossible_environment_is_refused_in_a_sentence(
    newcomer: Person, arguments: list[str], code: int, sentence: str
) -> None:
    done = newcomer("environment", *arguments)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (code, "", True), done.stderr
    assert sentence in done.stderr
    assert not newcomer.folder.exists() or newcomer.entries == set()


# Listing and removing


def test_the_list_tells_what_is_in_each_environment(person: Person) -> None:
    shown = person("environment", "list")
    assert shown.returncode == 0
    [line] = [line for line in shown.stdout.splitlines() if line.startswith("older")]
    python = str(person.folder / "older/bin/python")
    expected = ["older", "yes", platform.python_version(), __version__, "ai-edge-litert", "2.1.6"]
    assert line.split() == [*expected, python]


def test_the_list_for_scripts_has_this_environment_first(person: Person) -> None:
    told = json.loads(person("environment", "list", "--json", "-").stdout)
    here, older = told["environments"]
    assert here["name"] == "."
    assert Path(here["path"]).samefile(sys.executable)
    assert (older["name"], older["problem"], older["cure"]) == ("older", "", "")
    assert older["description"]["runtimes"]["litert"] == {
        "distribution": "ai-edge-litert",
        "version": "2.1.6",
    }
    assert here["description"]["runtimes"]["litert"]["version"] != "2.1.6"
    assert set(here["description"]["runtimes"]).isdisjoint({"null", "numpy"})
    for same in ("version", "source", "machine"):
        assert here["description"][same] == older["description"][same]


def test_shells_complete_the_names(person: Person) -> None:
    asking = ["_FMNIST_EDGE_COMPLETE=complete_bash", "COMP_CWORD=3"]
    words = "COMP_WORDS=fmnist-edge environment remove "
    answer = person.execute(["env", *asking, words, person.entry_point])
    assert answer.stdout.split() == ["older"]


def test_an_interpreter_with_its_own_copy_is_registered_and_outlives_its_name(
    person: Person, newcomer: Person, bare: Path
) -> None:
    older = _packages(person.folder / "older/bin/python")
    (_packages(bare) / "other.pth").write_text(f"{older}\n")
    shutil.copytree(Path(fmnist_edge.__file__).parent, _packages(bare) / "fmnist_edge")
    done = newcomer("environment", "add", "theirs", "--use", bare)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ai-edge-litert 2.1.6" in done.stdout
    done = newcomer("environment", "remove", "theirs")
    assert (done.returncode, done.stdout) == (0, "The environment theirs is removed.\n")
    assert newcomer.entries == set()
    assert bare.exists()


# Measuring


@pytest.fixture(scope="module")
def measured(person: Person, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A benchmark of one file on LiteRT of this environment and of an older one; `result.json`."""
    folder = tmp_path_factory.mktemp("measured")
    both = ("--environment", ".", "--environment", "older")
    options = ("--protocol", "smoke", "--processes", 2, "--runtime", "litert", "--json")
    return person("bench", MODEL, *both, *options, "result.json", cwd=folder)


def test_two_versions_of_a_runtime_are_measured_in_one_run(measured: Finished) -> None:
    assert measured.returncode == 0, measured.stderr
    run = read_run(measured.folder / "result.json")
    assert [(row.case.runtime, row.case.environment) for row in run.rows] == [
        ("litert", ""),
        ("litert", "older"),
        ("null", ""),
        ("numpy", ""),
    ]
    here, older, *_ = run.rows
    now = metadata.version("ai-edge-litert")
    assert {each.runtime_version for each in here.measurements} == {now}
    assert {each.runtime_version for each in older.measurements} == {"2.1.6"}
    assert run.environments == {
        "older": OtherEnvironment(platform.python_version(), {"ai-edge-litert": "2.1.6"})
    }
    assert here.accuracy is not None
    assert older.accuracy is not None
    assert here.accuracy.top1 == pytest.approx(older.accuracy.top1, abs=1e-3)


def test_rows_of_an_environment_are_told_with_version_and_name(
    person: Person, measured: Finished
) -> None:
    assert " litert 2.1.6 (older) " in measured.stdout
    page = person("report", measured.folder / "result.json").stdout
    assert " litert 2.1.6 (older) " in page
    assert "nano-int8.tflite on litert (older)" in page
    assert "- ai-edge-litert (older): 2.1.6\n" in page


def test_a_run_of_several_environments_is_compared_row_by_row(
    person: Person, measured: Finished
) -> None:
    result = measured.folder / "result.json"
    told = json.loads(person("compare", result, result, "--json", "-").stdout)
    names = [each["name"] for each in told["rows"]]
    assert [name for name in names if "(older)" in name] == ["nano-int8.tflite on litert (older)"]
    assert len(names) == 4
    assert (told["only_old"], told["only_new"]) == ([], [])


def test_a_measurement_is_repeated_in_the_environments_that_it_names(
    person: Person, newcomer: Person, measured: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = measured.folder / "result.json"
    monkeypatch.setenv("HOME", str(person.home))
    again = replay(result)
    assert [again.command(case)[0] for case in again.plan.cases[:2]] == [
        sys.executable,
        str(person.folder / "older/bin/python"),
    ]
    done = newcomer("bench", "--replay", result, "--dry-run")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (31, "", True)
    assert "fmnist-edge environment add older PACKAGE" in done.stderr


def test_a_benchmark_goes_on_in_its_environments_as_they_were(
    person: Person, measured: Finished, tmp_path: Path
) -> None:
    whole = read_run(measured.folder / "result.json")
    rows = tuple(replace(row, measurements=row.measurements[:1]) for row in whole.rows)
    begun = replace(whole, rows=rows, rounds=1)
    write_run(tmp_path / "begun.json", begun)
    done = person("bench", "--resume", tmp_path / "begun.json")
    assert done.returncode == 0, done.stderr
    run = read_run(tmp_path / "begun.json")
    assert [len(row.measurements) for row in run.rows] == [2, 2, 2, 2]
    assert {each.runtime_version for each in run.rows[1].measurements} == {"2.1.6"}
    other = replace(run.environments["older"], versions={"ai-edge-litert": "2.1.5"})
    write_run(tmp_path / "begun.json", replace(begun, environments={"older": other}))
    done = person("bench", "--resume", tmp_path / "begun.json")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (2, "", True)
    assert "'older' holds other packages than when" in done.stderr


def test_an_environment_that_is_not_there_is_named_before_anything_is_measured(
    person: Person,
) -> None:
    done = person("bench", MODEL, "--environment", "newer")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (31, "", True)
    assert "(known are: ., older)" in done.stderr


# Refusing


def _register(person: Person, python: Path) -> None:
    """An environment that could be used when it was registered."""
    folder = person.folder / "theirs"
    folder.mkdir(parents=True)
    told = {"kind": "fmnist-edge environment", "schema_version": 1, "interpreter": str(python)}
    (folder / "environment.json").write_text(json.dumps(told))


def _refused(person: Person, reason: str, cure: str) -> None:
    """Both the list and a second registration tell why an environment cannot be used."""
    told = json.loads(person("environment", "list", "--json", "-").stdout)
    _, theirs = told["environments"]
    assert theirs["description"] is None
    assert reason in theirs["problem"]
    assert cure in theirs["cure"]
    done = person("environment", "add", "theirs", "--use", theirs["path"], "--force")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (32, "", True)
    assert done.stderr.splitlines() == [f"Error: {theirs['problem']}", theirs["cure"]]
    assert person.entries == {"theirs"}


def test_an_environment_whose_interpreter_is_gone_is_refused(newcomer: Person, bare: Path) -> None:
    _register(newcomer, bare)
    bare.unlink()
    cure = f"fmnist-edge environment add theirs --use {bare} --force"
    _refused(newcomer, f"its interpreter {bare} is gone", cure)
    shown = newcomer("environment", "list")
    assert shown.returncode == 0
    assert "is gone" in shown.stdout.splitlines()[-1]


def test_an_environment_of_another_kind_of_machine_is_refused(newcomer: Person, bare: Path) -> None:
    bare.unlink()
    # An executable file for a machine that is not built any more.
    identification = b"\x7fELF\x02\x02\x01".ljust(16, b"\0")
    bare.write_bytes(identification + struct.pack(">HHI", 2, 1, 1).ljust(48, b"\0"))
    bare.chmod(0o755)
    _register(newcomer, bare)
    _refused(newcomer, "is built for another machine or system", "--use")


def test_an_interpreter_that_is_no_program_is_refused(newcomer: Person, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("I am no program.\n")
    _register(newcomer, tmp_path / "text")
    _refused(newcomer, "cannot be started: Permission denied", "--use")


def test_an_interpreter_that_fails_is_refused(newcomer: Person) -> None:
    _register(newcomer, Path("/bin/false"))
    _refused(newcomer, "its interpreter /bin/false fails: it printed nothing", "--use")


def test_an_environment_without_fmnist_edge_is_refused(newcomer: Person, bare: Path) -> None:
    _register(newcomer, bare)
    _refused(newcomer, f"{bare} has no fmnist-edge", f"{bare} -m pip install ")


def test_an_environment_with_another_version_is_refused(newcomer: Person, bare: Path) -> None:
    package = _packages(bare) / "fmnist_edge"
    package.mkdir()
    (package / "__init__.py").write_text('__version__ = "0.0.1"\n')
    _register(newcomer, bare)
    _refused(newcomer, f"it holds fmnist-edge 0.0.1, and this is {__version__}", "pip install ")


def test_an_environment_with_a_changed_copy_of_the_same_version_is_refused(
    person: Person, newcomer: Person, bare: Path
) -> None:
    older = _packages(person.folder / "older/bin/python")
    (_packages(bare) / "other.pth").write_text(f"{older}\n")
    copy = _packages(bare) / "fmnist_edge"
    shutil.copytree(Path(fmnist_edge.__file__).parent, copy)
    (copy / "clock.py").write_text((copy / "clock.py").read_text() + "# Changed.\n")
    _register(newcomer, bare)
    _refused(newcomer, f"it holds another state of fmnist-edge {__version__}", "--no-deps")


def test_an_environment_that_lacks_what_a_worker_imports_is_refused(
    newcomer: Person, bare: Path
) -> None:
    shutil.copytree(Path(fmnist_edge.__file__).parent, _packages(bare) / "fmnist_edge")
    _register(newcomer, bare)
    _refused(newcomer, "its fmnist-edge fails: ModuleNotFoundError: No module", "pip install ")


def test_an_environment_whose_file_is_damaged_is_refused(newcomer: Person, bare: Path) -> None:
    _register(newcomer, bare)
    (newcomer.folder / "theirs/environment.json").write_text("{")
    told = json.loads(newcomer("environment", "list", "--json", "-").stdout)
    assert "it is not JSON" in told["environments"][1]["problem"]
    assert newcomer("environment", "remove", "theirs").returncode == 0
    assert newcomer.entries == set()


def test_an_environment_that_hangs_is_given_up(
    newcomer: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 300\n")
    sleeper.chmod(0o755)
    _register(newcomer, sleeper)
    monkeypatch.setenv("HOME", str(newcomer.home))
    with pytest.raises(EnvironmentUnusableError, match=r"did not answer within 0\.2 s"):
        ask(read("theirs"), seconds=0.2)
