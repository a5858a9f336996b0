"""An exported file must compute what its parent computes; nothing else gets through."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.artifact import Parity
from fmnist_edge.errors import ParityError
from fmnist_edge.exporters import verify
from fmnist_edge.recipes import RECIPES, Recipe

# Each class is the right one for a tenth of the images.
_PARENT = np.tile(np.eye(10, dtype=np.float32), (10, 1))


def _refused(given: NDArray[np.float32], recipe: Recipe) -> bool:
    try:
        verify.check(Path("x.onnx"), verify.compare(_PARENT, given, "runtime 1"), recipe)
    except ParityError:
        return True
    return False


def test_a_faithful_copy_agrees_entirely() -> None:
    assert verify.compare(_PARENT, _PARENT.copy(), "runtime 1") == Parity(
        "runtime 1", 100, 1.0, 0.0
    )


def test_agreement_and_the_largest_difference_are_measured() -> None:
    given = _PARENT.copy()
    given[3] = 0
    given[3, 9] = 0.75
    parity = verify.compare(_PARENT, given, "runtime 1")
    assert parity == Parity("runtime 1", 100, agreement=0.99, max_abs_difference=1.0)


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
    parity = verify.compare(_PARENT, np.full((100, 10), np.nan, np.float32), "runtime 1")
    assert np.isfinite(parity.max_abs_difference)


def test_the_limits_themselves_are_allowed() -> None:
    recipe = RECIPES["tflite-int8"]
    edge = Parity("runtime 1", 1000, recipe.min_agreement, recipe.max_difference)
    verify.check(Path("x.tflite"), edge, recipe)


def test_a_refusal_says_what_was_found_and_what_is_needed() -> None:
    parity = Parity("runtime 1", 1000, agreement=0.1, max_abs_difference=0.5)
    with pytest.raises(ParityError) as caught:
        verify.check(Path("a/x.onnx"), parity, RECIPES["onnx-float32"])
    assert caught.value.message == (
        "x.onnx gives 10.0% of 1,000 images the label of its parent, and scores differ by up to "
        "0.5; onnx-float32 must reach 99.9% within 1e-05."
    )
