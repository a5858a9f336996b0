"""A case is named by what tells it apart, and by what is not usual."""

import pytest

from fmnist_edge.records import replace
from fmnist_edge.result import Case, case_name, how, telling, unusual
from tests import reports

_PLAIN = reports.case("study.tflite", "litert")
_GPU = replace(_PLAIN, device="webgpu")


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (_PLAIN, "study.tflite on litert"),
        (_GPU, "study.tflite on litert webgpu"),
        (replace(_GPU, batch=64), "study.tflite on litert webgpu, batch 64"),
        (replace(_GPU, fast_math=True), "study.tflite on litert webgpu fast math"),
        (replace(_PLAIN, threads=2, batch=8), "study.tflite on litert, 2 threads, batch 8"),
        (replace(_GPU, environment="new", batch=8), "study.tflite on litert webgpu (new), batch 8"),
    ],
)
def test_a_name_tells_what_is_not_usual(case: Case, name: str) -> None:
    assert case_name(case) == name


def test_cases_are_told_apart_by_what_differs() -> None:
    assert telling([]) == ()
    assert telling([_PLAIN, replace(_PLAIN, runtime="other")]) == ()
    assert telling([_PLAIN, replace(_GPU, batch=8)]) == ("device", "batch")
    assert telling([replace(_PLAIN, threads=4)] * 2) == ()
    # All on one device is no reason to leave out which.
    assert telling([_GPU, replace(_GPU, threads=2)]) == ("device", "threads")
    assert unusual(replace(_PLAIN, threads=4)) == ("threads",)


def test_what_is_told_is_told_even_where_it_is_usual() -> None:
    assert how(_PLAIN, ("device", "threads", "batch")) == "litert cpu, 1 thread, batch 1"
    assert how(replace(_GPU, threads=2), ()) == "litert"
