"""Wheels for machines without network: gathered by the real pip, and installed from."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from fmnist_edge import __version__
from fmnist_edge.environments import source_digest
from fmnist_edge.environments.own_wheel import write_own_wheel
from fmnist_edge.environments.wheel_needs import needs, read_wheels
from fmnist_edge.environments.wheel_target import Target, marker_values, wheel_tags
from fmnist_edge.environments.wheelhouse import INDEX, read_index
from fmnist_edge.records import replace
from tests.commands import CommandLine, Finished
from tests.once import Once

PI = Target("aarch64", "3.13")
OWN = f"fmnist_edge-{__version__}-py3-none-any.whl"
TELL_DIGEST = "from fmnist_edge.environments import source_digest; print(source_digest())"
WRITE = """
import sys
from pathlib import Path
from fmnist_edge.environments.own_wheel import write_own_wheel
write_own_wheel(Path(sys.argv[1]))
"""
# Nothing listens there: port 1 needs a program that nobody runs any more.
NO_INDEX = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:1/simple"}


@pytest.fixture(scope="module")
def person(
    cli: CommandLine,
    users_environment: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> CommandLine:
    """Somebody whose pip has the settings of the user, and a home in which it may leave things."""
    settings = users_environment.get("PIP_CONFIG_FILE")
    home = tmp_path_factory.mktemp("home")
    return replace(cli, home=home, added={"PIP_CONFIG_FILE": settings} if settings else {})


@pytest.fixture(scope="module")
def pi(person: CommandLine, once: Once) -> Finished:
    """The wheels for a Raspberry Pi with a system of 64 bits."""

    def gather(folder: Path) -> Finished:
        target = ("--platform", PI.platform, "--python", PI.python)
        return person("wheelhouse", *target, "--extra", "litert", "--json", "-", cwd=folder)

    done = once("wheelhouse-pi", gather)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def own_copy(pi: Finished, tmp_path: Path) -> Path:
    """A copy of the wheels for the Raspberry Pi, which a test may spoil."""
    return shutil.copytree(pi.folder / "wheels", tmp_path / "wheels")


@pytest.fixture(scope="module")
def installed(
    person: CommandLine, wheelhouse: Finished, tmp_path_factory: pytest.TempPathFactory
) -> CommandLine:
    """The command as it is installed from the wheels, without network and without pip."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = ("-m", "pip", "--python", folder / "bin/python", "install", "--no-index", "--no-compile")
    wheels = ("--find-links", wheelhouse.folder / "wheels")
    alone = replace(person, added={"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""})
    done = alone.python(*pip, *wheels, "fmnist-edge[litert]")
    assert done.returncode == 0, done.stdout + done.stderr
    return replace(person, entry_point=folder / "bin/fmnist-edge")


def _again(person: CommandLine, folder: Path, *more: object) -> Finished:
    target = ("--platform", PI.platform, "--python", PI.python)
    given = (*target, "--extra", "litert", "--json", "-", "-o", folder)
    return person("wheelhouse", *given, *more)


# The wheel of this package


def test_the_same_code_makes_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_own_wheel(tmp_path / name).read_bytes() for name in "ab")
    assert first == second


def test_nothing_that_python_compiled_and_no_hidden_file_is_in_it(tmp_path: Path) -> None:
    names = zipfile.ZipFile(write_own_wheel(tmp_path)).namelist()
    assert not [name for name in names if name.endswith(".pyc") or "/." in name]
    assert len(names) == len(set(names))


def test_a_machine_without_network_has_the_very_same_code(installed: CommandLine) -> None:
    done = installed("--version")
    assert (done.returncode, done.stdout) == (0, f"fmnist-edge {__version__}\n")
    python = installed.entry_point.with_name("python")
    told = installed.execute([python, "-c", TELL_DIGEST])
    assert told.stdout.strip() == source_digest()


def test_an_installed_package_makes_the_wheel_that_it_came_from(
    installed: CommandLine, wheelhouse: Finished, tmp_path: Path
) -> None:
    python = installed.entry_point.with_name("python")
    done = installed.execute([python, "-c", WRITE, tmp_path])
    assert done.returncode == 0, done.stderr
    first = wheelhouse.folder / "wheels" / OWN
    assert (tmp_path / OWN).read_bytes() == first.read_bytes()


# The folder


def test_the_index_describes_every_file(pi: Finished) -> None:
    folder = pi.folder / "wheels"
    index = read_index(folder)
    (gathering,) = index.gatherings
    assert (gathering.target, gathering.extras) == (PI, ("litert",))
    assert {path.name for path in folder.iterdir()} - {".lock", INDEX} == set(gathering.wheels)
    for each in index.wheels:
        content = (folder / each.file).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (
            each.size_bytes,
            each.sha256,
        )
    named = {each.name for each in index.wheels}
    assert {"ai-edge-litert", "fmnist-edge", "msgspec", "numpy", "typer"} <= named


def test_a_raspberry_pi_finds_all_that_it_needs(pi: Finished) -> None:
    found = needs(
        Requirement("fmnist-edge[litert]"),
        read_wheels((pi.folder / "wheels").glob("*.whl"), wheel_tags(PI)),
        marker_values(PI),
    )
    assert found.missing == []
    files = {wheel.path.name for wheel in found.wheels}
    assert files == set(read_index(pi.folder / "wheels").gatherings[0].wheels)
    assert any("aarch64" in name for name in files)


def test_a_script_is_told_what_was_gathered(pi: Finished) -> None:
    told = json.loads(pi.stdout)
    assert (told["kind"], told["platform"], told["python"]) == (
        *("fmnist-edge wheelhouse", PI.platform, PI.python),
    )
    assert told["size_bytes"] == sum(each["size_bytes"] for each in told["wheels"])
    assert sorted(told["new"]) == sorted(each["file"] for each in told["wheels"])


def test_a_second_run_downloads_nothing_and_needs_no_network(
    person: CommandLine, own_copy: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in own_copy.glob("*.whl")}
    done = _again(replace(person, added=NO_INDEX), own_copy)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["new"] == []
    assert {path: path.stat().st_mtime_ns for path in own_copy.glob("*.whl")} == before


def test_a_wheel_that_was_damaged_is_downloaded_again(person: CommandLine, own_copy: Path) -> None:
    (damaged,) = own_copy.glob("shellingham-*.whl")
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100])
    done = _again(person, own_copy)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["new"] == [damaged.name]
    assert damaged.read_bytes() == whole


