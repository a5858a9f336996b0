"""A package that is missing or broken is named together with its cure."""

import json
import re
import shlex
import sys
from importlib import metadata
from pathlib import Path

import pytest

from fmnist_edge.errors import MissingDependencyError
from fmnist_edge.optional import (
    base_requirements,
    install_command,
    installed,
    own_source,
    providers_of,
    require,
    versions_of,
)


def test_the_versions_of_packages_are_those_of_their_metadata() -> None:
    names = tuple(each.name for each in metadata.distributions())
    assert versions_of(names) == {name: metadata.version(name) for name in names}


def test_a_version_is_found_where_no_folder_tells_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, version in (("odd-1.dist-info", "1"), ("odd-2.dist-info", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "METADATA").write_text(f"Name: odd\nVersion: {version}\n")
    (tmp_path / "old.egg-info").mkdir()
    (tmp_path / "old.egg-info" / "PKG-INFO").write_text("Name: old\nVersion: 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert versions_of(("odd", "old", "none")) == {"odd": metadata.version("odd"), "old": "3"}


def test_an_installed_module_is_imported() -> None:
    assert require("json", extra="onnx") is json
    assert require("json.decoder", extra="onnx") is json.decoder


def test_a_missing_package_is_named_with_its_cure() -> None:
    with pytest.raises(MissingDependencyError) as caught:
        require("no_such_package.part", extra="litert")
    assert caught.value.message.startswith("The package 'no_such_package' is not installed: ")
    assert caught.value.hint == f"Install it with: {install_command('litert')}"


def test_the_packages_of_an_extra_are_installed_for_this_python() -> None:
    python, *rest = shlex.split(install_command("openvino", "quantize"))
    assert Path(python).resolve() == Path(sys.executable).resolve()
    assert rest[:3] == ["-m", "pip", "install"]
    assert [re.split("[<>=]", each)[0] for each in rest[3:]] == ["openvino", "litert-quantizer"]


def test_where_python_is_too_new_for_tensorflow_the_cure_is_another_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingDependencyError, match="'tensorflow' is not installed") as caught:
        require("tensorflow", extra="train")
    assert caught.value.hint == f"Install it with: {install_command('train')}"
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    with pytest.raises(MissingDependencyError) as caught:
        require("tensorflow", extra="train")
    assert caught.value.hint == (
        "TensorFlow has no release for Python 3.14. Training, and exporting from Keras, need "
        "Python 3.11 to 3.13."
    )


def test_a_package_that_cannot_be_imported_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_package.py").write_text("raise ImportError('no libfoo.so')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed("broken_package")
    with pytest.raises(
        MissingDependencyError, match=r"is installed but cannot be imported: no libfoo\.so\."
    ):
        require("broken_package", extra="litert")


def test_looking_for_a_package_does_not_import_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "explosive_package.py").write_text("raise SystemExit\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed("explosive_package.part")
    assert not installed("no_such_package")


def test_versions_leave_out_what_is_absent() -> None:
    assert list(versions_of(("numpy", "no-such-distribution"))) == ["numpy"]


def test_the_distribution_that_brought_a_package_is_found_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "some_runtime_gpu-1.5.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: some-runtime-gpu\nVersion: 1.5\n")
    (about / "RECORD").write_text("other/some_runtime/__init__.py,,\nsome_runtime/__init__.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = providers_of(("some_runtime", "other", "numpy"))
    assert found == {
        "some_runtime": [("some-runtime-gpu", "1.5")],
        "numpy": [("numpy", metadata.version("numpy"))],
    }


def test_what_every_install_requires_is_told_without_extras() -> None:
    found = base_requirements(("numpy", "msgspec", "onnx"))
    assert [re.split("[<>=]", each)[0] for each in found] == ["msgspec", "numpy"]


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ('{"url": "file:///some%20folder", "dir_info": {}}', "/some folder"),
        ('{"url": "https://example.org/x.whl"}', "https://example.org/x.whl"),
        (None, "fmnist-edge==9.9"),
    ],
)
def test_where_this_installation_came_from_is_what_pip_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str | None, wanted: str
) -> None:
    about = tmp_path / "fmnist_edge-9.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: fmnist-edge\nVersion: 9.9\n")
    if origin is not None:
        (about / "direct_url.json").write_text(origin)
    monkeypatch.syspath_prepend(tmp_path)
    assert own_source() == wanted
