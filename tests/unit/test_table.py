"""The benchmark table: its columns, its cells, and what stands where there is no number."""

from typing import Any, Literal

import pytest

from fmnist_edge.records import replace
from fmnist_edge.report.cells import Table
from fmnist_edge.report.narrow import screen_table
from fmnist_edge.report.table import benchmark_table, failures
from fmnist_edge.result import (
    AgainstReference,
    Figure,
    Interval,
    Memory,
    Reason,
    Row,
    Run,
    Throughput,
)
from tests import examples, reports
from tests.examples import FAILURE, MEASUREMENT, accuracy, case, row


def _cell(of: Row | Run, header: str, line: int = 0) -> str:
    drawn = benchmark_table(of if isinstance(of, Run) else examples.run(of))
    return drawn.rows[line][drawn.headers.index(header)]


def _column(of: Run, header: str) -> list[str]:
    return [_cell(of, header, line) for line in range(len(of.rows))]


def _against(lost: int, gained: int, p_value: float) -> AgainstReference:
    return AgainstReference("a.tflite", "litert", 0.99, lost, gained, p_value, 0.1)


def test_a_row_tells_everything_in_units_that_people_read() -> None:
    of = reports.case("model.tflite", "litert")
    full = reports.row(
        of,
        *(1_990.0, 2_010.0),
        throughput=Throughput(2, 2_500_000.0),
        accuracy=accuracy(8_876, 10_000, against=_against(30, 42, 0.2)),
    )
    assert benchmark_table(reports.run(full)) == Table(
        headers=(
            "model",
            "runtime",
            "size kB",
            "accuracy %",
            "Δ points",
            "p50 µs",
            "± %",
            "dispatch %",
            "p90 µs",
            "paced p50 µs",
            "paced p90 µs",
            "cold ms",
            "k images/s at 2",
            "RSS MB",
            "x fastest",
            "verdict",
        ),
        rows=(
            (
                "model.tflite",
                "litert",
                "1.2",
                "88.76",
                "+0.12 tie",
                "2.00",
                "1.0",
                "80",
                "3.00",
                "10.0",
                "15.0",
                "2000",
                "2500",
                "46",
                "1",
                "VALID",
            ),
        ),
        numeric=(False, False, *[True] * 13, False),
        spare=(
            "dispatch %",
            "± %",
            "paced p90 µs",
            "RSS MB",
            "k images/s at 2",
            "size kB",
            "p90 µs",
            "cold ms",
            "Δ points",
            "x fastest",
            "paced p50 µs",
        ),
    )


def test_what_no_row_knows_has_no_column() -> None:
    bare = replace(row(), paced=None, cold=None, measurements=())
    assert benchmark_table(examples.run(bare)).headers == (
        *("model", "runtime", "size kB", "p50 µs", "p90 µs", "x fastest", "verdict"),
    )


def test_a_folder_is_no_part_of_the_name_unless_it_tells_files_apart() -> None:
    assert _cell(row(case("some/where/model.npz")), "model") == "model.npz"
    two = examples.run(row(case("a/model.npz")), row(case("b/model.npz")))
    assert _column(two, "model") == ["a/model.npz", "b/model.npz"]
    paths = ("/x/a/m/model.npz", "/x/b/m/model.npz", "model.npz")
    deep = examples.run(*(row(case(path)) for path in paths))
    assert _column(deep, "model") == ["a/m/model.npz", "b/m/model.npz", "model.npz"]


@pytest.mark.parametrize(("field", "values"), [("threads", (1, 4)), ("batch", (1, 8))])
def test_threads_and_batches_have_columns_only_where_they_differ(
    field: str, values: tuple[int, int]
) -> None:
    one, other = (row(replace(case(), **{field: value})) for value in values)
    assert field not in benchmark_table(examples.run(other, other)).headers
    drawn = benchmark_table(examples.run(one, other))
    assert drawn.headers[2] == field
    assert [cells[2] for cells in drawn.rows] == [str(value) for value in values]


def test_devices_have_a_column_of_words_where_one_is_not_the_cpu() -> None:
    fast = row(replace(case(), device="cuda", fast_math=True))
    drawn = benchmark_table(examples.run(row(), fast))
    assert (drawn.headers[2], drawn.numeric[2]) == ("device", False)
    assert [cells[2] for cells in drawn.rows] == ["cpu", "cuda fast math"]
    assert benchmark_table(examples.run(fast)).headers[2] == "device"


def test_a_runtime_of_another_environment_has_its_version() -> None:
    own, other = case("a.onnx", "onnxruntime"), case("a.onnx", "onnxruntime")
    run = examples.run(row(own), row(replace(other, environment="ort-webgpu")))
    assert _column(run, "runtime") == ["onnxruntime", "onnxruntime 1.2.3 (ort-webgpu)"]


