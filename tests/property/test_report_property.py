"""A results file that can be read can be drawn, whatever is in it."""

import math
import re
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fmnist_edge.bench.baseline import NO_MODEL
from fmnist_edge.errors import NotComparableError
from fmnist_edge.records import replace
from fmnist_edge.report.changes import Comparison
from fmnist_edge.report.choice import NoChoice, choose, loses, rivals
from fmnist_edge.report.compare import REGIMES, compare, slower_than
from fmnist_edge.report.compare_text import comparison_remarks, comparison_table, summary
from fmnist_edge.report.crossover import crossovers, in_words
from fmnist_edge.report.markdown import markdown_report
from fmnist_edge.report.narrow import user_rows
from fmnist_edge.report.numbers import significant
from fmnist_edge.report.screen import first_screen
from fmnist_edge.result import Accuracy, Interval, Reason, Run, p50_ns
from tests import examples, reports
from tests.strategies import runs


@given(runs)
def test_any_run_becomes_a_page(of: Run) -> None:
    assert markdown_report(of).startswith("# Fashion-MNIST on this machine\n")


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


@given(runs, st.sampled_from([60, 80, 100, 200]))
def test_any_run_has_a_first_screen(of: Run, width: int) -> None:
    screen = first_screen(of, "result.json", width=width)
    assert screen.heading
    assert len(screen.table.rows) == sum(not row.case.subject.is_baseline for row in of.rows)
    decision = [line for text in screen.decision for line in text.splitlines()]
    assert 1 <= len(decision) <= (5 if width >= 100 else 6)
    texts = (screen.heading, *screen.below, *screen.decision, *screen.rest)
    assert max(len(line) for text in texts for line in text.splitlines()) <= width
    assert decision[0].startswith(("Ship ", "No file can be recommended: "))
    chosen = [row for row in user_rows(of) if row.failure is None and row.back_to_back]
    assert (screen.chosen is not None) == decision[0].startswith("Ship ")
    assert screen.chosen is None or user_rows(of)[screen.chosen] in chosen


_P50 = st.floats(50.0, 9e7)


@st.composite
def plausible(draw: st.DrawFn) -> Run:
    """Runs of up to nine files, with numbers as there are and names of any length."""
    rows = [
        reports.row(
            reports.case(f"{draw(st.text(max_size=60))}{index}.tflite", draw(_RUNTIMES)),
            *draw(st.lists(_P50, min_size=1, max_size=3)),
            accuracy=draw(st.none() | st.integers(0, 10_000).map(_accuracy)),
            failure=draw(st.none() | st.just(examples.FAILURE)),
        )
        for index in range(draw(st.integers(0, 9)))
    ]
    doubt = Reason("on-battery", draw(st.sampled_from(["SUSPECT", "INVALID"])), ("p50", "ratio"))
    return reports.run(*(reports.doubted(each, doubt) for each in rows), *reports.baseline(1e4))


_RUNTIMES = st.sampled_from(["litert", "onnxruntime", "keras-predict"])


def _accuracy(correct: int) -> Accuracy:
    return examples.accuracy(correct, 10_000, confusion=())


@given(plausible(), st.sampled_from([80, 100]))
def test_the_first_screen_fits_and_never_drops_size_or_ratio(of: Run, width: int) -> None:
    table = first_screen(of, "result.json", width=width).table
    assert max(map(len, (*table.header, table.rule, *table.rows))) <= width
    assert " kB" in table.header[-1]
    assert " fastest" in "".join(table.header)


@given(plausible())
def test_what_is_recommended_is_never_worse_than_what_it_beats(of: Run) -> None:
    found = choose(of)
    if isinstance(found, NoChoice):
        return
    # Nothing on the front is beaten in both by another, and all of it is measured.
    speeds = [p50_ns(row) for row in found.front]
    shares = [row.accuracy.top1 for row in found.front if row.accuracy]
    assert speeds == sorted(speeds)
    assert shares == sorted(shares)
    assert not found.front or found.front[-1] == found.best
    named = (found.best, *found.ties, *filter(None, [found.runner_up]), *found.front)
    for row in named:
        assert row.failure is None
        assert not row.case.subject.is_baseline
        assert row.verdict("ratio", "accuracy") != "INVALID"
    assert not loses(found.best, rivals(of))


_SPREAD = st.lists(st.floats(0.5, 2.0), min_size=1, max_size=5)
_SAID = re.compile(r"at (\d+)(?: it is)? (?:[\d.]+x )?(faster|slower|about equal)")


@given(st.lists(st.tuples(st.floats(0.02, 50.0), _SPREAD), min_size=2, max_size=5))
def test_an_order_is_told_only_where_the_whole_interval_lies_on_one_side(
    measured: list[tuple[float, list[float]]],
) -> None:
    rows = []
    for place, (ratio, spread) in enumerate(measured):
        case = reports.case("a.tflite", "litert", batch=4**place)
        rows.append(reports.row(case, *[1e6] * len(spread)))
        gpu = [1e6 * ratio * each for each in spread]
        rows.append(reports.row(replace(case, device="webgpu"), *gpu))
    run = reports.run(*rows)
    [found] = crossovers(run)
    told = in_words(run, found)
    intervals = [point.times.interval or Interval(0.0, math.inf) for point in found.points]
    sides = ["faster" if i.high < 1 else "slower" if i.low > 1 else "" for i in intervals]
    # Each batch that is named with an answer has this answer.
    for batch, answer in _SAID.findall(told):
        place = [point.batch for point in found.points].index(int(batch))
        near = 0.8 <= intervals[place].low <= intervals[place].high <= 1.25
        assert near if answer == "about equal" else sides[place] == answer
    if "at all batches" in told:
        assert set(sides) == {"faster"}
    elif " does not overtake " in told:
        assert set(sides) == {"slower"}
    elif crossing := re.search(r" overtakes .* at (\d+) images per call \(", told):
        place = [point.batch for point in found.points].index(int(crossing[1]))
        assert set(sides[place:]) == {"faster"}
        assert found.points[place - 1].order != "faster"
    elif "whether" in told:
        assert not re.search("faster|slower|equal", told)
