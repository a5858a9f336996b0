"""The first screen of a run is short, and says which file to ship."""

import pytest

from fmnist_edge.records import replace
from fmnist_edge.report import screen
from fmnist_edge.result import Reason, Skipped
from tests import examples, reports
from tests.unit.test_choice import _FLOAT, _INT8, _SLOWER, _TWIN, _WORSE, _constant

_BASELINE = reports.baseline(16_200.0, 16_200.0, 16_200.0)
_RUN = reports.run(_FLOAT, _SLOWER, _INT8, *_BASELINE)


def _reason(code: str, *figures: str, **values: object) -> Reason:
    return Reason(code, "SUSPECT", figures, values)  # type: ignore[arg-type]


def test_the_heading_says_what_was_measured_and_where() -> None:
    assert screen.heading(_RUN) == (
        "3 rows, 10,000 test images · one, ? cores · 1 thread, 1 image per call · test protocol"
    )


def test_the_table_has_the_users_rows_the_fastest_first() -> None:
    table = screen.screen_table(_RUN)
    assert [row[0] for row in table.rows] == ["int8.tflite", "int8.onnx", "model.keras"]
    assert table.headers == (
        *("model", "runtime", "size kB", "top-1 %", "p50 µs", "p90 µs", "paced µs", "RSS MB"),
        "x fastest",
    )
    # On a narrow terminal the size and the ratio stay.
    assert set(table.spare) == {"p90 µs", "RSS MB", "paced µs"}


def test_an_accuracy_tells_whether_it_differs_by_more_than_chance() -> None:
    table = screen.screen_table(reports.run(_FLOAT, _INT8, _WORSE))
    assert [row[3] for row in table.rows] == ["90.00 lower", "90.45 tie", "90.40"]


def test_the_lines_name_the_file_to_ship_and_what_the_next_one_costs() -> None:
    lines = screen.screen_lines(_RUN, "result.json")
    baseline, ship, following = lines[:3]
    assert baseline == (
        "Baseline of this machine: a 784-256-128-10 network in NumPy 16.2 µs, an empty call 130 ns."
    )
    assert ship == (
        "Ship int8.tflite on litert: the fastest that loses no accuracy (10.0 ns per call, "
        "90.45 %, +0.05 points, p=1)."
    )
    assert following == "Next: int8.onnx on litert, 2 (2.00 to 2.00) times as slow."
    assert lines[-1] == "Everything else: fmnist-edge report result.json"
    assert screen.screen_lines(_RUN, None)[-1].startswith("Keep the result with --json FILE")


def test_ties_and_faster_files_that_lose_accuracy_are_named() -> None:
    lines = screen.screen_lines(reports.run(_FLOAT, _TWIN, _INT8, _WORSE), None)
    assert "As fast, within what can be told: twin.tflite on litert." in lines
    assert "Faster at a lower accuracy: int4.tflite on litert (5.00 ns, 90.00 %)." in lines


def test_where_nothing_can_be_recommended_that_is_said() -> None:
    lines = screen.screen_lines(reports.run(_constant(1.0, 1.0)), None)
    assert lines[0].startswith("No file can be recommended")


def test_what_spoils_most_figures_is_said_once_with_its_cure() -> None:
    load = _reason("on-battery", "p50", "p90")
    drift = _reason("not-audited", "p50")
    tail = _reason("memory-pressure", "p99")
    rows = [reports.doubted(row, load, drift, tail) for row in (_FLOAT, _INT8)]
    doubts = [
        line
        for line in screen.screen_lines(reports.run(*rows), None)
        if line.startswith("In doubt")
    ]
    assert len(doubts) == 2
    assert doubts[0].startswith("In doubt (?): p50 and p90 of all rows. ")
    assert doubts[1].startswith("In doubt (?): p50 of all rows. ")


def test_a_run_without_doubts_says_so() -> None:
    assert "No reason was found to doubt the figures above." in screen.screen_lines(_RUN, None)


def test_a_failed_row_is_told_with_its_cause_before_anything_else() -> None:
    failed = replace(_SLOWER, failure=examples.FAILURE)
    lines = screen.screen_lines(reports.run(_INT8, failed), None)
    assert lines[0] == "Failed: int8.onnx on litert: It fell. Pick it up."


def test_what_was_left_out_is_one_sentence() -> None:
    skipped = (
        Skipped("a.onnx", "onnxruntime", "not-installed", {"extra": "onnx"}),
        Skipped("b.onnx", "onnxruntime", "not-installed", {"extra": "onnx"}),
        Skipped("x/a.onnx", None, "same-file", {"path": "a.onnx"}),
    )
    lines = screen.screen_lines(replace(_RUN, skipped=skipped), None)
    assert "Left out (not installed: onnxruntime; the same as another file: a.onnx)." in lines


@pytest.mark.parametrize("rows", [(), _BASELINE])
def test_a_run_of_nothing_has_a_screen(rows: tuple[object, ...]) -> None:
    run = reports.run(*rows)  # type: ignore[arg-type]
    assert screen.heading(run)
    assert screen.screen_table(run).rows == ()
    assert screen.screen_lines(run, None)