def test_where_batches_differ_a_column_tells_the_time_per_image() -> None:
    many = reports.row(reports.case("a", "litert", batch=8), 4_000.0)
    doubted = reports.doubted(many, _reason("SUSPECT", "p50"))
    run = examples.run(reports.row(reports.case("a", "litert"), 1_000.0), doubted)
    assert _column(run, "p50 µs") == ["1.00", "4.00?"]
    assert _column(run, "per image µs") == ["1.00", "0.500?"]
    assert "per image µs" not in benchmark_table(examples.run(many)).headers


def test_a_failed_row_has_no_numbers_even_where_it_was_measured_before() -> None:
    failed = row(failure=FAILURE, accuracy=accuracy())
    assert _cell(failed, "verdict") == "failed"
    both = benchmark_table(examples.run(row(), failed))
    assert set(both.rows[1][3:-1]) == {"-"}


def test_the_baseline_stands_at_the_end() -> None:
    numpy, null = reports.baseline(50_000.0)
    run = reports.run(null, row(), numpy, row(case("b.npz")))
    assert _column(run, "model")[:2] == ["model.npz", "b.npz"]
    assert _column(run, "runtime")[2:] == ["null", "numpy"]


def test_a_users_numpy_model_is_no_baseline() -> None:
    own = reports.row(reports.case("(copy).npz", "numpy"), 1_000.0)
    run = reports.run(own, *reports.baseline(50_000.0))
    assert _column(run, "x fastest")[0] == "1"


def test_what_the_system_does_not_tell_is_missing() -> None:
    unknown = replace(MEASUREMENT, memory=Memory(None, None, None, None, None))
    run = examples.run(row(), row(measurements=(unknown,)))
    assert _column(run, "RSS MB") == ["46", "-"]
    lost = case()
    assert _cell(row(replace(lost, subject=replace(lost.subject, size_bytes=None))), "size kB") == (
        "-"
    )


def test_of_several_processes_the_largest_memory_is_shown() -> None:
    taken = tuple(
        replace(MEASUREMENT, memory=Memory(None, None, None, steady, None))
        for steady in (10**7, 3 * 10**7, None)
    )
    assert _cell(row(measurements=taken), "RSS MB") == "30"


def test_a_paced_p50_has_the_digits_that_its_interval_leaves() -> None:
    sure, unsure = (
        row(paced=examples.latency(262_400.0, interval=known))
        for known in (Interval(261_400.0, 263_400.0), Interval(231_400.0, 293_400.0))
    )
    assert _column(examples.run(sure, unsure), "paced p50 µs") == ["262", "260"]


# Figures in doubt


def _reason(level: Literal["SUSPECT", "INVALID"], *figures: Figure) -> Reason:
    return Reason("on-battery", level, figures)


def test_a_figure_in_doubt_is_marked_and_the_others_are_not() -> None:
    doubted = reports.doubted(row(), _reason("SUSPECT", "p90", "cold"), _reason("INVALID", "p50"))
    run = examples.run(doubted, row())
    assert _column(run, "p50 µs") == ["2.00!", "2.00"]
    assert _column(run, "p90 µs") == ["3.00?", "3.00"]
    assert _column(run, "cold ms") == ["115?", "115"]
    assert _column(run, "paced p50 µs") == ["60.0", "60.0"]
    assert _column(run, "verdict") == ["INVALID", "VALID"]


def test_the_verdict_is_the_worst_of_the_figures_that_are_shown() -> None:
    hidden = reports.doubted(row(), _reason("INVALID", "p99.9", "energy"))
    assert _cell(hidden, "verdict") == "VALID"
    paced = examples.run(reports.doubted(row(), _reason("SUSPECT", "paced-p90")))
    assert benchmark_table(paced).rows[0][-1] == "SUSPECT"
    assert screen_table(paced, ("p50", "verdict")).rows[0][-1] == "VALID"  # it has no column for it


def test_what_the_marks_mean_stands_under_a_table_that_has_some() -> None:
    assert benchmark_table(examples.run(row())).note == ""
    marked = benchmark_table(examples.run(reports.doubted(row(), _reason("SUSPECT", "p50"))))
    assert marked.note.startswith("A number with ? is SUSPECT (in doubt), one with ! is INVALID")
    assert marked.without("p90 µs").note == marked.note


def test_what_failed_or_is_missing_is_not_marked() -> None:
    spoilt = reports.doubted(row(), _reason("INVALID", "p50", "paced-p50"))
    assert _cell(replace(spoilt, failure=FAILURE), "p50 µs") == "-"
    assert _column(examples.run(row(), replace(spoilt, paced=None)), "paced p50 µs")[1] == "-"


def test_a_refused_percentile_is_missing() -> None:
    refused = examples.latency(percentiles=(replace(examples.latency().percentiles[1], share=0.9),))
    run = examples.run(row(), row(back_to_back=refused))
    assert _column(run, "p90 µs") == ["3.00", "-"]


def test_a_single_process_has_no_interval() -> None:
    run = reports.run(
        reports.row(reports.case("a", "litert"), 1_000.0, 1_000.0),
        reports.row(reports.case("b", "litert"), 1_000.0),
    )
    assert _column(run, "± %") == ["1.0", "-"]


