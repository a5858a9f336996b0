"""Two runs held against each other: what changed, what only seems so, what cannot be compared."""

from typing import Any

import pytest

from fmnist_edge.errors import NotComparableError
from fmnist_edge.records import replace
from fmnist_edge.report.changes import Change, Comparison
from fmnist_edge.report.compare import can_be_judged, compare, slower_than
from fmnist_edge.report.compare_text import comparison_remarks, comparison_table, summary
from fmnist_edge.result import OwnData, Reason, Row, Run
from tests import reports
from tests.examples import FAILURE

INVALID = Reason("throttled", "INVALID", ("p50",))
STEADY = (10_000.0, 10_100.0, 9_900.0)
BASELINE = (48_000.0, 48_500.0, 47_500.0)


def _model(name: str = "a.tflite", *medians: float, **changes: Any) -> Row:  # noqa: ANN401 - any field
    return reports.row(reports.case(name, "litert"), *(medians or STEADY), **changes)


def _scaled(times: float, medians: tuple[float, ...] = STEADY) -> tuple[float, ...]:
    return tuple(times * each for each in medians)


def _run(times: float = 1.0, machine: float = 1.0, **changes: Any) -> Run:  # noqa: ANN401 - any field
    """One model and the baseline, `times` as slow, on a machine that is `machine` times as slow."""
    model = _model("a.tflite", *_scaled(times * machine))
    return reports.run(model, *reports.baseline(*_scaled(machine, BASELINE)), **changes)


def _change(comparison: Comparison, regime: str = "back to back") -> Change:
    """Of the first row."""
    return next(each for each in comparison.rows[0].changes if each.regime == regime)


# Whose runs they are


def test_two_hosts_are_two_machines_and_are_named() -> None:
    old, new = _run(host_name="pi"), _run(host_name="board")
    found = compare(old, new)
    assert not found.same_machine
    [told] = comparison_remarks(found, old, new)
    assert told.startswith("The old run is of pi, the new one of board:")


def test_a_run_from_afar_and_one_on_the_machine_itself_may_be_of_one_machine() -> None:
    old, new = _run(), _run(host_name="pi")
    found = compare(old, new)
    assert found.same_machine
    [told] = comparison_remarks(found, old, new)
    assert told.startswith("The old run is of the machine that it was started on, the new one of")


# What changed


def test_a_run_has_not_changed_from_itself() -> None:
    found = compare(_run(), _run())
    assert {each.outcome for row in found.rows for each in row.changes} == {"same"}
    assert (found.only_old, found.only_new, found.same_machine) == ((), (), True)
    assert comparison_remarks(found, _run(), _run()) == ()


@pytest.mark.parametrize(
    ("times", "answer", "outcome"),
    [
        (1.12, "1.12x slower", "slower"),
        (1 / 1.3, "1.30x faster", "faster"),
        (1.02, "no detectable difference", "same"),
    ],
)
@pytest.mark.parametrize("regime", ["back to back", "paced", "cold"])
def test_a_change_is_told_in_words(regime: str, times: float, answer: str, outcome: str) -> None:
    change = _change(compare(_run(), _run(times)), regime)
    assert (change.answer, change.outcome) == (answer, outcome)
    assert change.ratio == pytest.approx(times)
    assert change.interval is not None
    assert change.interval.low < times < change.interval.high


def test_a_change_within_the_spread_of_the_processes_is_none() -> None:
    wide = _model("a.tflite", 10_000.0, 14_000.0, 7_000.0)
    wider = _model("a.tflite", 12_000.0, 17_000.0, 8_400.0)
    change = _change(compare(reports.run(wide), reports.run(wider)))
    assert change.ratio == pytest.approx(1.2, abs=0.02)
    assert change.outcome == "same"


