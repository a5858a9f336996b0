"""What a process has of the machine, and what a package takes of the disk."""

import os
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

import pytest

from fmnist_edge.errors import UsageError
from fmnist_edge.host.disk import installed_bytes
from fmnist_edge.host.process import footprint, pin


def _python(code: str) -> str:
    """What the code prints in a process of its own."""
    done = subprocess.run(
        (sys.executable, "-c", code), capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def test_a_thread_more_is_seen() -> None:
    before = footprint().threads
    assert before is not None
    ends = threading.Event()
    thread = threading.Thread(target=ends.wait)
    thread.start()
    during = footprint().threads
    ends.set()
    thread.join()
    assert during == before + 1


def test_the_cpus_are_those_that_the_system_allows() -> None:
    assert footprint().cpus == tuple(sorted(os.sched_getaffinity(0)))


@pytest.mark.parametrize("text", ["", "Threads:\n", "Threads:\tmany\n", "Name:\tx\n"])
def test_threads_that_are_not_told_are_none(tmp_path: Path, text: str) -> None:
    status = tmp_path / "status"
    assert footprint(status).threads is None
    status.write_text(text)
    assert footprint(status).threads is None


def test_a_pinned_process_has_that_cpu_alone() -> None:
    cpu = max(os.sched_getaffinity(0))
    code = f"from fmnist_edge.host.process import footprint, pin; pin([{cpu}]); print(footprint())"
    assert f"cpus=({cpu},)" in _python(code)


@pytest.mark.parametrize("cpu", [-1, 1_000, 1 << 20, 1 << 70])
def test_a_cpu_that_does_not_exist_is_refused_and_nothing_changes(cpu: int) -> None:
    before = os.sched_getaffinity(0)
    for wanted in ([cpu], [min(before), cpu]):
        with pytest.raises(UsageError, match=f"This process cannot have CPU {cpu}") as refused:
            pin(wanted)
        assert refused.value.hint.startswith(f"It may use CPU {min(before)}")
    assert os.sched_getaffinity(0) == before


def test_no_cpu_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="There is no CPU to pin to"):
        pin([])


def test_a_system_that_cannot_pin_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity")
    monkeypatch.delattr(os, "sched_getaffinity")
    with pytest.raises(UsageError, match="cannot pin"):
        pin([0])
    assert footprint().cpus is None


def _installed(folder: Path, name: str, files: dict[str, bytes], *requires: str) -> None:
    """An installed distribution in `folder`, as installers leave it."""
    info = f"{name}-1.0.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    (folder / info).mkdir(parents=True)
    (folder / info / "METADATA").write_text(head + needs)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / info / "RECORD").write_text("".join(f"{path},,\n" for path in files))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of distributions, and no other."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def test_a_package_and_all_that_it_requires_are_added_once(shelf: Path) -> None:
    _installed(shelf, "top", {"top/a.py": b"x" * 10}, "Left_One>=1", "right (<2)", "absent")
    _installed(shelf, "left.one", {"left/a.so": b"x" * 200}, "shared")
    _installed(shelf, "right", {"right.py": b"x" * 3000}, "shared; python_version > '3'", "top")
    _installed(shelf, "shared", {"shared.py": b"x" * 40_000})
    assert installed_bytes("Top") == 43_210


def test_what_an_extra_requires_is_not_counted(shelf: Path) -> None:
    _installed(shelf, "top", {"top.py": b"x"}, 'big; extra == "all"', "big ; extra=='x'")
    _installed(shelf, "big", {"big.so": b"x" * 1000})
    assert installed_bytes("top") == 1


def test_a_requirement_of_other_machines_is_not_counted(shelf: Path) -> None:
    _installed(shelf, "top", {"top.py": b"x"}, "other; sys_platform == 'win32'", "own [x] ~= 1.0")
    _installed(shelf, "other", {"other.py": b"x" * 100})
    _installed(shelf, "own", {"own.py": b"x" * 20})
    assert installed_bytes("top") == 21


def test_a_requirement_that_cannot_be_parsed_gives_no_size(shelf: Path) -> None:
    _installed(shelf, "top", {"top.py": b"x"}, "such a requirement")
    assert installed_bytes("top") is None


def test_a_file_that_was_removed_takes_no_room(shelf: Path) -> None:
    _installed(shelf, "top", {"top.py": b"x" * 7, "gone.py": b"x"})
    (shelf / "gone.py").unlink()
    assert installed_bytes("top") == 7


@pytest.mark.parametrize("unknown", ["top", "under"])
def test_a_package_without_a_list_of_files_has_no_known_size(shelf: Path, unknown: str) -> None:
    _installed(shelf, "top", {"top.py": b"x"}, "under")
    _installed(shelf, "under", {"under.py": b"x"})
    (shelf / f"{unknown}-1.0.dist-info" / "RECORD").unlink()
    assert installed_bytes("top") is None


@pytest.mark.parametrize("name", ["such-a-package-is-nowhere", ""])
def test_a_package_that_is_not_installed_has_no_size(name: str) -> None:
    assert installed_bytes(name) is None


def test_onnxruntime_is_larger_than_its_own_library_and_is_not_imported() -> None:
    own = sum(
        Path(path.locate()).stat().st_size
        for path in metadata.distribution("onnxruntime").files or ()
        if path.suffix == ".so"
    )
    code = (
        "import sys; from fmnist_edge.host.disk import installed_bytes;"
        "print(installed_bytes('onnxruntime'), 'onnxruntime' in sys.modules)"
    )
    size, imported = _python(code).split()
    assert int(size) > own > 1 << 20
    assert imported == "False"
