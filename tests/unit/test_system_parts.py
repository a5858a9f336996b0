"""How a part of the system is had, on machines that are made up."""

import os
from pathlib import Path

import pytest

from fmnist_edge.records import replace
from tests.system_parts import (
    PARTS,
    Machine,
    Way,
    absence,
    add_to_path,
    environment,
    missing,
    provide,
)

NAME = "c-compiler"
VULKAN = "software-vulkan"
SSH = "openssh-server"
ARM64 = "arm64"


def _machine(
    tmp_path: Path,
    *programs: str,
    root: bool = False,
    unpacked: tuple[str, ...] = (),
    **variables: str,
) -> Machine:
    """A machine with these programs on its PATH and nothing else."""
    for each in programs:
        path = tmp_path / "path" / each
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    for each in unpacked:
        (tmp_path / "kept" / each).mkdir(parents=True)
        (tmp_path / "kept" / each / "works").touch()
    environment = {"PATH": str(tmp_path / "path"), **variables}
    return Machine(environment, root=root, kept=tmp_path / "kept", mounting=None)


@pytest.mark.parametrize("program", PARTS[NAME].programs)
@pytest.mark.parametrize("root", [False, True])
def test_what_the_machine_has_is_taken(tmp_path: Path, program: str, *, root: bool) -> None:
    machine = _machine(tmp_path, program, "apt-get", root=root, CI="true")
    assert machine.way(NAME) is Way.PRESENT
    assert NAME not in missing(machine)


@pytest.mark.parametrize("root", [False, True])
def test_what_was_unpacked_is_not_fetched_again(tmp_path: Path, *, root: bool) -> None:
    machine = replace(_machine(tmp_path, "apt-get", root=root, unpacked=tuple(PARTS)), mounting=())
    assert {machine.way(name) for name in PARTS} == {Way.PRESENT}
    assert missing(machine) == []


def test_what_was_never_found_to_work_is_fetched_again(tmp_path: Path) -> None:
    machine = _machine(tmp_path, "apt-get")
    (machine.kept / VULKAN / "usr/bin").mkdir(parents=True)
    assert machine.way(VULKAN) is Way.FETCH


def test_a_program_of_administrators_is_found_where_they_have_it(tmp_path: Path) -> None:
    machine = _machine(tmp_path, "sshd")
    elsewhere = replace(machine, environment={"PATH": ""}, besides=(machine.environment["PATH"],))
    assert elsewhere.way(SSH) is Way.PRESENT
    assert elsewhere.program("sshd") == tmp_path / "path/sshd"
    assert replace(elsewhere, besides=()).way(SSH) is Way.NONE


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
    assert NAME in missing(machine)


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("variables", [{"CI": "true"}, {}])
def test_the_systems_own_vulkan_is_left_as_it_is(
    tmp_path: Path, variables: dict[str, str], *, root: bool
) -> None:
    machine = _machine(tmp_path, "apt-get", "sudo", "vulkaninfo", root=root, **variables)
    assert machine.way(VULKAN) is Way.FETCH
    assert VULKAN in missing(machine)


@pytest.mark.parametrize("root", [False, True])
def test_without_apt_it_is_not_had(tmp_path: Path, *, root: bool) -> None:
    machine = _machine(tmp_path, "sudo", root=root, CI="true")
    assert {machine.way(name) for name in PARTS} == {Way.NONE}


def test_what_cannot_be_downloaded_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = replace(_machine(tmp_path, "cc", "sshd", "apt-get"), mounting=())
    (tmp_path / "path/apt-get").write_text("#!/bin/sh\necho 'E: No route to host' >&2\nexit 100\n")
    monkeypatch.setenv("PATH", machine.environment["PATH"])
    provide(machine)
    why = "could not be had: apt-get -o failed. E: No route to host\n"
    told = "".join(f"{what} {why}" for what in ("Vulkan on the CPU", "64-bit Arm in software"))
    assert capsys.readouterr().err == told
    assert missing(machine) == [VULKAN, ARM64]
    assert list(machine.kept.iterdir()) == []


def test_what_is_not_had_is_told_with_what_to_type() -> None:
    told = absence(NAME)
    assert "need a C compiler" in told
    assert told.endswith("sudo apt-get install gcc libc6-dev")
    assert absence(VULKAN).endswith(
        "make test, where apt-get offers mesa-vulkan-drivers (>= 25), libvulkan1, vulkan-tools"
    )


@pytest.mark.parametrize("root", [False, True])
def test_a_machine_with_64_bit_arm_needs_no_emulator(tmp_path: Path, *, root: bool) -> None:
    machine = _machine(tmp_path, "apt-get", "qemu-aarch64", root=root)
    assert machine.way(ARM64) is Way.FETCH
    assert replace(machine, processor="x86_64").way(ARM64) is Way.FETCH
    assert replace(machine, processor="aarch64").way(ARM64) is Way.PRESENT


@pytest.mark.parametrize("mounting", [(), ("sudo", "-n")])
def test_a_disk_is_had_where_one_may_mount(tmp_path: Path, mounting: tuple[str, ...]) -> None:
    machine = _machine(tmp_path, "apt-get", root=True)
    assert machine.way("small-disk") is Way.NONE
    assert replace(machine, mounting=mounting).way("small-disk") is Way.PRESENT
    assert "unshare" in absence("small-disk")


def test_what_was_unpacked_comes_after_what_the_machine_has(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin"}
    for _ in range(2):
        add_to_path(environment, tmp_path)
    own = [str(tmp_path / name / "bin") for name in (NAME, SSH)]
    assert environment["PATH"].split(os.pathsep) == ["/usr/bin", *own]


@pytest.mark.parametrize("before", ["", "/opt/lib"])
def test_vulkan_is_found_before_that_of_the_machine(tmp_path: Path, before: str) -> None:
    usr = tmp_path / VULKAN / "usr"
    driver = usr / "share/vulkan/icd.d/lvp_icd.x86_64.json"
    for folder in (driver.parent, usr / "lib/x86_64-linux-gnu"):
        folder.mkdir(parents=True)
    driver.touch()
    told = environment(VULKAN, {"LD_LIBRARY_PATH": before}, tmp_path)
    folders = [str(usr / "lib/x86_64-linux-gnu"), *filter(None, [before])]
    assert told["LD_LIBRARY_PATH"].split(os.pathsep) == folders
    assert told["VK_DRIVER_FILES"] == told["VK_ICD_FILENAMES"] == str(driver)
