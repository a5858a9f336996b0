"""The exports that a machine can make are known before any long work."""

import pytest

from fmnist_edge.artifact import Format
from fmnist_edge.errors import MissingDependencyError, UsageError
from fmnist_edge.exporters import ROUTES, route_of
from fmnist_edge.optional import install_command
from fmnist_edge.pipeline import availability
from fmnist_edge.pipeline.availability import available_recipes
from fmnist_edge.recipes import RECIPES, select

ALL = tuple(RECIPES.values())


def _without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    known = availability.installed
    monkeypatch.setattr(
        availability, "installed", lambda name: name not in packages and known(name)
    )


def test_with_everything_installed_nothing_is_left_out() -> None:
    can = available_recipes(ALL, Format.KERAS)
    assert can.recipes == ALL
    assert can.left_out == {}


@pytest.mark.parametrize("source", [Format.SAVED_MODEL, Format.TFLITE, Format.ONNX])
def test_a_parent_becomes_what_it_can(source: Format) -> None:
    names = {recipe.name for recipe in available_recipes(ALL, source).recipes}
    assert names == {name for parent, name in ROUTES if parent is source}
    assert "npz-float32" not in names


def test_what_lacks_a_package_is_named_with_what_would_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _without(monkeypatch, "openvino", "litert_quantizer")
    can = available_recipes(ALL, Format.KERAS)
    assert can.left_out == {
        "quantize": ("tflite-int4",),
        "openvino": ("openvino-float32", "openvino-float16", "openvino-int8"),
    }
    left_out = {name for names in can.left_out.values() for name in names}
    assert {recipe.name for recipe in can.recipes} == set(RECIPES) - left_out


def test_nothing_possible_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "openvino")
    with pytest.raises(MissingDependencyError, match="Nothing can be exported") as caught:
        available_recipes(select((Format.OPENVINO,)), Format.KERAS)
    assert "openvino>=" in caught.value.hint
    _without(monkeypatch, "openvino", "onnx")
    with pytest.raises(MissingDependencyError) as caught:
        available_recipes((RECIPES["openvino-int8"],), Format.KERAS)
    assert install_command("openvino", "train") in caught.value.hint


def test_a_file_that_nothing_is_made_from_is_refused_whatever_is_installed() -> None:
    with pytest.raises(UsageError, match="cannot be made from a npz file") as caught:
        available_recipes(ALL, Format.NPZ)
    assert "Exports start from a .keras file" in caught.value.hint


def test_a_recipe_that_a_parent_cannot_become_is_refused_with_those_it_can() -> None:
    with pytest.raises(UsageError, match="onnx-int8 cannot be made from a tflite file") as caught:
        route_of(RECIPES["onnx-int8"], Format.TFLITE)
    assert "tflite-int8-dynamic" in caught.value.hint
    assert route_of(RECIPES["tflite-int8"], Format.TFLITE) is ROUTES[Format.TFLITE, "tflite-int8"]
