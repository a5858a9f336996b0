"""What is told of a classifier, against cases small enough to count by hand."""

import math

import numpy as np
import pytest

from fmnist_edge.artifact import Format
from fmnist_edge.evaluation import (
    Answers,
    Baseline,
    ClassScore,
    Confused,
    Macro,
    Mistake,
    class_probabilities,
    confidences,
    evaluate,
    metrics,
)
from fmnist_edge.result import Case, Subject
from fmnist_edge.stats.classification import calibration_error, wilson_interval

NAMES = ("a", "b", "c")
# True classes a a a b b; one a is taken for b, one b for a, and nothing is ever c.
TRUTH = np.array([0, 0, 0, 1, 1], np.uint8)
GIVEN = np.array([0, 0, 1, 1, 0])
COUNTS = np.array([[2, 1, 0], [1, 1, 0], [0, 0, 0]])


def _scores(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_a_confusion_matrix_has_a_row_per_true_class() -> None:
    assert metrics.confusion(TRUTH, GIVEN, 3).tolist() == COUNTS.tolist()


def test_precision_recall_and_f1_are_those_counted_by_hand() -> None:
    a, b, c = metrics.class_scores(COUNTS, NAMES)
    assert a == ClassScore("a", 3, 3, 2 / 3, 2 / 3, 2 / 3)
    assert b == ClassScore("b", 2, 2, 1 / 2, 1 / 2, 1 / 2)
    assert c == ClassScore("c", 0, 0, None, None, None)


def test_a_class_that_is_never_given_counts_as_0_in_the_mean_and_one_without_images_does_not() -> (
    None
):
    scores = metrics.class_scores(np.array([[2, 0, 0], [2, 0, 0], [0, 0, 0]]), NAMES)
    assert [each.precision for each in scores] == [0.5, None, None]
    assert metrics.macro(scores) == Macro(precision=0.25, recall=0.5, f1=(2 / 3) / 2)


def test_pairs_are_ordered_by_how_often_they_are_mixed_up_and_then_by_class() -> None:
    counts = np.array([[9, 1, 0], [0, 5, 5], [1, 0, 0]])
    assert metrics.confused(counts, NAMES, 2) == (
        Confused("b", "c", 5, 0.5),
        Confused("a", "b", 1, 0.1),
    )
    assert [each.true for each in metrics.confused(counts, NAMES, 9)] == ["b", "a", "c"]
    assert metrics.confused(np.eye(3, dtype=np.int64), NAMES, 9) == ()


def test_cross_entropy_is_the_mean_negative_logarithm() -> None:
    found = metrics.cross_entropy(_scores((0.5, 0.5), (0.25, 0.75)), np.array([0, 1]))
    assert found == pytest.approx((math.log(2) - math.log(0.75)) / 2)


def test_probabilities_of_8_bits_are_made_to_sum_up_to_1() -> None:
    assert metrics.cross_entropy(_scores((0.25, 0.25)), np.array([0])) == pytest.approx(math.log(2))


def test_a_true_class_without_any_probability_costs_no_more_than_in_keras() -> None:
    worst = -math.log(1e-7)
    assert metrics.cross_entropy(_scores((0.0, 1.0)), np.array([0])) == pytest.approx(worst)
    assert metrics.cross_entropy(_scores((0.0, 0.0)), np.array([0])) == pytest.approx(worst)
    perfect = metrics.cross_entropy(_scores((1.0, 0.0)), np.array([0]))
    assert math.copysign(1, perfect) == 1
    assert perfect == 0


def test_bins_hold_their_upper_end_and_the_first_one_0() -> None:
    confidence = np.array([0.0, 0.5, 0.6, 1.0])
    first, second = metrics.calibration_bins(confidence, np.array([True, False, True, True]), 2)
    assert (first.low, first.high, second.low, second.high) == (0, 0.5, 0.5, 1)
    assert (first.images, first.confidence, first.accuracy) == (2, 0.25, 0.5)
    assert (second.images, second.confidence, second.accuracy) == (2, 0.8, 1.0)
    [*_, empty, _] = metrics.calibration_bins(confidence, np.ones(4, np.bool_), 5)
    assert (empty.images, empty.confidence, empty.accuracy) == (0, None, None)


def test_mistakes_are_ordered_by_confidence_and_then_by_index() -> None:
    confidence = np.array([1.0, 0.9, 0.7, 1.0, 0.7])
    given = np.array([0, 1, 1, 1, 0])
    assert metrics.mistakes(TRUTH, given, confidence, NAMES, 2) == (
        Mistake(1, "a", "b", 0.9),
        Mistake(2, "a", "b", 0.7),
    )
    assert [each.index for each in metrics.mistakes(TRUTH, given, confidence, NAMES, 9)] == [
        *(1, 2, 4)
    ]
    assert metrics.mistakes(TRUTH, given, confidence, NAMES, 0) == ()


def test_the_baseline_answers_the_most_frequent_class_of_train() -> None:
    assert metrics.baseline(np.array([0, 1, 1]), TRUTH, NAMES) == Baseline("b", 0.4)
    assert metrics.baseline(np.array([2, 0, 0, 2]), TRUTH, NAMES) == Baseline("a", 0.6)


# Probabilities


def test_logits_go_through_softmax_and_probabilities_stay() -> None:
    logits = _scores((math.log(3), 0.0))
    assert class_probabilities(logits, "logits")[0].tolist() == pytest.approx([0.75, 0.25])
    eight_bits = _scores((0.99609375, 0.015625))
    assert class_probabilities(eight_bits, "probabilities").tolist() == eight_bits.tolist()


def test_the_scores_of_a_bare_file_are_logits_if_they_can_be_no_probabilities() -> None:
    assert class_probabilities(_scores((0.0, 5.0)), None)[0].sum() == pytest.approx(1)
    for probabilities in (_scores((0.9, 0.05)), _scores((1.0000001, 0.0))):
        found = class_probabilities(probabilities, None)
        assert found.tolist() == np.minimum(probabilities, 1).tolist()


def test_a_score_that_is_no_number_is_no_confidence() -> None:
    broken = _scores((math.nan, math.nan), (math.inf, 0.0))
    for kind in ("logits", "probabilities", None):
        assert np.isfinite(class_probabilities(broken, kind)).all()
    assert confidences(class_probabilities(broken[:1], "logits")).tolist() == [0]


# The whole


def test_an_evaluation_says_what_its_parts_say() -> None:
    probabilities = _scores((0.7, 0.2, 0.1), (0.6, 0.3, 0.1), (0.2, 0.8, 0.0), (0.1, 0.9, 0.0))
    truth = np.array([0, 0, 0, 1], np.uint8)
    case = Case(Subject("m.npz", Format.NPZ, None, "0" * 64, 9), "numpy", "cpu", 1, 1)
    found = evaluate(
        Answers(probabilities, truth, truth, NAMES),
        case,
        runtime_version="2",
        data_sha256="1" * 64,
        split="validation",
        worst=5,
    )
    assert (found.images, found.correct, found.accuracy) == (4, 3, 0.75)
    assert (found.interval.low, found.interval.high) == wilson_interval(3, 4)
    assert found.baseline == Baseline("a", 0.75)
    assert found.confusion == ((2, 1, 0), (0, 1, 0), (0, 0, 0))
    assert found.mistakes == (Mistake(2, "a", "b", 0.8),)
    assert found.confused == (Confused("a", "b", 1, 1 / 3),)
    confidence = np.array([0.7, 0.6, 0.8, 0.9])
    expected = calibration_error(confidence, np.array([True, True, False, True]))
    assert found.calibration_error == pytest.approx(expected)
    assert len(found.calibration) == 15
    assert (found.case, found.split, found.kind) == (case, "validation", "fmnist-edge evaluation")
