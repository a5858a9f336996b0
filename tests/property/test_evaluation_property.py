"""Metrics keep their bounds and identities, whatever a classifier answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.artifact import Format
from fmnist_edge.evaluation import Answers, Evaluation, evaluate, metrics
from fmnist_edge.plots import half_blocks
from fmnist_edge.records import decode_document, encode_json
from fmnist_edge.result import Case, Subject
from fmnist_edge.sparkline import sparkline
from fmnist_edge.stats.classification import calibration_error

_CLASSES = 4
_NAMES = ("a", "b", "c", "d")
_labels = st.lists(
    st.tuples(st.integers(0, _CLASSES - 1), st.integers(0, _CLASSES - 1)), min_size=1, max_size=60
)
_scores = st.lists(
    st.tuples(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@given(_labels)
def test_a_confusion_matrix_sums_up_to_what_was_counted(pairs: list[tuple[int, int]]) -> None:
    truth, said = np.array(pairs).T
    counts = metrics.confusion(truth, said, _CLASSES)
    assert counts.sum() == len(pairs)
    assert counts.sum(axis=1).tolist() == np.bincount(truth, minlength=_CLASSES).tolist()
    assert counts.sum(axis=0).tolist() == np.bincount(said, minlength=_CLASSES).tolist()
    assert np.trace(counts) == (truth == said).sum()


@given(_labels)
def test_precision_recall_and_f1_keep_their_bounds_and_identity(
    pairs: list[tuple[int, int]],
) -> None:
    truth, said = np.array(pairs).T
    scores = metrics.class_scores(metrics.confusion(truth, said, _CLASSES), _NAMES)
    for each in scores:
        known = [value for value in (each.precision, each.recall, each.f1) if value is not None]
        assert all(0 <= value <= 1 for value in known)
        assert (each.precision is None) == (each.predicted == 0)
        assert (each.recall is None) == (each.support == 0)
        if each.precision and each.recall and each.f1:
            harmonic = 2 * each.precision * each.recall / (each.precision + each.recall)
            assert each.f1 == pytest.approx(harmonic)
            assert min(each.precision, each.recall) <= each.f1 + 1e-12
    mean = metrics.macro(scores)
    assert all(0 <= value <= 1 for value in (mean.precision, mean.recall, mean.f1))
    # Recall, weighted by how many images a class has, is the accuracy.
    weighted = sum((each.recall or 0.0) * each.support for each in scores) / len(pairs)
    assert weighted == pytest.approx((truth == said).mean())


@given(_labels)
def test_what_is_mixed_up_is_what_is_wrong(pairs: list[tuple[int, int]]) -> None:
    truth, said = np.array(pairs).T
    found = metrics.confused(metrics.confusion(truth, said, _CLASSES), _NAMES, _CLASSES**2)
    assert sum(each.images for each in found) == (truth != said).sum()
    images = [each.images for each in found]
    assert images == sorted(images, reverse=True)
    assert all(each.true != each.predicted and 0 < each.share <= 1 for each in found)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=100),
    st.integers(1, 20),
)
def test_the_gaps_of_the_bins_are_the_calibration_error(
    images: list[tuple[float, bool]], bins: int
) -> None:
    confidence = np.array([sure for sure, _ in images])
    correct = np.array([right for _, right in images])
    found = metrics.calibration_bins(confidence, correct, bins)
    assert sum(each.images for each in found) == len(images)
    gaps = [
        each.images * abs(each.confidence - each.accuracy)
        for each in found
        if each.confidence is not None and each.accuracy is not None
    ]
    expected = calibration_error(confidence, correct, bins)
    assert sum(gaps) / len(images) == pytest.approx(expected, abs=1e-9)


@given(_scores, st.integers(0, 5))
def test_an_evaluation_comes_back_from_json_whatever_was_answered(
    images: list[tuple[list[float], int]], worst: int
) -> None:
    probabilities = np.array([scores for scores, _ in images], np.float32)
    truth = np.array([label for _, label in images], np.uint8)
    case = Case(Subject("m.npz", Format.NPZ, None, "0" * 64, 9), "numpy", "cpu", 1, 1)
    made = evaluate(
        Answers(probabilities, truth, truth, _NAMES),
        case,
        runtime_version="2",
        data_sha256="1" * 64,
        split="test",
        worst=worst,
    )
    assert decode_document(Evaluation, encode_json(made), 1) == made
    assert len(made.mistakes) == min(worst, made.images - made.correct)
    assert 0 <= made.cross_entropy <= -math.log(1e-7) + 1e-9
    assert made.interval.low <= made.accuracy <= made.interval.high


# Pictures made of characters


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=80))
def test_a_sparkline_has_a_character_per_value(values: list[float]) -> None:
    drawn = sparkline(values)
    assert len(drawn) == len(values)
    assert set(drawn) <= set(" ▁▂▃▄▅▆▇█")
    for value, character in zip(values, drawn, strict=True):
        assert (character == " ") == (not math.isfinite(value))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=80))
def test_a_sparkline_rises_with_its_values(values: list[float]) -> None:
    drawn = sparkline(values)
    ordered = [character for _, character in sorted(zip(values, drawn, strict=True))]
    assert ordered == sorted(ordered)
    if min(values) < max(values):
        assert (ordered[0], ordered[-1]) == ("▁", "█")


@given(st.integers(0, 255), st.integers(1, 7), st.integers(1, 7))
def test_half_blocks_of_an_even_grey_are_that_grey(shade: int, rows: int, columns: int) -> None:
    found = half_blocks(np.full((4 * rows, 2 * columns), shade, np.uint8))
    assert found.shape == (rows, columns, 2)
    assert set(found.ravel().tolist()) == {shade}