def test_one_folder_serves_several_kinds_of_machine(person: CommandLine, own_copy: Path) -> None:
    former = read_index(own_copy)
    done = person("wheelhouse", "--python", "3.12", "--extra", "download", "-o", own_copy)
    assert done.returncode == 0, done.stderr
    assert "pip install --no-index --find-links" in done.stdout
    assert "'fmnist-edge[download]'" in done.stdout
    index = read_index(own_copy)
    assert former.gatherings[0] in index.gatherings
    (new,) = [each for each in index.gatherings if each.target != PI]
    assert new.target == Target(platform.machine(), "3.12")
    assert {each.file for each in index.wheels} == {path.name for path in own_copy.glob("*.whl")}
    assert _again(replace(person, added=NO_INDEX), own_copy).returncode == 0


def test_extras_add_up_and_wheels_that_nothing_needs_any_more_go(
    person: CommandLine, own_copy: Path
) -> None:
    index = json.loads((own_copy / INDEX).read_text())
    old = own_copy / "shellingham-0.1-py3-none-any.whl"
    old.touch()
    index["wheels"].append(
        {"file": old.name, "name": "shellingham", "version": "0.1", "sha256": "", "size_bytes": 0}
    )
    (own_copy / INDEX).write_text(json.dumps(index))
    foreign = own_copy / "theirs-1-py3-none-any.whl"
    foreign.touch()
    done = _again(person, own_copy, "--extra", "nvidia")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["extras"] == ["litert", "nvidia"]
    assert not old.exists()
    assert foreign.exists()


# What goes wrong


def test_without_network_one_sentence_says_so(person: CommandLine, tmp_path: Path) -> None:
    done = _again(replace(person, added={**NO_INDEX, "PIP_FIND_LINKS": ""}), tmp_path / "wheels")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (33, "", True), done.stderr
    assert "The package index cannot be reached" in done.stderr
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (("--platform", "armv7l"), "for armv7l and Python"),
        (("--python", "3.99"), "and Python 3.99"),
    ],
)
def test_a_package_without_a_wheel_for_that_machine_is_named(
    person: CommandLine, tmp_path: Path, target: tuple[str, str], sentence: str
) -> None:
    done = person("wheelhouse", *target, "-o", tmp_path / "wheels")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (33, "", True), done.stderr
    assert "There is no wheel of " in done.stderr
    assert sentence in done.stderr
    assert ("64-bit" in done.stderr) is ("armv7l" in target)
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == [".lock"]


def test_a_python_without_pip_is_told_how_to_get_it(installed: CommandLine, tmp_path: Path) -> None:
    done = installed("wheelhouse", "-o", tmp_path / "wheels")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (30, "", True), done.stderr
    assert "-m ensurepip" in done.stderr


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("--extra", "nothing"), "no extra called 'nothing'"),
        (("--platform", "riscv64"), "not for riscv64"),
        (("--python", "3.9"), "does not run on Python '3.9'"),
    ],
)
def test_what_cannot_be_gathered_is_refused(
    inside: CommandLine, tmp_path: Path, given: tuple[str, str], sentence: str
) -> None:
    done = inside("wheelhouse", *given, "-o", tmp_path / "wheels")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (2, "", True), done.stderr
    assert sentence in done.stderr


def test_a_folder_that_is_a_file_is_refused(inside: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "wheels").touch()
    done = inside("wheelhouse", "-o", tmp_path / "wheels")
    assert (done.returncode, done.speaks_plainly) == (60, True), done.stderr
