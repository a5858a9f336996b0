"""What an installation takes of a folder of wheels, on machines that are not this one."""

import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

from fmnist_edge.environments.wheel_needs import Needs, needs, read_wheels
from fmnist_edge.environments.wheel_target import (
    Target,
    checked_target,
    marker_values,
    platform_tags,
    this_machine,
    wheel_tags,
)
from fmnist_edge.errors import UsageError

PI = Target("aarch64", "3.13")


def _wheel(folder: Path, name: str, *requires: str) -> Path:
    path = folder / name
    package, version = name.split("-")[:2]
    lines = [f"Name: {package}", f"Version: {version}", *(f"Requires-Dist: {x}" for x in requires)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{package}-{version}.dist-info/METADATA", "\n".join(lines))
    return path


def _needs(wanted: str, paths: list[Path], target: Target = PI) -> Needs:
    return needs(Requirement(wanted), read_wheels(paths, wheel_tags(target)), marker_values(target))


def _names(found: Needs) -> list[str]:
    return [wheel.name for wheel in found.wheels]


def test_requirements_are_followed_to_the_end(tmp_path: Path) -> None:
    paths = [
        _wheel(tmp_path, "a-1-py3-none-any.whl", "b>=1", 'c; extra == "more"'),
        _wheel(tmp_path, "b-2-py3-none-any.whl", "a"),
        _wheel(tmp_path, "c-3-py3-none-any.whl", "d<4"),
    ]
    assert _needs("a", paths) == Needs(_needs("a", paths).wheels, [])
    assert _names(_needs("a", paths)) == ["a", "b"]
    told = _needs("a[more]", paths)
    assert (_names(told), told.missing) == (["a", "b", "c"], ["d<4"])


def test_a_package_may_ask_for_an_extra_of_its_own(tmp_path: Path) -> None:
    path = _wheel(tmp_path, "a-1-py3-none-any.whl", 'a[x]; extra == "all"', 'b; extra == "x"')
    assert _needs("a[all]", [path]).missing == ["b"]


@pytest.mark.parametrize(
    ("marker", "asked"),
    [
        ('python_version < "3.14"', True),
        ('python_version < "3.12"', False),
        ('platform_machine == "aarch64"', True),
        ('platform_machine == "x86_64"', False),
        ('sys_platform == "win32"', False),
        ('platform_python_implementation == "CPython" and sys_platform == "linux"', True),
    ],
)
def test_markers_are_those_of_the_other_machine(
    tmp_path: Path, marker: str, *, asked: bool
) -> None:
    path = _wheel(tmp_path, "a-1-py3-none-any.whl", f"b; {marker}")
    assert _needs("a", [path]).missing == (["b"] if asked else [])


def test_a_version_that_does_not_fit_is_missing(tmp_path: Path) -> None:
    paths = [
        _wheel(tmp_path, "a-1-py3-none-any.whl", "b>=2"),
        _wheel(tmp_path, "b-1.9-py3-none-any.whl"),
    ]
    assert _needs("a", paths).missing == ["b>=2"]


def test_a_damaged_wheel_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(b"PK\x03\x04 half")
    assert _needs("a", [path]).missing == ["a"]


@pytest.mark.parametrize(
    ("name", "loaded"),
    [
        ("a-1-cp313-cp313-manylinux_2_28_aarch64.whl", True),
        ("a-1-cp313-cp313-manylinux2014_aarch64.manylinux_2_17_aarch64.whl", True),
        ("a-1-cp310-abi3-manylinux_2_17_aarch64.whl", True),
        ("a-1-py2.py3-none-any.whl", True),
        ("a-1-cp312-cp312-manylinux_2_28_aarch64.whl", False),
        ("a-1-cp313-cp313t-manylinux_2_28_aarch64.whl", False),
        ("a-1-cp313-cp313-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp313-cp313-musllinux_1_2_aarch64.whl", False),
        ("a-1-cp313-cp313-manylinux_2_39_aarch64.whl", False),
    ],
)
def test_only_wheels_that_the_machine_loads_count(
    tmp_path: Path, name: str, *, loaded: bool
) -> None:
    assert _needs("a", [_wheel(tmp_path, name)]).missing == ([] if loaded else ["a"])
    assert bool(parse_wheel_filename(name)[3] & wheel_tags(PI)) is loaded


def test_the_newest_tags_come_first_and_former_names_stand_among_them() -> None:
    tags = platform_tags(Target("x86_64", "3.11"))
    assert tags[0] == "manylinux_2_35_x86_64"
    assert tags[-2:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64"]
    assert tags.index("manylinux2014_x86_64") == tags.index("manylinux_2_17_x86_64") + 1


def test_this_machine_is_the_default() -> None:
    assert checked_target() == this_machine()
    assert checked_target(python="3.13").platform == this_machine().platform


@pytest.mark.parametrize(
    ("platform", "python", "sentence"),
    [
        ("riscv64", "", "not for riscv64"),
        ("aarch64", "3.10", "does not run on Python '3.10'"),
        ("aarch64", "2.7", "does not run on Python '2.7'"),
        ("aarch64", "3.13.1", "does not run on Python '3.13.1'"),
        ("aarch64", "newest", "does not run on Python 'newest'"),
    ],
)
def test_what_no_wheel_is_made_for_is_refused(platform: str, python: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_target(platform, python)
    assert sentence in refused.value.message
    assert refused.value.hint
