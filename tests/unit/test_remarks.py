"""What is said about a row, and when nothing is."""

from dataclasses import replace
from typing import Any

import pytest

from fmnist_edge.artifact import Precision
from fmnist_edge.bench.remarks import remarks
from fmnist_edge.bench.wording import counted, duration, percent
from fmnist_edge.result import Inputs, Row, Throughput
from tests.examples import MEASUREMENT, case, latency, row

# Nothing to remark: paced calls take no longer than others.
_PLAIN = row(paced=latency(3000.0))
_NUMPY = row(case("(784-256-128-10 of noise)", "numpy"), back_to_back=latency(48_900.0))
_NULL = row(case("(no model)", "null"), back_to_back=latency(90.0))


def _measured(**changes: Any) -> Row:  # noqa: ANN401 - any field
    hot = replace(MEASUREMENT.back_to_back, **changes)
    return replace(_PLAIN, measurements=(MEASUREMENT, replace(MEASUREMENT, back_to_back=hot)))


def test_there_need_not_be_a_remark() -> None:
    assert remarks(_PLAIN, [_PLAIN, _NUMPY, _NULL]) == ()


def test_the_floor_is_what_has_no_path() -> None:
    assert [each.case.subject.is_floor for each in (_PLAIN, _NUMPY, _NULL)] == [False, True, True]


def test_a_call_that_is_mostly_no_arithmetic_is_told() -> None:
    slow = replace(_PLAIN, back_to_back=latency(14_300.0), throughput=Throughput(256, 250_000.0))
    (remark,) = remarks(slow, [slow])
    assert remark == (
        "Mostly dispatch: 72 % of a call is not arithmetic but the call itself and reading the "
        "weights; an image costs 4.00 µs in a batch of 256."
    )
    assert remarks(replace(slow, back_to_back=latency(7_900.0)), [slow]) == ()
    full = replace(slow, case=replace(slow.case, batch=256), back_to_back=latency(1e7))
    assert remarks(full, [full]) == ()
    assert remarks(replace(slow, throughput=Throughput(256, 0.0)), [slow]) == ()


def test_a_runtime_that_is_slower_than_numpy_is_told() -> None:
    slow = replace(_PLAIN, back_to_back=latency(50_000.0))
    assert remarks(slow, [slow, _NULL, _NUMPY]) == (
        "Slower than plain NumPy on a 784-256-128-10 network (48.9 µs).",
    )
    assert remarks(slow, [slow, _NULL]) == ()
    several = replace(_NUMPY, case=replace(_NUMPY.case, batch=8))
    assert remarks(slow, [slow, several]) == ()
    # A file of the user's that NumPy runs is no yardstick.
    assert remarks(slow, [slow, _PLAIN]) == ()


def test_the_floor_is_not_compared_with_itself() -> None:
    fast = Throughput(256, 1e9)
    floor = [replace(each, throughput=fast) for each in (_NUMPY, _NULL)]
    assert [remarks(each, floor) for each in floor] == [(), ()]


def test_samples_of_several_calls_are_told() -> None:
    (remark,) = remarks(_measured(calls_per_sample=8), [])
    assert "the mean of 8 calls" in remark


def test_samples_that_were_not_kept_are_told() -> None:
    assert remarks(_measured(kept_every=13, calls=1_000), []) == (
        "Of 1,003 calls, one sample in 13 was kept.",
    )


def test_noise_as_input_is_told() -> None:
    noise = replace(MEASUREMENT, inputs=Inputs("synthetic", 64, labelled=False))
    (remark,) = remarks(replace(_PLAIN, measurements=(noise,)), [])
    assert remark == "The inputs are noise, not images, so nothing is said about accuracy."


def test_calls_that_take_longer_when_they_are_rare_are_told() -> None:
    rare = replace(_PLAIN, back_to_back=latency(10_000.0), paced=latency(81_000.0))
    (remark,) = remarks(rare, [])
    assert remark == (
        "Called 30 times per second, an answer takes 81.0 µs: 8.1 times as long as back to back. "
        "The call itself takes 20.0 µs of it."
    )
    assert remarks(replace(rare, paced=latency(19_000.0)), []) == ()


def test_a_model_that_cannot_keep_up_is_told() -> None:
    late = replace(_PLAIN, paced=latency(40e6), service=latency(35e6))
    (remark,) = remarks(late, [])
    assert remark == (
        "Cannot keep up with 30 calls per second: a call takes 35.0 ms, and half of the answers "
        "come later than 40.0 ms after they were due."
    )


@pytest.mark.parametrize("used", ["f32", "FP32", "float32"])
def test_a_float_file_that_is_computed_as_such_is_nothing_special(used: str) -> None:
    plain = replace(MEASUREMENT, used={"precision": used})
    assert remarks(replace(_PLAIN, measurements=(plain,)), []) == ()


def test_a_float_file_that_is_computed_in_less_is_told() -> None:
    taken = (replace(MEASUREMENT, used={"precision": "bf16"}), MEASUREMENT)
    less = replace(_PLAIN, measurements=taken)
    assert remarks(less, []) == ("The file is float32, but the runtime computes in bf16.",)
    subject = replace(less.case.subject, precision=Precision.INT8)
    assert remarks(replace(less, case=replace(less.case, subject=subject)), []) == ()


def test_numbers_are_written_with_the_digits_that_matter() -> None:
    durations = [duration(each) for each in (0.5, 48.9, 4_030, 48_900, 999_000, 1.4e6, 2e9, 3e12)]
    assert durations == [
        *("0.50 ns", "48.9 ns", "4.03 µs", "48.9 µs", "999 µs", "1.40 ms", "2.00 s", "3,000 s")
    ]
    assert [percent(each) for each in (0.72, 0.032, 0.998, 1.3)] == [
        *("72 %", "3.2 %", "99.8 %", "130.0 %")
    ]
    assert [counted(1, "call"), counted(2000, "call"), counted(2, "process")] == [
        *("1 call", "2,000 calls", "2 processes")
    ]