def test_single_processes_give_a_ratio_that_nobody_vouches_for() -> None:
    old, new = reports.run(_model("a.tflite", 10_000.0)), reports.run(_model("a.tflite", 20_000.0))
    found = compare(old, new)
    change = _change(found)
    assert (change.answer, change.outcome) == ("too few processes to tell", "unknown")
    assert not can_be_judged(found)
    assert _change(compare(old, old)).answer == "too few processes to tell"
    assert slower_than(found, 0.05) == ()
    assert "A ratio without an interval" in comparison_remarks(found, old, new)[-1]


def test_regimes_that_a_run_lacks_are_left_out() -> None:
    lacking = reports.run(_model(paced=None, cold=None))
    found = compare(lacking, lacking)
    assert [each.regime for each in found.rows[0].changes] == ["back to back"]


# The machine itself


def test_a_slower_machine_is_found_out_by_what_did_not_change() -> None:
    old, new = _run(), _run(machine=1.35)
    found = compare(old, new)
    change = _change(found)
    assert (change.answer, change.outcome) == ("1.35x slower, as is the machine itself", "machine")
    assert comparison_remarks(found, old, new)[0] == (
        "The machine itself was 1.35x slower in the new run (back to back), judged by 2 rows in "
        "which nothing else changed."
    )
    assert slower_than(found, 0.05) == ()


def test_what_slowed_down_more_than_the_machine_is_slower() -> None:
    found = compare(_run(), _run(1.6, machine=1.25))
    assert _change(found).outcome == "slower"
    assert slower_than(found, 0.05) == (
        "a.tflite on litert (back to back: 2.00x slower)",
        "a.tflite on litert (paced: 2.00x slower)",
    )


def test_a_shaky_baseline_hides_small_changes() -> None:
    shaky = reports.baseline(48_000.0, 60_000.0, 40_000.0)
    old, new = reports.run(_model(), *shaky), reports.run(_model("a.tflite", *_scaled(1.1)), *shaky)
    change = _change(compare(old, new))
    assert change.answer == "1.10x slower, no more than what did not change varies"
    assert change.outcome == "machine"


def _seven(machine: float = 1.0, numpy: float = 1.0, first: float = 1.0) -> Run:
    """Seven models; all of them, NumPy and the first one may be slower, each by a factor."""
    models = [_model("a.tflite", *_scaled(machine * first))]
    models += [_model(f"{name}.tflite", *_scaled(machine)) for name in "bcdefg"]
    return reports.run(*models, *reports.baseline(*_scaled(machine * numpy, BASELINE)))


def test_a_baseline_that_has_two_speeds_does_not_speak_for_the_machine() -> None:
    old, new = _seven(), _seven(numpy=1.21)
    found = compare(old, new)
    assert [each.outcome for each in found.machine] == ["same"] * len(found.machine)
    remarks = comparison_remarks(found, old, new)
    assert not any("machine itself" in remark for remark in remarks)
    assert remarks[0] == (
        "Plain NumPy took 1.21 times as long (back to back), and most rows 1.00 times: NumPy has "
        "speeds of its own, which say nothing of the machine."
    )


def test_a_file_that_alone_became_slower_is_slower_whatever_the_baseline_did() -> None:
    found = compare(_seven(), _seven(numpy=1.21, first=1.2))
    assert _change(found).outcome == "slower"
    assert {row.changes[0].outcome for row in found.rows[1:7]} == {"same"}


def test_a_machine_that_made_everything_slower_is_found_out_without_the_baseline() -> None:
    found = compare(_seven(), _seven(machine=1.3, numpy=1 / 1.3))
    assert [each.outcome for each in found.machine][:1] == ["slower"]
    assert _change(found).outcome == "machine"


def test_rows_of_another_runtime_version_do_not_speak_for_the_machine() -> None:
    def updated(row: Row) -> Row:
        taken = tuple(replace(each, runtime_version="9") for each in row.measurements)
        return replace(row, measurements=taken)

    old, new = _seven(), _seven(machine=1.3, numpy=1 / 1.3)
    new = replace(new, rows=(*map(updated, new.rows[:7]), *new.rows[7:]))
    found = compare(old, new)
    # Only plain NumPy is the same in both, and it takes as long as before.
    assert [each.rows for each in found.machine][:1] == [1]
    assert _change(found).outcome == "slower"


