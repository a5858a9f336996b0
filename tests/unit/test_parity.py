"""An exported file must compute what its parent computes; nothing else gets through."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.artifact import LayerFidelity, PairedAccuracy, Parity, Precision
from fmnist_edge.errors import ParityError
from fmnist_edge.pipeline.parity import check, compare, fidelity, sqnr_db
from fmnist_edge.recipes import RECIPES, Recipe
from fmnist_edge.records import replace
from fmnist_edge.stats.classification import as_probabilities

# Each class is the right one for a tenth of the images.
_PARENT = np.tile(np.eye(10, dtype=np.float32), (10, 1))


_LABELS = np.tile(np.arange(10, dtype=np.uint8), 10)


def _compare(given: NDArray[np.float32]) -> Parity:
    return compare(_PARENT, given, _LABELS, "runtime 1")


def _refused(given: NDArray[np.float32], recipe: Recipe) -> bool:
    try:
        check("x.onnx", _compare(given), recipe, max_drop=0.5)
    except ParityError:
        return True
    return False


def test_a_faithful_copy_agrees_entirely() -> None:
    assert _compare(_PARENT.copy()) == Parity(
        "runtime 1", 100, 1.0, 0.0, 0.0, PairedAccuracy(1.0, 1.0, 0, 0, 1.0)
    )


def test_agreement_and_the_largest_difference_are_measured() -> None:
    given = _PARENT.copy()
    given[3] = 0
    given[3, 9] = 0.75
    parity = _compare(given)
    assert (parity.images, parity.agreement, parity.max_abs_difference) == (100, 0.99, 1.0)
    assert parity.mean_abs_difference == pytest.approx(1.75 / 1000)
    assert parity.accuracy == PairedAccuracy(1.0, 0.99, lost=1, gained=0, p_value=1.0)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_takes_a_faithful_copy(recipe: Recipe) -> None:
    assert not _refused(_PARENT.copy(), recipe)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_refuses_a_file_that_lost_its_weights(recipe: Recipe) -> None:
    assert _refused(np.full((100, 10), 0.1, np.float32), recipe)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_every_recipe_refuses_a_score_that_is_no_number(recipe: Recipe, value: float) -> None:
    given = _PARENT.copy()
    given[3, 3 if value > 0 else 4] = value  # where the label stays the same if it can
    assert _refused(given, recipe)


def test_what_comes_out_is_always_a_number_that_json_can_say() -> None:
    parity = _compare(np.full((100, 10), np.nan, np.float32))
    assert np.isfinite([parity.max_abs_difference, parity.mean_abs_difference]).all()


def test_the_limits_themselves_are_allowed() -> None:
    recipe = RECIPES["tflite-int8"]
    accuracy = PairedAccuracy(0.9, 0.895, 10, 5, 0.3)
    edge = Parity("runtime 1", 1000, recipe.min_agreement, recipe.max_difference, 0.1, accuracy)
    check("x.tflite", edge, recipe, max_drop=0.51)


def test_a_drop_that_equals_the_limit_is_allowed() -> None:
    accuracy = PairedAccuracy(0.797, 0.792, lost=9, gained=4, p_value=0.27)
    assert 100 * (accuracy.parent - accuracy.own) > 0.5  # as floats are subtracted
    edge = Parity("runtime 1", 1000, 0.97, 0.1, 0.01, accuracy)
    check("x.tflite", edge, RECIPES["tflite-int8"], max_drop=0.5)


def test_a_refusal_says_what_was_found_and_what_is_needed() -> None:
    parity = Parity("runtime 1", 1000, 0.1, max_abs_difference=0.5, mean_abs_difference=0.1)
    with pytest.raises(ParityError) as caught:
        check("x.onnx", parity, RECIPES["onnx-float32"], max_drop=0.5)
    assert caught.value.message == (
        "x.onnx gives 10.0% of 1,000 images the label of its parent, and scores differ by up to "
        "0.5; onnx-float32 must reach 99.9% within 1e-05."
    )
    assert "bug report" in caught.value.hint


@pytest.mark.parametrize("name", [name for name in RECIPES if "float32" not in name])
def test_a_refusal_of_a_quantized_file_says_what_would_help(name: str) -> None:
    recipe = RECIPES[name]
    parity = Parity("runtime 1", 1000, 0.1, max_abs_difference=0.5, mean_abs_difference=0.1)
    parity = replace(parity, layers=(LayerFidelity("first", 30.0), LayerFidelity("second", 3.0)))
    with pytest.raises(ParityError, match=r"Worst layer: second \(3\.0 dB\)\.") as caught:
        check("x", parity, recipe, max_drop=0.5)
    hint = caught.value.hint
    assert ("--calibration-samples" in hint) == recipe.calibrated
    assert ("quantization-aware training" in hint) == (recipe.precision is not Precision.FLOAT16)


def test_a_file_that_loses_too_much_is_refused_and_the_worst_layer_is_named() -> None:
    parity = Parity(
        "runtime 1",
        10_000,
        agreement=0.97,
        max_abs_difference=0.3,
        mean_abs_difference=0.01,
        accuracy=PairedAccuracy(0.89, 0.883, lost=100, gained=30, p_value=5e-10),
        layers=(
            LayerFidelity("first", 30.0),
            LayerFidelity("second", 12.25),
            LayerFidelity("third", None),
        ),
    )
    with pytest.raises(ParityError) as caught:
        check("x.tflite", parity, RECIPES["tflite-int8"], max_drop=0.5)
    assert caught.value.message == (
        "x.tflite loses 0.70 points of accuracy (89.00% to 88.30%, p = 5e-10); 0.5 are allowed. "
        "Worst layer: second (12.2 dB)."
    )
    for cure in ("--calibration-samples", "--max-drop", "quantization-aware training"):
        assert cure in caught.value.hint


def test_logits_are_compared_as_probabilities() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.9, 0.05, 0.05]], np.float32)) + 1000
    expected = [[0.5, 0.25, 0.25], [0.9, 0.05, 0.05]]
    np.testing.assert_allclose(as_probabilities(logits, "logits"), expected, atol=1e-4)
    assert as_probabilities(logits, "probabilities") is logits


def test_noise_is_told_in_decibel() -> None:
    signal = np.full((2, 5), 10, np.float32)
    assert sqnr_db(signal, signal) is None
    assert sqnr_db(signal, signal + 1) == pytest.approx(20.0)
    assert sqnr_db(np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32)) == -np.inf
    assert fidelity(["a"], [signal], [signal + 1]) == (LayerFidelity("a", 20.0),)
