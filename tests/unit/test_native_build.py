"""Compiling what calls the runtimes from C, and finding the libraries that it calls."""

import shutil
import sys
from pathlib import Path

import pytest

from fmnist_edge.errors import FmnistEdgeError, MissingDependencyError, StorageError
from fmnist_edge.native import Model, NativeError, build, compiler, find_library, load_library
from fmnist_edge.native.build import cache_folder
from fmnist_edge.optional import install_command
from fmnist_edge.runtimes import litert_native

pytestmark = pytest.mark.needs("c-compiler")
SOURCES = ["litert", "onnxruntime"]
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache that is empty when the test begins."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    return cache_folder()


def _program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


# The compiler


def test_the_compiler_is_the_first_that_is_installed() -> None:
    installed = [path for each in ("cc", "gcc", "clang") if (path := shutil.which(each))]
    assert compiler() == (installed[0],)


def test_cc_names_another_compiler_and_may_give_it_arguments(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = _program(tmp_path / "other-cc", "exit 0")
    monkeypatch.setenv("CC", f"{path} -O1")
    assert compiler() == (path, "-O1")


def test_a_machine_without_a_compiler_is_told_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiler() is None
    with pytest.raises(MissingDependencyError, match="needs a C compiler; none is inst") as caught:
        build("litert")
    assert "sudo apt install gcc" in caught.value.hint


def test_a_compiler_that_cc_names_and_nobody_installed_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    with pytest.raises(MissingDependencyError, match="CC names 'no-such-compiler', which is not"):
        build("litert")


def test_a_compiler_that_fails_in_silence_is_told_by_its_code(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setenv("CC", "false")
    with pytest.raises(MissingDependencyError) as caught:
        build("litert")
    assert caught.value.message.endswith("cannot compile litert.c: it ended with code 1.")
    assert not cache.exists()


def test_of_a_compiler_that_complains_the_first_error_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    complaint = "session.h:12: fatal error: dlfcn.h: No such file or directory"
    script = f'echo "In file included from litert.c" >&2; echo "{complaint}" >&2; exit 1'
    monkeypatch.setenv("CC", _program(tmp_path / "sour-cc", script))
    with pytest.raises(MissingDependencyError) as caught:
        build("litert")
    assert complaint in caught.value.message
    assert "In file included" not in caught.value.message
    assert "libc6-dev" in caught.value.hint


def test_a_compiler_that_is_no_program_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "text-cc"
    path.write_bytes(b"I am no program.\n")
    path.chmod(0o755)
    monkeypatch.setenv("CC", str(path))
    with pytest.raises(MissingDependencyError, match=r"cannot compile litert\.c: Exec format"):
        build("litert")


# What it makes


@pytest.mark.parametrize("name", SOURCES)
def test_the_strictest_compiler_has_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("CC", " ".join([*(compiler() or ()), *STRICT]))
    assert load_library(build(name)).native_open


def test_a_source_is_compiled_once(cache: Path) -> None:
    first = build("litert")
    made = first.stat().st_mtime_ns
    assert build("litert") == first
    assert first.stat().st_mtime_ns == made
    assert list(cache.iterdir()) == [first]


def test_another_compiler_makes_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    first = build("litert")
    monkeypatch.setenv("CC", " ".join([*(compiler() or ()), "-O1"]))
    assert build("litert") != first


def test_a_cache_that_cannot_be_written_to_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="part of its path is a file"):
        build("litert")


# The libraries


def test_a_library_is_found_without_importing_its_package() -> None:
    before = set(sys.modules)
    path = find_library("ai_edge_litert", "libLiteRt.so", extra="litert")
    assert path.is_file()
    assert not {name for name in set(sys.modules) - before if name.startswith("ai_edge_litert")}


@pytest.mark.parametrize(
    ("package", "problem"),
    [
        ("no_such_package", r"The package 'no_such_package' is not installed\."),
        ("numpy", r"The package 'numpy' is installed but holds no libLiteRt\.so\."),
    ],
)
def test_a_library_that_is_not_there_is_an_error_in_words(package: str, problem: str) -> None:
    with pytest.raises(MissingDependencyError, match=problem) as caught:
        find_library(package, "libLiteRt.so", extra="litert")
    assert install_command("litert") in caught.value.hint


def test_a_library_that_is_none_cannot_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "libText.so"
    path.write_bytes(b"I am no library.\n" * 100)
    with pytest.raises(MissingDependencyError, match=r"libText\.so cannot be loaded"):
        load_library(path)


@pytest.mark.parametrize("name", SOURCES)
def test_a_library_that_lacks_what_is_called_is_refused(name: str) -> None:
    driver = build(name)
    with pytest.raises(NativeError, match="has no function"):
        Model(driver, driver, b"model", 1)
    with pytest.raises(NativeError, match="No such file"):
        Model(driver, Path("/no/such/library.so"), b"model", 1)


def test_a_litert_whose_functions_take_other_arguments_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package, about = tmp_path / "ai_edge_litert", tmp_path / "ai_edge_litert-2.1.5.dist-info"
    package.mkdir()
    (package / "__init__.py").write_bytes(b"")
    (package / "libLiteRt.so").write_bytes(b"")
    about.mkdir()
    (about / "METADATA").write_text("Name: ai-edge-litert\nVersion: 2.1.5\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FmnistEdgeError, match="has another C interface") as caught:
        litert_native.load_library()
    assert caught.value.hint == "Update it with: pip install 'ai-edge-litert>=2.1.6'"