def test_another_machine_is_no_before_and_after() -> None:
    new = _run(machine=3.0, host={**reports.HOST, "cpu": "another"})
    found = compare(_run(), new)
    assert not found.same_machine
    assert found.machine == ()
    assert _change(found).answer == "3.00x slower"
    assert comparison_remarks(found, _run(), new)[0] == (
        "This compares two machines, not before and after: cpu: one, now another."
    )


def test_another_setup_of_the_same_machine_is_told() -> None:
    new = _run(
        host={**reports.HOST, "governor": "powersave", "load_at_start": 9.0},
        versions={"python": "3.12.0"},
    )
    assert comparison_remarks(compare(_run(), new), _run(), new) == (
        "The machine is set up differently: governor: performance, now powersave.",
        "Versions differ: python: 3.11.0, now 3.12.0.",
    )


# Which rows belong together


def test_rows_are_matched_by_the_hash_and_not_by_the_name() -> None:
    here = reports.row(reports.case("a.tflite", "litert", content="x"), *STEADY)
    there = reports.row(reports.case("b/renamed.tflite", "litert", content="x"), *STEADY)
    found = compare(reports.run(here), reports.run(there))
    assert [row.name for row in found.rows] == ["renamed.tflite on litert"]


@pytest.mark.parametrize(
    "field", ["runtime", "environment", "device", "threads", "batch", "fast_math"]
)
def test_another_way_of_running_is_another_row(field: str) -> None:
    other: object = {"threads": 2, "batch": 2, "fast_math": True}.get(field, "other")
    case = reports.case("a.tflite", "litert")
    changed = reports.row(replace(case, **{field: other}), *STEADY)
    both = _model("b.tflite")
    found = compare(reports.run(_model(), both), reports.run(changed, both))
    assert len(found.rows) == 1
    assert (len(found.only_old), len(found.only_new)) == (1, 1)


def test_copies_of_a_file_are_compared_with_those_of_the_same_path() -> None:
    def row(path: str, factor: float) -> Row:
        return reports.row(reports.case(path, "litert", content="same"), *_scaled(factor))

    old = reports.run(row("a/x.tflite", 1.0), row("b/x.tflite", 2.0), row("gone.tflite", 4.0))
    new = reports.run(row("b/x.tflite", 2.0), row("new.tflite", 4.0), row("a/x.tflite", 1.0))
    found = compare(old, new)
    assert {change.ratio for each in found.rows for change in each.changes} == {1.0}
    assert (found.only_old, found.only_new) == ((), ())


def test_copies_of_a_file_keep_their_order() -> None:
    def run(*times: float) -> Run:
        cases = [reports.case(name, "litert", content="x") for name in ("a", "b")]
        pairs = zip(cases, times, strict=True)
        return reports.run(*(reports.row(case, *_scaled(each)) for case, each in pairs))

    found = compare(run(1, 2), run(1, 4))
    assert [row.changes[0].answer for row in found.rows] == [
        *("no detectable difference", "2.00x slower"),
    ]


def test_rows_of_one_file_alone_are_listed() -> None:
    old = reports.run(_model(), _model("gone.tflite"))
    new = reports.run(_model(), _model("new.tflite"), *reports.baseline(*BASELINE))
    assert comparison_remarks(compare(old, new), old, new) == (
        "Only in the old run: gone.tflite on litert.",
        (
            "Only in the new run: new.tflite on litert, (784-256-128-10 of noise) on numpy and "
            "(no model) on null."
        ),
    )


def test_rows_that_failed_or_are_invalid_are_named() -> None:
    b, c = (reports.doubted(_model(name), INVALID) for name in "bc")
    old = reports.run(_model(), _model("b"), c)
    new = reports.run(_model(failure=FAILURE), b, _model("c"))
    found = compare(old, new)
    assert found.rows[0].changes == ()
    assert comparison_remarks(found, old, new) == (
        "INVALID in the old run, so that its numbers prove nothing: c on litert.",
        "Failed in the new run: a.tflite on litert.",
        "INVALID in the new run, so that its numbers prove nothing: b on litert.",
    )


