"""A file and a result remember what made them."""

import os
import platform
import subprocess
from pathlib import Path

import pytest

import fmnist_edge
from fmnist_edge import __version__
from fmnist_edge.pipeline import provenance
from fmnist_edge.pipeline.provenance import git_revision, made_with


def test_a_file_remembers_what_made_it() -> None:
    made = made_with(("numpy", "no-such-distribution"))
    assert list(made) == ["python", "fmnist-edge", "numpy"]
    assert made["python"] == platform.python_version()
    assert made["fmnist-edge"] == __version__


def _git(folder: Path, *arguments: str) -> str:
    person = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    # A hook that runs the tests says where its own repository is.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ("git", *person, *arguments),  # noqa: S607 - whichever git there is
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit."""
    _git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    _git(tmp_path, "add", "file")
    _git(tmp_path, "commit", "--quiet", "-m", "One")
    return tmp_path


def test_a_checkout_is_known_by_its_commit(checkout: Path) -> None:
    assert git_revision(checkout) == _git(checkout, "rev-parse", "--short=12", "HEAD")


def test_a_tag_does_not_stand_for_the_commit(checkout: Path) -> None:
    _git(checkout, "tag", "-a", "v1", "-m", "v1")
    assert git_revision(checkout) == _git(checkout, "rev-parse", "--short=12", "HEAD")


def test_a_checkout_that_was_changed_says_so(checkout: Path) -> None:
    (checkout / "file").write_text("two")
    assert git_revision(checkout) == _git(checkout, "rev-parse", "--short=12", "HEAD") + "-dirty"


def test_a_package_that_was_installed_within_a_checkout_of_something_else_has_no_commit(
    checkout: Path,
) -> None:
    (checkout / "site-packages").mkdir()
    assert git_revision(checkout / "site-packages") == ""


def test_a_repository_without_a_commit_has_none(tmp_path: Path) -> None:
    _git(tmp_path, "init", "--quiet")
    assert git_revision(tmp_path) == ""


def test_where_git_is_not_there_is_no_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert git_revision(checkout) == ""


def test_a_git_that_hangs_is_not_waited_for(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = checkout / "git"
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(checkout))
    monkeypatch.setattr(provenance, "_PATIENCE_SECONDS", 0.2)
    assert git_revision(checkout) == ""


def test_the_package_itself_is_looked_for_where_it_lies() -> None:
    (default,) = git_revision.__defaults__ or ()
    assert default == Path(fmnist_edge.__file__).parents[1]
