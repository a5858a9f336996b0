"""The rules about scores and weights, and what is said of them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.divergence import (
    Answers,
    Chain,
    Compared,
    Divergence,
    Grid,
    Layer,
    LayerDifference,
    Stage,
    compare_chains,
    judge,
    known_of,
    side,
)
from fmnist_edge.divergence.bounds import FLOAT32, exact, gamma
from fmnist_edge.divergence.changes import changes, moves
from fmnist_edge.divergence.pattern import STEP, Known, by_pattern
from fmnist_edge.divergence.weights import relation
from fmnist_edge.records import decode_json, encode_json, replace
from fmnist_edge.report.divergence import changes_table, headings, remarks, summary
from tests.examples import case

FLOATS = Known(same_file=False, quantized=(False, False), half=False)
INT8 = Known(same_file=True, quantized=(True, True), half=False)
RANDOM = np.random.default_rng(0)


def _scores(images: int = 500) -> NDArray[np.float32]:
    return RANDOM.dirichlet(np.full(10, 0.3), images).astype(np.float32)


def _steps(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return (np.rint(scores / STEP) * STEP).astype(np.float32)


def _moved(scores: NDArray[np.float32], by: float, rows: int) -> NDArray[np.float32]:
    other = scores.copy()
    other[:rows, 0] += np.float32(by)
    return other


@pytest.mark.parametrize(
    ("b", "known", "cause"),
    [
        (lambda a: a, FLOATS, "identical"),
        (lambda a: _moved(a, 4e-5, 500), FLOATS, "reordered-sums"),
        (lambda a: _moved(a, 6e-5, 500), FLOATS, "undetermined"),
        (lambda a: _moved(a, 1e-3, 500), replace(FLOATS, half=True), "half-precision"),
        (lambda a: _moved(a, 0.04, 5), replace(FLOATS, half=True), "undetermined"),
        (lambda a: _moved(a, STEP, 500), INT8, "rounding-tie"),
        (lambda a: _moved(a, 3 * STEP, 5), INT8, "rounding-tie"),
        (lambda a: _moved(a, 3 * STEP, 500), INT8, "undetermined"),
        (lambda a: _moved(a, 3 * STEP, 500), replace(INT8, same_file=False), "quantization"),
        (lambda a: a[:, [1, 2, 0, *range(3, 10)]], INT8, "defect"),
    ],
)
def test_each_pattern_of_scores_has_its_cause(b: Any, known: Known, cause: str) -> None:  # noqa: ANN401 - a function
    a = _steps(_scores()) if all(known.quantized) else _scores()
    found, detail = by_pattern(a, b(a), 1.0, known)
    assert (found, detail) == (cause, "permuted" if cause == "defect" else "")


def test_ties_are_told_from_the_largest_scores_in_millionths() -> None:
    a = _steps(_scores().max(axis=1, keepdims=True))
    tops = [np.rint(each * 1e6).astype(np.float32) / np.float32(1e6) for each in (a, a + STEP)]
    assert by_pattern(tops[0], tops[1].astype(np.float32), 1.0, INT8) == ("rounding-tie", "")


def test_files_of_which_many_labels_differ_are_not_only_quantized() -> None:
    a = _scores()
    known = replace(INT8, same_file=False)
    assert by_pattern(a, _moved(a, STEP, 500), 0.94, known) == ("undetermined", "")


def _stage(kernel: NDArray[np.float64], step: float = 0.0) -> Stage:
    units = kernel.shape[1]
    steps = np.full(units, step)
    return Stage("dense", kernel, np.zeros(units), False, steps, np.zeros(units))


def test_weights_are_related_by_rounding_steps_or_not_at_all() -> None:
    kernel = RANDOM.normal(size=(50, 8))
    plain = _stage(kernel)
    assert relation(plain, _stage(kernel * (1 + 2 * FLOAT32))) == "same"
    half = replace(_stage(kernel.astype(np.float16).astype(np.float64)), half_floor=2.0**-25)
    assert relation(plain, half) == "half"
    step = 0.01
    quantized = np.rint(kernel / step) * step
    assert relation(plain, _stage(quantized, step)) == "quantized"
    quantized[3, 4] += step
    assert relation(plain, _stage(quantized, step)) == "other"
    assert relation(plain, _stage(kernel * 1.01)) == "other"


def test_no_order_of_adding_strays_further_than_the_bound() -> None:
    inputs = RANDOM.random((20, 784)).astype(np.float32)
    kernel = RANDOM.normal(size=(784, 8)).astype(np.float32)
    want = exact(_stage(kernel.astype(np.float64)), inputs.astype(np.float64))
    products = inputs[:, :, None] * kernel[None]
    one_by_one = np.cumsum(products, axis=1, dtype=np.float32)[:, -1]
    backwards = np.cumsum(products[:, ::-1], axis=1, dtype=np.float32)[:, -1]
    assert (one_by_one != backwards).any()
    for found in (one_by_one, backwards):
        assert (np.abs(found - want.value) <= want.rounding(FLOAT32)).all()
    assert gamma(10, 0.1) == np.inf


# One layer of one unit with the weight 1: its exact output is its input.
_GRID = Grid(scale=0.5, zero_point=0, low=-128, high=127)


def _one(outputs: list[float], inputs: list[float], grid: Grid | None = None) -> Chain:
    stage = replace(_stage(np.ones((1, 1))), grid=grid)
    given = np.array(outputs, np.float32)[:, None]
    return Chain(np.array(inputs)[:, None], (Layer("dense", given, stage, grid),))


def _layer(a: Chain, b: Chain) -> LayerDifference:
    [found] = compare_chains(a, b)
    return found


def test_a_step_apart_is_a_tie_only_in_the_middle_of_two_steps() -> None:
    inputs = [1.0, 1.25]
    tie = _layer(_one([1.0, 1.0], inputs, _GRID), _one([1.0, 1.5], inputs, _GRID))
    assert (tie.cause, tie.beyond, tie.max_steps, tie.tie_distance) == ("rounding-tie", 1, 1, 0)
    inputs = [1.0, 1.3]
    wrong = _layer(_one([1.0, 1.0], inputs, _GRID), _one([1.0, 1.5], inputs, _GRID))
    assert (wrong.cause, wrong.detail) == ("defect", "arithmetic-a")
    both = _layer(_one([1.5, 1.0], inputs, _GRID), _one([0.5, 1.5], inputs, _GRID))
    assert (both.cause, both.detail) == ("defect", "arithmetic-both")


def test_what_only_one_range_can_hold_is_clipped() -> None:
    inputs = [1.0, 40.0]
    short = replace(_GRID, high=63)
    found = _layer(_one([1.0, 40.0], inputs, _GRID), _one([1.0, 31.5], inputs, short))
    assert (found.cause, found.clipped) == ("saturation", 1)
    none = _layer(_one([1.0, 2.0], [1.0, 2.0], _GRID), _one([1.0, 2.0], [1.0, 2.0], short))
    assert (none.cause, none.clipped) == ("identical", 0)


def test_float_outputs_are_held_against_rounding_and_inputs() -> None:
    next_one = float(np.nextafter(np.float32(1), np.float32(2)))
    assert _layer(_one([1.0], [1.0]), _one([next_one], [1.0])).cause == "reordered-sums"
    assert _layer(_one([1.0], [1.0]), _one([1.5], [1.5])).cause == "inherited"
    off = _layer(_one([1.0], [1.0]), _one([1.0001], [1.0]))
    assert (off.cause, off.detail, off.beyond) == ("defect", "arithmetic-b", 1)


@pytest.mark.parametrize("value", [1.0009765625, 1.0078125], ids=["float16", "bfloat16"])
def test_results_of_16_bits_are_told_from_wrong_ones(value: float) -> None:
    # A third of the way to the next number of the type.
    exact_value = 1 + (value - 1) * 0.7
    found = _layer(_one([exact_value], [exact_value]), _one([value], [exact_value]))
    assert (found.cause, found.detail) == ("half-precision", "")


def test_images_of_the_widest_margins_come_first() -> None:
    a = np.array([[0.9, 0.1], [0.5, 0.5], [0.6, 0.4]], np.float32)
    b = np.array([[0.2, 0.8], [0.5, 0.5], [0.4, 0.6]], np.float32)
    sides = [Answers(each.argmax(axis=1).astype(np.int64), each) for each in (a, b)]
    found = changes(*sides, np.array([0, 0, 1]), ("left", "right"), 5)
    assert [(each.index, each.true_label) for each in found] == [(0, "left"), (2, "right")]
    assert found[0].margin_a == pytest.approx(0.8)
    assert len(changes(*sides, None, ("left", "right"), 1)) == 1
    assert moves(*sides).differing == 2


def test_of_largest_scores_those_of_other_labels_are_not_subtracted() -> None:
    tops = np.array([[0.9], [0.8]], np.float32)
    a, b = Answers(np.array([0, 1]), tops), Answers(np.array([1, 1]), tops - np.float32(0.25))
    found = moves(a, b)
    assert found.gap.ravel().tolist() == pytest.approx([0, 0.25])
    assert found.differing == 2


def _judged(**changed: Any) -> Divergence:  # noqa: ANN401 - any field
    scores = _scores(40)
    other = scores.copy()
    other[3] = other[3, ::-1]
    host = {"architecture": "aarch64", "cpu": "a toaster", "emulated": "qemu-aarch64"}
    labels = [each.argmax(axis=1).astype(np.int64) for each in (scores, other)]
    sides = side(case("a.onnx"), "1.0", {}, {}), side(case("b.onnx"), "2.0", {}, host)
    found = Compared(
        sides=sides,
        answers=(Answers(labels[0], scores), Answers(labels[1], other)),
        truth=labels[0],
        names=tuple("abcdefghij"),
        source="fashion-mnist",
        known=known_of(case(), case()),
        unread="answers",
    )
    return judge(replace(found, **changed), 20)


def test_a_record_tells_all_and_comes_back_as_it_was_written() -> None:
    found = _judged()
    assert decode_json(Divergence, encode_json(found)) == found
    assert (found.changed, found.differing, found.correct_a, found.correct_b) == (1, 1, 40, 39)
    assert summary(found).startswith("1 of 40 images changes label; scores move by at most 0.")
    assert summary(found).endswith("; layers not compared; cause: undetermined.")
    a, b = headings(found)
    assert a == "A: a.onnx on numpy 1.0 (unknown, unknown)"
    assert b == "B: b.onnx on numpy 2.0 (aarch64, emulated by qemu-aarch64 on a toaster)"
    assert "A labels 40 images right, and B 39." in list(remarks(found))
    [row] = changes_table(found).rows
    assert row[0] == "3"


def test_what_is_not_shown_is_counted() -> None:
    assert changes_table(replace(_judged(), changes=(), changed=1)).note == "1 more is not shown."


def test_networks_of_other_layers_are_called_so() -> None:
    found = _judged(other_layers=True, unread="")
    assert (found.cause, found.detail, found.basis) == ("defect", "layers", "layers")
    assert "different networks" in next(iter(remarks(found)))
