"""`make` as a person meets it before anything is installed."""

import re
import shutil
from pathlib import Path

import pytest

from tests.commands import CommandLine, Finished

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What `make` reads, in a folder without an environment."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "constraints", tmp_path / "constraints")
    return tmp_path


def _python(folder: Path, version: str) -> Path:
    """A program that knows its version, and that this is none of those that will do."""
    path = folder / f"python{version}"
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo Python {version}.1 && exit\nexit 1\n')
    path.chmod(0o755)
    return path


def _make(cli: CommandLine, folder: Path, target: str, python: object) -> Finished:
    return _alone(cli, folder, target, f"PYTHON={python}")


def _alone(cli: CommandLine, folder: Path, *arguments: str) -> Finished:
    """A `make` that knows nothing of the one that may have started the tests."""
    above = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKE_TERMOUT", "MAKE_TERMERR")
    unset = [part for name in above for part in ("-u", name)]
    return cli.execute(["env", *unset, "make", *arguments], cwd=folder)


@pytest.mark.parametrize("target", ["demo", "check", "test"])
@pytest.mark.parametrize("version", ["3.10", "3.14"])
def test_a_python_that_will_not_do_is_refused_in_a_sentence(
    cli: CommandLine, copy: Path, target: str, version: str
) -> None:
    done = _make(cli, copy, target, _python(copy, version))
    assert done.returncode != 0
    assert done.stdout == (
        f"Python {version}.1 will not do: fmnist-edge needs 3.11 to 3.13, because TensorFlow has "
        f"no release for 3.14; name another: make {target} PYTHON=python3.12\n"
    )
    assert not (copy / ".venv").exists()


def test_a_python_that_is_not_there_is_named(cli: CommandLine, copy: Path) -> None:
    done = _make(cli, copy, "demo", "python9")
    assert done.stdout == ("There is no python9 here; name another: make demo PYTHON=python3.12\n")
    assert not (copy / ".venv").exists()


def test_the_help_lists_every_target(cli: CommandLine, copy: Path) -> None:
    [targets] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = re.findall(r"^make (\w+) ", _alone(cli, copy).stdout, re.MULTILINE)
    assert sorted(listed) == sorted(targets.split())