# Accuracy


def test_a_change_of_accuracy_tells_the_reference_the_tie_and_the_loss() -> None:
    def of(name: str, against: AgainstReference | None) -> Row:
        told = accuracy(8_000, 10_000, against=against)
        return reports.row(reports.case(name, "litert"), 1_000.0, accuracy=told)

    run = reports.run(
        of("a.tflite", None),
        of("b.tflite", _against(50, 50, 1.0)),
        of("c.tflite", _against(80, 30, 0.000004)),
        of("d.tflite", _against(30, 55, 0.0085)),
        row(),
    )
    assert _column(run, "Δ points") == [
        *("reference", "+0.00 tie", "-0.50 p<0.001", "+0.25 p=0.009", "-"),
    ]


def test_of_the_rows_of_a_reference_the_first_on_the_cpu_is_called_so() -> None:
    def of(name: str, **changes: Any) -> Row:  # noqa: ANN401 - any field
        told = accuracy(8_000, 10_000, against=_against(1, 1, 1.0) if name == "b" else None)
        return reports.row(reports.case(name, "litert", **changes), 1_000.0, accuracy=told)

    gpu, cpu, many = (
        of("a.tflite", **changes) for changes in ({"device": "webgpu"}, {}, {"batch": 8})
    )
    run = reports.run(gpu, cpu, many, of("b"))
    assert _column(run, "Δ points") == ["-", "reference", "-", "+0.00 tie"]


# Against the fastest


def _times(*rows: Row) -> list[str]:
    return _column(reports.run(*rows), "x fastest")


def _of(name: str, *medians: float, **changes: Any) -> Row:  # noqa: ANN401 - any field
    return reports.row(reports.case(name, "litert"), *medians, **changes)


def test_rows_are_held_against_the_fastest_one_process_by_process() -> None:
    # Each process of b takes twice as long as its partner, however much all processes vary.
    a, b = _of("a", 1_000.0, 1_500.0, 3_000.0), _of("b", 2_000.0, 3_000.0, 6_000.0)
    assert _times(b, a) == ["2.00", "1"]


def test_what_may_be_chance_is_a_tie() -> None:
    assert _times(_of("a", 1_000.0, 1_010.0, 990.0), _of("b", 1_100.0, 1_210.0, 990.0))[1] == "tie"


def test_what_nobody_would_notice_is_a_tie() -> None:
    assert _times(_of("a", 1_000.0, 1_000.0), _of("b", 1_029.0, 1_029.0))[1] == "tie"
    assert _times(_of("a", 1_000.0, 1_000.0), _of("b", 1_031.0, 1_031.0))[1] == "1.03"


def test_of_single_processes_the_ratio_is_a_guess() -> None:
    assert _times(_of("a", 1_000.0), _of("b", 1_010.0)) == ["1", "~1.01"]
    assert _times(_of("a", 1_000.0), _of("b", 15_459_940.0)) == ["1", "~15500"]


def test_what_may_not_be_believed_failed_or_is_the_baseline_is_not_the_fastest() -> None:
    bad = reports.doubted(_of("bad", 10.0, 10.0), _reason("INVALID", "ratio"))
    doubtful = reports.doubted(_of("doubtful", 1_000.0, 1_000.0), _reason("SUSPECT", "ratio"))
    failed = _of("failed", 1.0, 1.0, failure=FAILURE)
    baseline = reports.baseline(500.0, 500.0)
    assert _times(bad, doubtful, failed, *baseline) == ["0.01!", "1?", "-", "0.50", "0.13"]


def test_batches_are_compared_with_their_like() -> None:
    eight = reports.row(reports.case("a", "litert", batch=8), 8_000.0, 8_000.0)
    slower = reports.row(reports.case("b", "litert", batch=8), 16_000.0, 16_000.0)
    assert _times(_of("a", 1_000.0, 1_000.0), eight, slower) == ["1", "1", "2.00"]


def test_failures_are_told_in_sentences() -> None:
    failed = Row(case("a/b.npz"), failure=FAILURE)
    curt = replace(failed, failure=replace(FAILURE, message="It fell", hint=""))
    lost = replace(failed, case=replace(failed.case, runtime="-"))
    assert failures(examples.run(row(), failed, curt, lost)) == (
        "b.npz on numpy: It fell. Pick it up.",
        "b.npz on numpy: It fell.",
        "b.npz: It fell. Pick it up.",
    )


def test_a_run_without_rows_is_an_empty_table() -> None:
    drawn = benchmark_table(examples.run())
    assert drawn.rows == ()
    assert len(drawn.headers) == len(drawn.numeric)


def test_a_column_can_be_left_out() -> None:
    table = Table(("a", "b", "c"), (("1", "2", "3"),), (False, True, True), spare=("b", "c"))
    assert table.without("b") == Table(("a", "c"), (("1", "3"),), (False, True), spare=("c",))
