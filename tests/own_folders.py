"""Home and temporary folders of the tests' own, so that nothing of theirs stays with the user."""

import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Where programs that ask for the home folder usually leave things.
_LOOKED_INTO = (".", ".cache", ".config", ".local/share", ".local/state")
_LEFT_BY_TENSORFLOW = "__autograph_generated_file*"
_TEMPORARY = Path(tempfile.gettempdir())


def traces() -> frozenset[Path]:
    """The entries of the user's home folder, and what TensorFlow left among temporary files.

    Any other program that uses TensorFlow leaves such files for as long as it runs, so they count
    only where `CI=true` says that the machine runs nothing but this.
    """
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # whatever the environment says
    folders = [home / name for name in _LOOKED_INTO]
    entries = {path for each in folders if each.is_dir() for path in each.iterdir()}
    alone = os.environ.get("CI") == "true"
    return frozenset(entries.union(_TEMPORARY.glob(_LEFT_BY_TENSORFLOW) if alone else ()))


@contextmanager
def own_folders() -> Iterator[None]:
    """Let this process, and what it starts, have a home and a temporary folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="fmnist-edge-tests-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(folder).chmod(0o755)  # some tests are another user for a while
        for name in [each for each in os.environ if each.startswith("XDG_")]:
            patch.delenv(name)
        for variable, name in (("HOME", "home"), ("TMPDIR", "tmp")):
            (Path(folder) / name).mkdir()
            patch.setenv(variable, str(Path(folder) / name))
        patch.setattr(tempfile, "tempdir", None)  # it would be remembered
        yield