def test_figures_in_doubt_are_marked_and_the_others_are_not() -> None:
    old = reports.run(reports.doubted(_model(), INVALID))
    new = reports.run(reports.doubted(_model(), replace(INVALID, level="SUSPECT")))
    found = compare(old, new)
    assert found.rows[0].verdicts == ("INVALID", "SUSPECT")
    assert _change(found).verdicts == ("INVALID", "SUSPECT")
    table = comparison_table(found)
    assert [cells[2:4] for cells in table.rows] == [
        *(("10.0 µs!", "10.0 µs?"), ("50.0 µs", "50.0 µs"), ("10.0 s", "10.0 s")),
    ]
    assert table.note.startswith("A number with ? is SUSPECT")
    assert comparison_table(compare(_run(), _run())).note == ""


def test_figures_that_are_not_compared_spoil_no_row() -> None:
    tail = reports.run(reports.doubted(_model(), replace(INVALID, figures=("p99", "energy"))))
    found = compare(tail, tail)
    assert found.rows[0].verdicts == ("VALID", "VALID")


# What cannot be compared


def test_other_files_under_the_same_names_are_refused() -> None:
    def run(content: str) -> Run:
        case = reports.case("a.tflite", "litert", content=content)
        return reports.run(reports.row(case, *STEADY), *reports.baseline(*BASELINE))

    with pytest.raises(NotComparableError, match=r"a\.tflite is another file than before") as told:
        compare(run("x"), run("y"))
    assert told.value.exit_code == 82


def test_files_of_which_none_is_in_both_are_refused() -> None:
    with pytest.raises(NotComparableError, match="1 file and 2 files, and none is in both"):
        compare(reports.run(_model("a")), reports.run(_model("b"), _model("c")))


def test_the_same_files_on_other_runtimes_are_refused() -> None:
    other = reports.row(reports.case("a.tflite", "tensorflow"), *STEADY)
    with pytest.raises(NotComparableError, match="the same, but not runtime, environment, device"):
        compare(reports.run(_model()), reports.run(other))


def test_another_protocol_is_refused_with_what_differs() -> None:
    old = _run()
    new = replace(old, settings=replace(old.settings, processes=5, paced_hz=10.0))
    with pytest.raises(
        NotComparableError, match=r"not measured in the same way: processes 3 and 5 and paced_hz"
    ) as told:
        compare(old, new)
    assert told.value.hint


def test_the_seed_and_the_limit_are_free() -> None:
    old = _run()
    new = replace(old, settings=replace(old.settings, seed=7, limit_seconds=1.0))
    assert compare(old, new).rows


@pytest.mark.parametrize(
    "changes", [{"data_sha256": "2" * 64}, {"own_data": OwnData("mine.npz", "3" * 64)}]
)
def test_other_images_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotComparableError, match="on different images"):
        compare(_run(), _run(**changes))


# The gate


@pytest.mark.parametrize(("allowed", "failing"), [(0.05, 2), (0.11, 0), (0.2, 0)])
def test_a_row_fails_where_its_whole_interval_lies_above_what_is_allowed(
    allowed: float, failing: int
) -> None:
    # 1.12x slower, give or take 0.03, back to back and paced.
    assert len(slower_than(compare(_run(), _run(1.12)), allowed)) == failing


def test_neither_cold_starts_nor_the_baseline_fail_a_run() -> None:
    slow = [replace(each, total_ns=4 * each.total_ns) for each in [_model().cold] if each]
    late = replace(_model("a.tflite", *_scaled(4)), back_to_back=None, paced=None, cold=slow[0])
    old, new = reports.run(_model()), reports.run(late)
    assert _change(compare(old, new), "cold").outcome == "slower"
    assert slower_than(compare(old, new), 0.05) == ()
    slow_baseline = reports.run(_model(), *reports.baseline(*_scaled(3, BASELINE)))
    assert slower_than(compare(_run(), slow_baseline), 0.05) == ()


