"""Accuracy, and the comparison with the float reference, on a handful of images."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.bench.accuracy import (
    accuracy,
    decode_labels,
    encode_labels,
    predictions,
    reference,
)
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.errors import ResultUnreadableError
from fmnist_edge.records import replace
from fmnist_edge.result import AgainstReference, Case, Inputs, Interval, Subject
from tests.examples import FAILURE, MEASUREMENT

_TRUTH = np.array([0, 1, 2, 2], np.uint8)
_PARENT, _OTHER = "a" * 64, "b" * 64


def _scores(labels: list[int], sure: float = 0.8, classes: int = 3) -> NDArray[np.float32]:
    """Probabilities that favour these labels."""
    scores = np.full((len(labels), classes), (1 - sure) / (classes - 1), np.float32)
    scores[np.arange(len(labels)), labels] = sure
    return scores


def _data(  # noqa: PLR0913 - each is one independent fact about a file
    name: str = "model.tflite",
    labels: list[int] | None = None,
    *,
    precision: Precision | None = Precision.INT8,
    kind: Format = Format.TFLITE,
    sha256: str | None = None,
    parent: str | None = _PARENT,
    runtime: str = "litert",
    **changes: Any,  # noqa: ANN401 - any field
) -> CaseData:
    subject = Subject(name, kind, precision, sha256, 100, parent)
    scores = _scores([0, 1, 2, 2] if labels is None else labels)
    measurement = replace(MEASUREMENT, predictions=predictions(scores))
    plain = CaseData(
        Case(subject, runtime, "cpu", 1, 1), (MEASUREMENT, measurement), scores=scores, truth=_TRUTH
    )
    return replace(plain, **changes)


def _float(name: str, kind: Format, **changes: Any) -> CaseData:  # noqa: ANN401 - any field
    return _data(name, kind=kind, precision=Precision.FLOAT32, **changes)


_KERAS = _float("model.keras", Format.KERAS, sha256=_PARENT, parent=None, runtime="tensorflow")
_ONNX = _float("model.onnx", Format.ONNX, sha256=_OTHER, runtime="onnxruntime")
_TFLITE = _float("model.tflite", Format.TFLITE)
_INT8 = _data("model-int8.tflite", [0, 1, 2, 0])


def test_labels_of_ten_classes_are_a_digit_each() -> None:
    assert encode_labels(np.array([0, 9, 4], np.uint8)) == "094"
    assert decode_labels("094").tolist() == [0, 9, 4]


def test_labels_of_more_classes_are_numbers_with_spaces() -> None:
    assert encode_labels(np.array([10, 3])) == "10 3 "
    assert decode_labels("10 3").tolist() == [10, 3]
    assert decode_labels(encode_labels(np.array([12]))).tolist() == [12]


def test_no_labels_are_no_text() -> None:
    assert encode_labels(np.array([], np.int64)) == ""
    assert decode_labels("").tolist() == []


@pytest.mark.parametrize("text", ["12x", "-1 2", "1.5 2", "٣", "²", "9" * 5000 + " 1", "1e3 2"])
def test_text_that_is_no_labels_is_refused(text: str) -> None:
    with pytest.raises(ResultUnreadableError, match="labels are damaged"):
        decode_labels(text)


def test_a_negative_label_is_refused() -> None:
    with pytest.raises(ValueError, match="no label is -1"):
        encode_labels(np.array([-1, 2]))


def test_predictions_are_the_highest_score_and_its_probability() -> None:
    found = predictions(_scores([0, 2], sure=0.75))
    assert (found.labels, found.confidence_millionths.unpack().tolist()) == (
        "02",
        [750_000, 750_000],
    )


def test_logits_are_predicted_as_probabilities() -> None:
    logits = np.log(_scores([0, 2], sure=0.75)) + 7
    found = predictions(logits)
    assert found.labels == "02"
    assert found.confidence_millionths.unpack() == pytest.approx(750_000, abs=2)


def test_rounded_probabilities_are_left_alone() -> None:
    # What a file of 8 bits gives: steps of 1/256 that do not sum up to 1.
    rounded = np.array([[0.96875, 0.0, 0.0], [0.5, 0.5, 0.0625]], np.float32)
    assert predictions(rounded).confidence_millionths.unpack().tolist() == [968_750, 500_000]


def test_accuracy_counts_the_labels_that_are_right() -> None:
    found = accuracy(_INT8, [_INT8])
    assert found is not None
    assert (found.images, found.correct, found.top1) == (4, 3, 0.75)
    assert found.confusion == ((1, 0, 0), (0, 1, 0), (1, 0, 1))
    assert found.recall == (1.0, 1.0, 0.5)
    assert found.interval == Interval(
        pytest.approx(0.3006, abs=1e-4), pytest.approx(0.9544, abs=1e-4)
    )
    assert found.calibration_error == pytest.approx(0.05)
    assert found.against is None


def test_what_has_no_labels_has_no_accuracy() -> None:
    assert accuracy(replace(_INT8, truth=None), [_INT8]) is None
    assert accuracy(replace(_INT8, measurements=(MEASUREMENT,)), [_INT8]) is None
    assert accuracy(replace(_INT8, truth=_TRUTH[:0]), [_INT8]) is None


def test_labels_must_be_as_many_as_images() -> None:
    with pytest.raises(ValueError, match="4 images were classified and 3 have labels"):
        accuracy(replace(_INT8, truth=_TRUTH[:3]), [_INT8])


def test_a_file_is_compared_with_its_parent_image_by_image() -> None:
    base = _float("model.keras", Format.KERAS, sha256=_PARENT, parent=None, labels=[1, 1, 2, 2])
    found = accuracy(_INT8, [base, _INT8])
    assert found is not None
    assert found.against == AgainstReference(
        reference="model.keras",
        runtime="litert",
        agreement=0.5,
        lost=1,
        gained=1,
        p_value=1.0,
        max_abs_difference=pytest.approx(0.7),
    )


def test_the_parent_comes_first_then_its_float_files_in_the_order_of_formats() -> None:
    family = [_INT8, _TFLITE, _ONNX, _KERAS]
    assert reference(_INT8, family) is _KERAS
    assert reference(_INT8, family[:3]) is _ONNX
    assert reference(_INT8, family[:2]) is _TFLITE
    assert reference(_INT8, family[:1]) is None


def test_a_parent_of_any_format_comes_before_its_own_parent() -> None:
    child = _data("model-int8.onnx", parent=_OTHER, kind=Format.ONNX)
    assert reference(child, [_KERAS, _ONNX, child]) is _ONNX


def test_the_runtime_that_was_measured_first_speaks_for_the_file() -> None:
    again = _float("model.onnx", Format.ONNX, sha256=_OTHER, runtime="openvino")
    assert reference(_INT8, [_INT8, again, _ONNX]) is again
    assert reference(_ONNX, [again, _ONNX]) is again
    assert reference(again, [again, _ONNX]) is None


def test_no_file_is_compared_with_itself() -> None:
    family = [_TFLITE, _ONNX, _INT8]
    assert reference(_ONNX, family) is None
    assert reference(_TFLITE, family) is _ONNX
    assert reference(_KERAS, [_KERAS, *family]) is None


def test_the_reference_is_on_the_cpu_where_it_was_measured_there() -> None:
    gpu = replace(_KERAS, case=replace(_KERAS.case, device="cuda"))
    assert reference(_data(), [gpu, _KERAS]) is _KERAS
    assert reference(_data(), [gpu]) is gpu


def test_strangers_are_no_references() -> None:
    stranger = _float("other.onnx", Format.ONNX, parent="c" * 64)
    orphan = _float("orphan.onnx", Format.ONNX, parent=None)
    half = _data("model-float16.tflite", precision=Precision.FLOAT16)
    failed = replace(_ONNX, failure=FAILURE)
    unlabelled = replace(_ONNX, truth=None)
    silent = replace(_ONNX, measurements=(MEASUREMENT,))
    others = [stranger, orphan, half, failed, unlabelled, silent]
    assert reference(_INT8, [*others, _INT8]) is None
    assert reference(orphan, [*others, _ONNX]) is None


def test_only_answers_about_the_same_images_are_compared() -> None:
    elsewhere = replace(_ONNX, truth=_TRUTH[::-1])
    inputs = Inputs("file", 4, labelled=True)
    measurements = tuple(replace(each, inputs=inputs) for each in _ONNX.measurements)
    assert reference(_INT8, [elsewhere, _INT8]) is None
    assert reference(_INT8, [replace(_ONNX, measurements=measurements), _INT8]) is None


def _max_abs_difference(given: Any, expected: Any) -> float | None:  # noqa: ANN401 - scores or none
    base, own = replace(_ONNX, scores=expected), replace(_INT8, scores=given)
    found = accuracy(own, [base, own])
    assert found is not None
    assert found.against is not None
    return found.against.max_abs_difference


def test_scores_differ_as_probabilities() -> None:
    scores = _scores([0, 1, 2, 2])
    logits = np.log(_scores([0, 1, 2, 2], sure=0.75)) - 3
    assert _max_abs_difference(logits, scores) == pytest.approx(0.05, abs=1e-6)
    assert _max_abs_difference(scores, scores) == 0


def test_scores_that_cannot_be_compared_have_no_difference() -> None:
    scores = _scores([0, 1, 2, 2])
    assert _max_abs_difference(None, scores) is None
    assert _max_abs_difference(scores, None) is None
    assert _max_abs_difference(_scores([0, 1, 2, 2], classes=4), scores) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_as_far_off_as_can_be(value: float) -> None:
    given = _scores([0, 1, 2, 2])
    given[0] = value
    assert _max_abs_difference(given, _scores([0, 1, 2, 2])) == 1.0
