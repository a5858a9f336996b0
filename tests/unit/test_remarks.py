"""Each remark is made where its cause is, with its numbers, and nowhere else."""

from typing import Any

import pytest

from fmnist_edge.artifact import Precision
from fmnist_edge.bench import remarks as module
from fmnist_edge.records import replace
from fmnist_edge.result import Accelerator, Inputs, Remark, Row, Throughput
from tests.examples import MEASUREMENT, READING, case, latency, row

# Nothing to remark: paced calls take no longer than others.
_PLAIN = row(paced=latency(3000.0))
_NUMPY = row(case("(784-256-128-10 of noise)", "numpy"), back_to_back=latency(48_900.0))
_NULL = row(case("(no model)", "null"), back_to_back=latency(90.0))
_HOST = {"governor": "performance"}


def remarks(of: Row, everything: list[Row]) -> tuple[Remark, ...]:
    return module.remarks(of, everything, _HOST)


def _measured(**changes: Any) -> Row:  # noqa: ANN401 - any field
    hot = replace(MEASUREMENT.back_to_back, **changes)
    return replace(_PLAIN, measurements=(MEASUREMENT, replace(MEASUREMENT, back_to_back=hot)))


def test_there_need_not_be_a_remark() -> None:
    assert remarks(_PLAIN, [_PLAIN, _NUMPY, _NULL]) == ()


def test_the_baseline_is_what_has_no_path() -> None:
    rows = (_PLAIN, _NUMPY, _NULL)
    assert [each.case.subject.is_baseline for each in rows] == [False, True, True]


def test_a_call_that_is_mostly_no_arithmetic_is_told() -> None:
    slow = replace(_PLAIN, back_to_back=latency(14_300.0), throughput=Throughput(256, 250_000.0))
    (remark,) = remarks(slow, [slow])
    assert remark.code == "mostly-dispatch"
    assert remark.values["dispatch_share"] == pytest.approx(0.72, abs=0.001)
    assert (remark.values["batch"], remark.values["image_ns"]) == (256, 4_000.0)
    assert remarks(replace(slow, back_to_back=latency(7_900.0)), [slow]) == ()
    full = replace(slow, case=replace(slow.case, batch=256), back_to_back=latency(1e7))
    assert remarks(full, [full]) == ()
    assert remarks(replace(slow, throughput=Throughput(256, 0.0)), [slow]) == ()


def test_a_runtime_that_is_slower_than_numpy_is_told() -> None:
    slow = replace(_PLAIN, back_to_back=latency(50_000.0))
    values = {"network": "784-256-128-10", "numpy_p50_ns": 48_900.0}
    assert remarks(slow, [slow, _NULL, _NUMPY]) == (Remark("slower-than-numpy", values),)
    assert remarks(slow, [slow, _NULL]) == ()
    several = replace(_NUMPY, case=replace(_NUMPY.case, batch=8))
    assert remarks(slow, [slow, several]) == ()
    # A file of the user's that NumPy runs is no baseline.
    assert remarks(slow, [slow, _PLAIN]) == ()


def test_the_baseline_is_not_compared_with_itself() -> None:
    fast = Throughput(256, 1e9)
    baseline = [replace(each, throughput=fast) for each in (_NUMPY, _NULL)]
    assert [remarks(each, baseline) for each in baseline] == [(), ()]


def test_samples_of_several_calls_are_told() -> None:
    expected = (Remark("samples-are-means", {"calls_per_sample": 8}),)
    assert remarks(_measured(calls_per_sample=8), []) == expected


def test_samples_that_were_not_kept_are_told() -> None:
    expected = (Remark("samples-thinned", {"calls": 1_003, "kept_every": 13}),)
    assert remarks(_measured(kept_every=13, calls=1_000), []) == expected


def test_noise_as_input_is_told() -> None:
    noise = replace(MEASUREMENT, inputs=Inputs("synthetic", 64, labelled=False))
    noisy = replace(_PLAIN, measurements=(noise,))
    assert remarks(noisy, []) == (Remark("synthetic-inputs"),)


def test_calls_that_take_longer_when_they_are_rare_are_told() -> None:
    rare = replace(_PLAIN, back_to_back=latency(10_000.0), paced=latency(81_000.0))
    (remark,) = remarks(rare, [])
    assert remark.code == "paced-is-slower"
    assert remark.values == {
        "rate_hz": 30.0,
        "paced_p50_ns": 81_000.0,
        "times": 8.1,
        "service_p50_ns": 20_000.0,
    }
    assert remarks(replace(rare, paced=latency(19_000.0)), []) == ()


def test_a_model_that_cannot_keep_up_is_told() -> None:
    late = replace(_PLAIN, paced=latency(40e6), service=latency(35e6))
    values = {"rate_hz": 30.0, "service_p50_ns": 35e6, "paced_p50_ns": 40e6}
    assert remarks(late, []) == (Remark("cannot-keep-up", values),)


@pytest.mark.parametrize("used", ["f32", "FP32", "float32"])
def test_a_float_file_that_is_computed_as_such_is_nothing_special(used: str) -> None:
    plain = replace(MEASUREMENT, used={"precision": used})
    assert remarks(replace(_PLAIN, measurements=(plain,)), []) == ()


def test_a_float_file_that_is_computed_in_less_is_told() -> None:
    taken = (replace(MEASUREMENT, used={"precision": "bf16"}), MEASUREMENT)
    less = replace(_PLAIN, measurements=taken)
    assert remarks(less, []) == (Remark("computes-in", {"precision": "bf16"}),)
    subject = replace(less.case.subject, precision=Precision.INT8)
    assert remarks(replace(less, case=replace(less.case, subject=subject)), []) == ()


@pytest.mark.parametrize(("governor", "count"), [("performance", 0), ("powersave", 1)])
def test_a_governor_that_lowers_the_clock_is_told(governor: str, count: int) -> None:
    found = module.remarks(_PLAIN, [], {"governor": governor})
    assert found == (Remark("governor", {"governor": governor}),) * count
    assert module.remarks(_PLAIN, [], {"governor": "unknown"}) == ()


def test_a_machine_that_warms_up_is_told() -> None:
    def course(*celsius: float) -> Row:
        readings = (
            replace(READING, temperatures_celsius={"cpu": each, "disk": 30.0}) for each in celsius
        )
        return replace(_PLAIN, readings=tuple(readings))

    assert remarks(course(45, 55, 50), []) == ()
    assert remarks(course(70, 50), []) == ()
    values = {"sensor": "cpu", "from_celsius": 45, "to_celsius": 55.5}
    assert remarks(course(45, 55.5, 50), []) == (Remark("warmed-up", values),)


def test_a_gpu_that_warms_up_is_told_in_the_rows_on_it() -> None:
    readings = tuple(
        replace(READING, accelerators={"nvidia 0": Accelerator(temperatures_celsius={"GPU": each})})
        for each in (40.0, 71.0)
    )
    row = replace(_PLAIN, readings=readings)
    assert remarks(row, []) == ()
    values = {"sensor": "nvidia 0 GPU", "from_celsius": 40.0, "to_celsius": 71.0}
    on_gpu = replace(row, case=replace(row.case, device="cuda"))
    assert remarks(on_gpu, []) == (Remark("warmed-up", values),)
