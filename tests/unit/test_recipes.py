"""A recipe is named after what it makes, and is chosen by that."""

import pytest

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.errors import UsageError
from fmnist_edge.exporters import ROUTES
from fmnist_edge.recipes import RECIPES, select


def _names(*arguments: tuple[object, ...]) -> list[str]:
    return [recipe.name for recipe in select(*arguments)]  # type: ignore[arg-type]


def test_every_recipe_goes_by_its_format_and_precision() -> None:
    assert list(RECIPES) == [
        "npz-float32",
        "tflite-float32",
        "tflite-float16",
        "tflite-int8",
        "tflite-int8-float-io",
        "tflite-int8-dynamic",
        "tflite-int16x8",
        "tflite-int4",
        "onnx-float32",
        "onnx-float16",
        "onnx-int8",
        "onnx-int8-dynamic",
        "ort-float32",
        "ort-int8",
        "openvino-float32",
        "openvino-float16",
        "openvino-int8",
        "ncnn-float32",
        "ncnn-float16",
        "saved-model-float32",
    ]
    for name, recipe in RECIPES.items():
        assert name == recipe.name == f"{recipe.format.value}-{recipe.precision.value}"


def test_every_recipe_has_its_route() -> None:
    from_keras = [name for parent, name in ROUTES if parent is Format.KERAS]
    assert sorted(from_keras) == sorted(RECIPES)
    assert {name for _, name in ROUTES} == set(RECIPES)


def test_static_quantizers_alone_look_at_images() -> None:
    static = {Precision.INT8, Precision.INT8_FLOAT_IO, Precision.INT16X8}
    for recipe in RECIPES.values():
        assert recipe.calibrated is (recipe.precision in static)


def test_all_are_chosen_where_nothing_is_named() -> None:
    assert select() == tuple(RECIPES.values())


def test_recipes_are_chosen_by_format_and_precision() -> None:
    assert _names((Format.ORT,)) == ["ort-float32", "ort-int8"]
    assert _names((), (Precision.INT8,)) == [
        "tflite-int8",
        "onnx-int8",
        "ort-int8",
        "openvino-int8",
    ]
    assert _names((Format.ONNX, Format.NPZ), (Precision.FLOAT32,)) == [
        "npz-float32",
        "onnx-float32",
    ]


def test_a_format_that_cannot_be_had_is_named_even_if_others_can() -> None:
    with pytest.raises(UsageError, match="There is no recipe for npz in int8") as caught:
        select((Format.NPZ, Format.TFLITE), (Precision.INT8,))
    assert "tflite-int8" in caught.value.hint


def test_a_keras_file_is_nothing_to_export_to() -> None:
    with pytest.raises(UsageError, match="There is no recipe for keras"):
        select((Format.KERAS,))
