"""What native libraries write is kept off the screen, but not lost when it matters."""

import os
import subprocess
import sys

import pytest

from fmnist_edge.libraries.native_output import collect_native_output, suppress_native_output

# "before" is still in Python's buffer when the hush begins.
_PROGRAM = """
import os, sys
from fmnist_edge.libraries.native_output import suppress_native_output
print("before")
with suppress_native_output():
    os.write(1, b"native noise")
    os.write(2, b"native noise")
    print("python noise")
    sys.stderr.write("python noise")
print("after")
sys.stderr.write("after\\n")
"""


def _free_descriptors() -> list[int]:
    """The next ones that the system would give out."""
    free = [os.dup(0) for _ in range(5)]
    for descriptor in free:
        os.close(descriptor)
    return free


def _convert(noise: bytes) -> None:
    """Do as a converter does that gives up."""
    os.write(2, noise)
    raise ValueError("no graph")


def test_only_what_is_written_inside_is_hushed() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], check=True, capture_output=True)
    assert done.stdout == b"before\nafter\n"
    assert done.stderr == b"after\n"


def test_an_exception_takes_the_noise_along(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no graph") as caught, suppress_native_output():
        _convert(b"E0000 graph.cc:12 node is odd\n")
    assert caught.value.__notes__ == ["E0000 graph.cc:12 node is odd\n"]
    os.write(2, b"after\n")
    assert capfd.readouterr() == ("", "after\n")


def test_only_the_end_of_much_noise_is_kept() -> None:
    with pytest.raises(ValueError, match="no graph") as caught, suppress_native_output():
        _convert(b"x" * 10_000 + b"\xff end")
    (note,) = caught.value.__notes__
    assert note.endswith("x\N{REPLACEMENT CHARACTER} end")
    assert len(note) == 4000


def test_silence_adds_no_note() -> None:
    with pytest.raises(ValueError, match="no graph") as caught, suppress_native_output():
        _convert(b"")
    assert not hasattr(caught.value, "__notes__")


def test_an_interruption_restores_the_screen(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), suppress_native_output():
        raise KeyboardInterrupt
    os.write(1, b"after\n")
    assert capfd.readouterr() == ("after\n", "")


def test_no_descriptor_is_left_open() -> None:
    before = _free_descriptors()
    with suppress_native_output():
        pass
    assert _free_descriptors() == before


def test_what_was_written_so_far_can_be_read(capfd: pytest.CaptureFixture[str]) -> None:
    with collect_native_output() as written:
        os.write(2, b"Selected adapter\n")
        assert written() == "Selected adapter\n"
        os.write(1, b"more\n")
        assert written() == "Selected adapter\nmore\n"
    assert capfd.readouterr() == ("", "")
