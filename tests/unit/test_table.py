"""The benchmark table: its columns, its cells, and what stands where there is no number."""

from dataclasses import replace

import pytest

from fmnist_edge.report import table
from fmnist_edge.report.table import Table, benchmark_table, failures
from fmnist_edge.result import Accuracy, Case, Memory, Row, Throughput
from tests.examples import FAILURE, MEASUREMENT, case, row, run


def _cell(of: Row, header: str) -> str:
    drawn = benchmark_table(run(of))
    return drawn.rows[0][drawn.headers.index(header)]


def _batch_of(of: Case, batch: int) -> Case:
    return replace(of, batch=batch)


def test_a_row_tells_everything_in_units_that_people_read() -> None:
    measured = replace(row(), throughput=Throughput(2, 81_234.5), accuracy=Accuracy(10_000, 8_876))
    assert benchmark_table(run(measured)) == Table(
        headers=(
            "model",
            "runtime",
            "size kB",
            "accuracy %",
            "p50 µs",
            "p90 µs",
            "p99 µs",
            "mean µs",
            "first ms",
            "load ms",
            "k images/s at 2",
            "RSS MB",
        ),
        rows=(
            (
                "model.npz",
                "numpy",
                "1.2",
                "88.76",
                "2.00",
                "3.00",
                "3.00",
                "2.00",
                "12.3",
                "2.50",
                "81.2",
                "46",
            ),
        ),
        numeric=(False, False, *[True] * 10),
    )


def test_a_folder_is_no_part_of_the_name() -> None:
    assert _cell(row(case("some/where/model.npz")), "model") == "model.npz"


def test_threads_and_batches_have_columns_only_where_they_differ() -> None:
    one, four = row(case(threads=1)), row(case(threads=4))
    eight = row(_batch_of(case(), 8))
    assert not {"threads", "batch"} & set(benchmark_table(run(four, four)).headers)
    drawn = benchmark_table(run(one, four))
    assert drawn.headers[2:4] == ("threads", "size kB")
    assert [cells[2] for cells in drawn.rows] == ["1", "4"]
    drawn = benchmark_table(run(one, eight))
    assert drawn.headers[2:4] == ("batch", "size kB")
    assert [cells[2] for cells in drawn.rows] == ["1", "8"]
    assert benchmark_table(run(one, four, eight)).headers[2:4] == ("threads", "batch")


def test_a_failed_row_has_no_numbers_even_where_it_was_measured_before() -> None:
    failed = Row(case(), (MEASUREMENT,), None, None, None, FAILURE)
    assert benchmark_table(run(failed)).rows == (("model.npz", "numpy", "1.2", *["-"] * 9),)


def test_what_the_system_does_not_tell_is_missing() -> None:
    unknown = replace(MEASUREMENT, memory=Memory(None, None, None, None, None))
    assert _cell(replace(row(), measurements=(unknown,)), "RSS MB") == "-"
    lost = case()
    lost = replace(lost, subject=replace(lost.subject, size_bytes=None))
    assert _cell(row(lost), "size kB") == "-"


def test_of_several_processes_the_median_and_the_largest_memory_are_shown() -> None:
    taken = tuple(
        replace(MEASUREMENT, load_ns=load, memory=Memory(None, None, None, steady, None))
        for load, steady in ((9_000_000, 10**7), (1_000_000, 3 * 10**7), (2_000_000, None))
    )
    assert _cell(replace(row(), measurements=taken), "load ms") == "2.00"
    assert _cell(replace(row(), measurements=taken), "RSS MB") == "30"
    assert _cell(replace(row(), measurements=taken[1:]), "load ms") == "1.50"


def test_failures_are_told_in_sentences() -> None:
    failed = Row(case("a/b.npz"), (), None, None, None, FAILURE)
    curt = replace(failed, failure=replace(FAILURE, hint=""))
    assert failures(run(row(), failed, curt)) == (
        "b.npz on numpy: It fell. Pick it up.",
        "b.npz on numpy: It fell.",
    )


def test_a_run_without_rows_is_an_empty_table() -> None:
    drawn = benchmark_table(run())
    assert drawn.rows == ()
    assert len(drawn.headers) == len(drawn.numeric)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-1, "0"),
        (0.000012345, "0.0000123"),
        (0.123456, "0.123"),
        (0.9994, "0.999"),
        (0.9996, "1.00"),
        (1, "1.00"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (999.4, "999"),
        (999.6, "1000"),
        (1234.5, "1230"),
        (123456789, "123000000"),
    ],
)
def test_numbers_have_three_significant_digits_and_no_exponent(value: float, text: str) -> None:
    assert table._significant(value) == text