# Accuracy


def _answers(labels: str, correct: int) -> Run:
    plain = _model("a.tflite", *STEADY[:2])
    return reports.run(replace(plain, **reports.answering(labels, correct)))


def test_the_same_answers_are_called_so() -> None:
    found = compare(_answers("0123456789" * 2, 12), _answers("0123456789" * 2, 12))
    accuracy = found.rows[0].accuracy
    assert accuracy is not None
    assert (accuracy.differing, accuracy.p_value) == (0, 1.0)
    assert comparison_table(found).rows[-1] == (
        *("a.tflite on litert", "accuracy", "60.00 %", "60.00 %", "+0.00", "-"),
        "the same answers on all 20 images",
    )


def test_other_answers_are_weighed_as_undecided_as_they_can_be() -> None:
    # Ten answers differ, and eight more are right: at most nine were gained and one was lost.
    found = compare(_answers("0" * 20, 4), _answers("1" * 10 + "0" * 10, 12))
    accuracy = found.rows[0].accuracy
    assert accuracy is not None
    assert (accuracy.differing, accuracy.p_value) == (10, pytest.approx(22 / 1024))
    assert comparison_table(found).rows[-1][-3:] == ("+40.00", "-", "p=0.02 (10 different answers)")
    few = compare(_answers("0" * 20, 4), _answers("1" + "0" * 19, 5))
    assert comparison_table(few).rows[-1][-1] == "no detectable difference (1 different answer)"


@pytest.mark.parametrize(
    ("labels", "correct"),
    [("", 4), ("0" * 19, 4), ("0" * 20, 9)],
    ids=["no labels", "fewer images", "labels that are not those that were counted"],
)
def test_accuracies_without_labels_to_pair_are_not_compared(labels: str, correct: int) -> None:
    old = _answers("0" * 20, 4)
    new = _answers("0" * 20, correct)
    if len(labels) < 20:
        told = replace(new.rows[0], **reports.answering(labels or "0", 1))
        new = reports.run(told)
    assert compare(old, new).rows[0].accuracy is None


def test_more_than_ten_classes_are_told_by_numbers() -> None:
    old, new = "11 2 345 6", "11 2 344 6"
    pair = [
        reports.run(replace(_model("a.tflite", *STEADY[:2]), **reports.answering(labels, 4)))
        for labels in (old, new)
    ]
    accuracy = compare(*pair).rows[0].accuracy
    assert accuracy is not None
    assert (accuracy.images, accuracy.differing) == (4, 1)


# How it is told


def test_each_row_has_a_line_per_regime() -> None:
    table = comparison_table(compare(_run(), _run(1.12)))
    assert table.headers == ("row", "what", "old", "new", "new / old", "95 % interval", "answer")
    assert table.numeric == (False, False, True, True, True, True, False)
    name, answer = "a.tflite on litert", ("1.12", "1.09 to 1.15", "1.12x slower")
    assert table.rows[:3] == (
        (name, "back to back", "10.0 µs", "11.2 µs", *answer),
        (name, "paced", "50.0 µs", "56.0 µs", *answer),
        (name, "cold", "10.0 s", "11.2 s", *answer),
    )


def test_the_sum_of_it_is_told_per_regime_without_the_baseline() -> None:
    old = reports.run(*(_model(name) for name in "abc"), *reports.baseline(*BASELINE))
    new = reports.run(
        _model("a", *_scaled(2)),
        _model("b", *_scaled(0.5)),
        _model("c"),
        *reports.baseline(*BASELINE),
    )
    assert summary(compare(old, new))[0] == (
        "Back to back: 1 slower, 1 faster, 1 without a detectable difference."
    )
    assert summary(compare(_run(), _run(machine=1.35)))[1] == (
        "Paced: 1 no more than the machine itself changed."
    )
