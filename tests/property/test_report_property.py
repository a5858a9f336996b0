"""A results file that can be read can be drawn, whatever is in it."""

from contextlib import suppress
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.errors import NotComparableError
from fmnist_edge.report.cells import significant
from fmnist_edge.report.compare import compare, slower_than
from fmnist_edge.report.compare_text import comparison_remarks, comparison_table, summary
from fmnist_edge.report.markdown import markdown_report
from fmnist_edge.report.remarks import below_the_table
from fmnist_edge.result import Run
from tests.strategies import runs


@given(runs)
def test_any_run_becomes_a_page_and_remarks(of: Run) -> None:
    assert markdown_report(of).startswith("# Fashion-MNIST on this machine\n")
    assert below_the_table(of)


@given(st.floats(-1e300, 1e300))
def test_a_number_is_written_as_near_as_three_digits_allow(value: float) -> None:
    text = significant(value)
    assert "e" not in text
    assert abs(float(text) - value) <= abs(value) * 0.0051


@given(runs, runs)
def test_any_two_runs_are_compared_or_refused(old: Run, new: Run) -> None:
    for after in (old, replace(old, rows=new.rows), replace(old, rows=old.rows + new.rows)):
        with suppress(NotComparableError):
            found = compare(old, after)
            comparison_table(found)
            summary(found)
            comparison_remarks(found, old, after)


@given(runs)
def test_nothing_is_slower_than_itself(of: Run) -> None:
    with suppress(NotComparableError):
        found = compare(of, of)
        assert slower_than(found, 0.0) == ()
        assert {each.outcome for row in found.rows for each in row.changes} <= {"same", "unknown"}
