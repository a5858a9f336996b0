"""What is recommended is the fastest file that loses no accuracy, or nothing is, and why."""

from typing import Any

import pytest

from fmnist_edge.records import replace
from fmnist_edge.report.choice import Choice, NoChoice, choose, difference
from fmnist_edge.result import Accuracy, AgainstReference, Interval, Reason, Row
from fmnist_edge.stats.classification import mcnemar_p_value, wilson_interval
from tests import reports

_IMAGES = 10_000


def _accuracy(correct: int, *, lost: int = 0, gained: int = 0, p_value: float = 1.0) -> Accuracy:
    against = AgainstReference("model.keras", "tensorflow", 0.99, lost, gained, p_value, 0.01)
    half = correct // 2
    confusion = ((half, _IMAGES // 2 - half), (_IMAGES // 2 - (correct - half), correct - half))
    interval = Interval(*wilson_interval(correct, _IMAGES))
    compared = against if lost or gained else None
    return Accuracy(_IMAGES, correct, interval, confusion, 0.01, compared)


def _row(name: str, *p50: float, runtime: str = "litert", **changes: Any) -> Row:  # noqa: ANN401 - any field
    return reports.row(reports.case(name, runtime), *p50, **changes)


FLOAT = _row("model.keras", 100.0, 100.1, 99.9, runtime="tensorflow", accuracy=_accuracy(9040))
INT8 = _row("int8.tflite", 10.0, 10.01, 9.99, accuracy=_accuracy(9045, lost=10, gained=15))
SLOWER = _row("int8.onnx", 20.0, 20.02, 19.98, accuracy=_accuracy(9040))
TWIN = _row("twin.tflite", 10.1, 10.11, 10.09, accuracy=_accuracy(9040))
WORSE = _row(
    "int4.tflite", 5.0, 5.01, 4.99, accuracy=_accuracy(9000, lost=70, gained=30, p_value=1e-4)
)
CHEAT = Reason("outputs-differ", "INVALID", ("ratio", "p50", "accuracy"))


def constant(*p50: float) -> Row:
    """A model that gives every image the same class, one of two that are as common."""
    always = Accuracy(
        _IMAGES,
        _IMAGES // 2,
        Interval(*wilson_interval(_IMAGES // 2, _IMAGES)),
        ((_IMAGES // 2, 0), (_IMAGES // 2, 0)),
        0.0,
    )
    return _row("majority.tflite", *p50, accuracy=always)


def _chosen(*rows: Row) -> Choice:
    found = choose(reports.run(*rows))
    assert isinstance(found, Choice)
    return found


def test_the_fastest_file_that_loses_no_accuracy_is_chosen() -> None:
    found = _chosen(FLOAT, SLOWER, INT8, *reports.baseline(1.0, 1.0, 1.0))
    assert (found.best, found.ties, found.runner_up) == (INT8, (), SLOWER)
    assert found.behind is not None
    assert found.behind.ratio == pytest.approx(2.0)


def test_a_single_row_is_chosen_without_a_runner_up() -> None:
    assert _chosen(INT8) == Choice(INT8, (), None, None, (INT8,))


def test_a_file_that_loses_accuracy_is_not_chosen_however_fast_it_is() -> None:
    found = _chosen(FLOAT, INT8, WORSE)
    assert found.best == INT8
    # It is the fastest of those that no other beats in both.
    assert found.front == (WORSE, INT8)


def test_a_file_that_is_slower_and_less_accurate_is_not_on_the_front() -> None:
    beaten = _row("small.tflite", 6.0, 6.0, 6.0, accuracy=_accuracy(8000))
    assert _chosen(FLOAT, INT8, WORSE, beaten).front == (WORSE, INT8)


def test_files_that_are_as_fast_are_named_beside_it() -> None:
    found = _chosen(FLOAT, TWIN, INT8)
    assert (found.best, found.ties, found.runner_up) == (INT8, (TWIN,), FLOAT)


def test_a_model_that_always_gives_the_same_class_is_never_named() -> None:
    found = _chosen(constant(1.0, 1.0, 1.0), FLOAT, INT8)
    assert (found.best, found.front) == (INT8, (INT8,))
    assert choose(reports.run(constant(1.0, 1.0, 1.0))) == NoChoice("no-skill")


def test_a_model_that_guesses_is_not_recommended() -> None:
    guess = _row("guess.tflite", 1.0, 1.0, accuracy=_accuracy(5050))
    assert choose(reports.run(guess)) == NoChoice("no-skill")


def test_smaller_models_of_other_trainings_are_on_the_front_and_not_chosen() -> None:
    nano = _row("nano.tflite", 2.0, 2.0, 2.0, accuracy=_accuracy(8400))
    tiny = _row("tiny.tflite", 4.0, 4.0, 4.0, accuracy=_accuracy(8800))
    same = _row("tiny.onnx", 5.0, 5.0, 5.0, accuracy=_accuracy(8801))
    found = _chosen(nano, FLOAT, tiny, same, INT8)
    assert found.best == INT8
    assert found.front == (nano, tiny, INT8)


def test_two_trainings_that_differ_by_chance_are_compared_by_time() -> None:
    other = _row("other.tflite", 5.0, 5.0, 5.0, accuracy=_accuracy(9010))
    assert _chosen(INT8, other).best == other


def test_without_labels_time_alone_counts() -> None:
    fast, slow = _row("a.onnx", 1.0, 1.0, accuracy=None), _row("b.onnx", 2.0, 2.0, accuracy=None)
    found = _chosen(slow, fast)
    assert (found.best, found.runner_up, found.front) == (fast, slow, ())


def test_rows_without_accuracy_are_left_out_where_another_has_one() -> None:
    assert _chosen(_row("a.onnx", 1.0, 1.0, accuracy=None), INT8).best == INT8


def test_rows_of_one_batch_size_are_compared() -> None:
    many = replace(INT8, case=replace(INT8.case, batch=8))
    assert _chosen(FLOAT, many).best == FLOAT


def test_a_p_value_is_that_of_the_row_that_was_compared_with() -> None:
    # The same file on a device that gives other answers was compared with nothing.
    other = replace(FLOAT, case=replace(FLOAT.case, device="webgpu"), accuracy=_accuracy(9100))
    assert difference(INT8, FLOAT) == 1.0
    assert difference(INT8, other) < 0.5


def test_what_is_invalid_or_failed_is_not_chosen() -> None:
    invalid = reports.doubted(INT8, CHEAT)
    failed = replace(SLOWER, failure=reports.examples.FAILURE)
    found = _chosen(invalid, failed, FLOAT)
    assert (found.best, found.runner_up) == (FLOAT, None)
    assert choose(reports.run(invalid, failed)) == NoChoice("invalid", CHEAT)
    assert choose(reports.run(failed)) == NoChoice("failed")
    assert choose(reports.run(*reports.baseline(1.0, 1.0))) == NoChoice("failed")


def test_a_loss_against_a_row_without_a_rank_is_a_loss() -> None:
    unranked = Reason("answers-cached", "INVALID", ("ratio",))
    assert choose(reports.run(reports.doubted(FLOAT, unranked), WORSE)) == NoChoice(
        "invalid", unranked
    )


# The p value of a difference


def _answering(name: str, labels: str, correct: int) -> Row:
    return _row(name, 1.0, 1.0, **reports.answering(labels, correct))


def test_a_file_and_its_reference_have_been_compared_image_by_image() -> None:
    assert difference(WORSE, FLOAT) == difference(FLOAT, WORSE) == 1e-4


def test_files_of_other_trainings_are_compared_by_their_answers() -> None:
    truth = "0" * 100
    one = _answering("a", truth, 100)
    # Of 20 other answers, 12 more are wrong than right.
    other = _answering("b", "1" * 20 + truth[20:], 88)
    assert difference(one, other) == difference(other, one) == mcnemar_p_value(4, 16)
    assert difference(one, one) == 1.0


def test_files_without_answers_are_compared_by_their_shares() -> None:
    low, high = (_row("a", 1.0, accuracy=_accuracy(correct)) for correct in (8900, 9000))
    # The two-sided test of 8900 and 9000 of 10,000: z = 2.306.
    assert difference(low, high) == pytest.approx(0.0211, abs=2e-4)
    assert difference(low, replace(low, accuracy=None)) == 1.0
