"""A results file that can be read can be drawn, whatever is in it."""

import re
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fmnist_edge.bench.baseline import NO_MODEL
from fmnist_edge.errors import NotComparableError
from fmnist_edge.records import replace
from fmnist_edge.report.changes import Comparison
from fmnist_edge.report.compare import REGIMES, compare, slower_than
from fmnist_edge.report.compare_text import comparison_remarks, comparison_table, summary
from fmnist_edge.report.markdown import markdown_report
from fmnist_edge.report.notes import below_the_table
from fmnist_edge.report.numbers import significant
from fmnist_edge.report.screen import heading, screen_lines, screen_table
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


def _files(of: Run) -> set[tuple[object, ...]]:
    """The cases of a run that are no baseline, by what they are recognised by."""
    return {
        (
            row.case.subject.sha256 or row.case.subject.path,
            replace(row.case, subject=NO_MODEL),
        )
        for row in of.rows
        if not row.case.subject.is_baseline
    }


@given(runs, runs)
def test_any_two_runs_are_compared_or_refused(old: Run, new: Run) -> None:
    for after in (old, replace(old, rows=new.rows), replace(old, rows=old.rows + new.rows)):
        try:
            found = compare(old, after)
        except NotComparableError as refused:
            _check_refused(refused, old, after)
        else:
            _check_complete(found, old, after)
            _check_told(found, old, after)


def _check_refused(refused: NotComparableError, old: Run, new: Run) -> None:
    """There is nothing to compare, and the refusal says why."""
    assert _files(old).isdisjoint(_files(new))
    assert re.match(r"No row of the two runs is the same case: .+\.$", refused.message, re.DOTALL)


def _check_complete(found: Comparison, old: Run, new: Run) -> None:
    """Every row of both runs has a partner, or is listed as having none."""
    assert not all(row.is_baseline for row in found.rows)
    assert len(found.rows) + len(found.only_old) == len(old.rows)
    assert len(found.rows) + len(found.only_new) == len(new.rows)
    assert len(found.rows) >= len(_files(old) & _files(new))


def _check_told(found: Comparison, old: Run, new: Run) -> None:
    """Nothing that was found is missing in the words."""
    lines = sum(len(row.changes) + (row.accuracy is not None) for row in found.rows)
    assert len(comparison_table(found).rows) == lines
    regimes = {change.regime for row in found.rows if not row.is_baseline for change in row.changes}
    told = [text.partition(":")[0].lower() for text in summary(found)]
    assert told == [regime for regime in REGIMES if regime in regimes]
    remarks = comparison_remarks(found, old, new)
    for which, names in (("old", found.only_old), ("new", found.only_new)):
        assert any(text.startswith(f"Only in the {which} run: ") for text in remarks) == bool(names)


@given(runs, runs)
def test_runs_of_other_protocols_or_on_other_images_are_refused(old: Run, new: Run) -> None:
    assume(old.settings.protocol != new.settings.protocol)
    assume(old.data_sha256 != new.data_sha256)
    for after, reason in (
        (replace(old, settings=new.settings), "not measured in the same way: .*protocol"),
        (replace(old, data_sha256=new.data_sha256), "measured on different images"),
    ):
        with pytest.raises(NotComparableError, match=reason) as caught:
            compare(old, after)
        assert caught.value.hint.startswith("Measure again")


@given(runs)
def test_a_run_is_neither_slower_nor_faster_than_itself(of: Run) -> None:
    with suppress(NotComparableError):
        found = compare(of, of)
        assert (found.same_machine, found.only_old, found.only_new) == (True, (), ())
        assert slower_than(found, 0.0) == ()
        changes = [each for row in found.rows for each in row.changes]
        assert {each.outcome for each in changes} <= {"same", "unknown"}
        assert {each.ratio for each in changes} <= {1.0}
        assert all(row.accuracy is None or row.accuracy.differing == 0 for row in found.rows)


@given(runs)
def test_any_run_has_a_first_screen(of: Run) -> None:
    assert heading(of)
    table = screen_table(of)
    assert len(table.rows) == sum(not row.case.subject.is_baseline for row in of.rows)
    lines = screen_lines(of, "result.json")
    failed = sum(row.failure is not None for row in of.rows)
    # Failures, then: the baseline, four lines to decide by, three in doubt, two left out, the rest.
    assert len(lines) - failed <= 11
    assert lines[-1].endswith("fmnist-edge report result.json")
