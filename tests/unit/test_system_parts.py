"""How a part of the system is had, on machines that are made up."""

from pathlib import Path

import pytest

from tests.system_parts import PARTS, Machine, Way, absence, add_to_path, missing

NAME = "c-compiler"


def _machine(
    tmp_path: Path, *programs: str, root: bool = False, unpacked: bool = False, **variables: str
) -> Machine:
    """A machine with these programs on its PATH and nothing else."""
    for each in programs:
        path = tmp_path / "path" / each
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    if unpacked:
        (tmp_path / "kept" / NAME / "bin").mkdir(parents=True)
    environment = {"PATH": str(tmp_path / "path"), **variables}
    return Machine(environment, root=root, kept=tmp_path / "kept")


@pytest.mark.parametrize("program", PARTS[NAME].programs)
@pytest.mark.parametrize("root", [False, True])
def test_what_the_machine_has_is_taken(tmp_path: Path, program: str, *, root: bool) -> None:
    machine = _machine(tmp_path, program, "apt-get", root=root, CI="true")
    assert machine.way(NAME) is Way.PRESENT
    assert missing(machine) == []


@pytest.mark.parametrize("root", [False, True])
def test_what_was_unpacked_is_not_fetched_again(tmp_path: Path, *, root: bool) -> None:
    machine = _machine(tmp_path, "apt-get", root=root, unpacked=True)
    assert machine.way(NAME) is Way.PRESENT


def test_root_installs(tmp_path: Path) -> None:
    assert _machine(tmp_path, "apt-get", root=True).way(NAME) is Way.INSTALL


def test_ci_installs_where_it_may(tmp_path: Path) -> None:
    assert _machine(tmp_path, "apt-get", "sudo", CI="true").way(NAME) is Way.INSTALL


@pytest.mark.parametrize("variables", [{"CI": "true"}, {}, {"CI": "false"}])
def test_nobody_else_is_installed_for_without_having_asked(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    programs = ["apt-get"] if variables.get("CI") == "true" else ["apt-get", "sudo"]
    machine = _machine(tmp_path, *programs, **variables)
    assert machine.way(NAME) is Way.FETCH
    assert missing(machine) == [NAME]


@pytest.mark.parametrize("root", [False, True])
def test_without_apt_it_is_not_had(tmp_path: Path, *, root: bool) -> None:
    assert _machine(tmp_path, "sudo", root=root, CI="true").way(NAME) is Way.NONE


def test_what_is_not_had_is_told_with_what_to_type() -> None:
    told = absence(NAME)
    assert "need a C compiler" in told
    assert told.endswith("sudo apt-get install gcc libc6-dev")


def test_what_was_unpacked_comes_after_what_the_machine_has(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin"}
    for _ in range(2):
        add_to_path(environment, tmp_path)
    assert environment["PATH"] == f"/usr/bin:{tmp_path / NAME / 'bin'}"
