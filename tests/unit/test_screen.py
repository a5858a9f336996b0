"""The first screen of a run is short, and says which file to ship."""

from typing import Any

import pytest

from fmnist_edge.records import replace
from fmnist_edge.report.decision import decision
from fmnist_edge.report.narrow import COLUMNS, screen_table
from fmnist_edge.report.screen import Screen, first_screen, heading
from fmnist_edge.result import Case, Energy, Figure, Level, Memory, Reason, Row, Run, Skipped
from fmnist_edge_cli import options
from tests import examples, reports
from tests.unit.test_choice import CHEAT, FLOAT, INT8, SLOWER, TWIN, WORSE, constant

_BASELINE = reports.baseline(16_200.0, 16_200.0, 16_200.0)
_RUN = reports.run(FLOAT, SLOWER, INT8, *_BASELINE)


def _lines(of: Screen) -> list[str]:
    return of.text.splitlines()


def _reason(code: str, *figures: Figure, level: Level = "SUSPECT", **values: Any) -> Reason:  # noqa: ANN401 - of any code
    return Reason(code, level, figures, values)


# Heading


def test_the_heading_says_what_was_measured_and_where() -> None:
    host = {"cpu": "Intel(R) Xeon(R) Processor @ 2.20GHz", "cores": 2}
    assert heading(replace(_RUN, host=host)) == (
        "3 files on 10,000 test images · Intel Xeon, 2 cores · 1 thread, batch 1 · test protocol"
    )
    usual = replace(_RUN.settings, protocol="standard")
    one = replace(_RUN, rows=_RUN.rows[2:], settings=usual, host={"cpu": "unknown"})
    assert heading(one) == "int8.tflite on 10,000 test images · 1 thread, batch 1"


def test_the_heading_leaves_out_what_differs_and_tells_an_interruption() -> None:
    two = replace(INT8, case=replace(INT8.case, threads=2))
    run = replace(reports.run(INT8, two), host={}, rounds=1)
    assert heading(run) == (
        "int8.tflite on 10,000 test images · batch 1 · test protocol, interrupted after 1 of 3 "
        "processes"
    )


def test_the_heading_names_the_host_of_a_benchmark_from_afar() -> None:
    run = replace(_RUN, host={"cpu": "Cortex-A76", "cores": 4}, host_name="raspberrypi.local")
    assert " · raspberrypi.local, Cortex-A76, 4 cores · " in heading(run)


# Table


def test_the_table_has_the_users_rows_the_fastest_first() -> None:
    table = screen_table(_RUN)
    assert [row[0] for row in table.rows] == ["int8.tflite", "int8.onnx", "model.keras"]
    assert table.headers == (
        *("model", "runtime", "kB", "accuracy %", "p50 µs", "± %", "p90 µs", "1000/s µs", "RSS MB"),
        "x fastest",
    )
    # On a narrow terminal the size and the ratio stay.
    assert table.spare == ("± %", "p90 µs", "RSS MB", "1000/s µs")
    assert first_screen(_RUN, None).chosen == 0


def test_an_accuracy_tells_the_best_and_what_differs_from_it_by_chance() -> None:
    table = screen_table(reports.run(FLOAT, INT8, WORSE))
    assert [row[3] for row in table.rows] == ["90.00", "90.45 best", "90.40 tie"]
    doubted = reports.doubted(INT8, CHEAT)
    table = screen_table(reports.run(FLOAT, doubted))
    assert [row[3] for row in table.rows] == ["90.45!", "90.40 best"]


def _on(of: Row, p50: float, **changes: Any) -> Row:  # noqa: ANN401 - any field
    return replace(of, case=replace(of.case, **changes), back_to_back=reports.latency([p50] * 3))


_MANY = reports.run(
    _on(INT8, 8_000.0, batch=1),
    _on(INT8, 16_000.0, batch=8),
    _on(INT8, 300_000.0, device="webgpu"),
    _on(INT8, 301_000.0, device="webgpu", batch=8),
    _on(SLOWER, 10_000.0),
    _on(SLOWER, 12_000.0, batch=8),
    *(_on(each, 20_000.0 * batch, batch=batch) for batch in (8, 1) for each in _BASELINE),
)


def test_the_batches_of_a_file_stand_together_where_its_smallest_one_ranks() -> None:
    table = screen_table(_MANY)
    assert table.headers[:4] == ("model", "runtime", "device", "batch")
    assert [(row[0], *row[2:4]) for row in table.rows] == [
        *(("int8.tflite", "cpu", "1"), ("int8.tflite", "cpu", "8")),
        *(("int8.onnx", "cpu", "1"), ("int8.onnx", "cpu", "8")),
        *(("int8.tflite", "webgpu", "1"), ("int8.tflite", "webgpu", "8")),
    ]
    place = table.headers.index("p50 µs")
    assert table.headers[place + 1] == "per image µs"
    assert [row[place : place + 2] for row in table.rows[:2]] == [
        ("8.00", "8.00"),
        ("16.0", "2.00"),
    ]
    # It is the p50 in another unit, and not there without it.
    assert "per image µs" not in screen_table(_MANY, ("size", "p90")).headers


def test_a_file_without_a_time_at_the_smallest_batch_stands_behind_those_with_one() -> None:
    small = replace(INT8, failure=examples.FAILURE)
    run = reports.run(small, _on(INT8, 10.0, batch=8), SLOWER, _on(SLOWER, 90.0, batch=8))
    assert [row[0] for row in screen_table(run).rows] == [
        *["int8.onnx"] * 2,
        *["int8.tflite"] * 2,
    ]


def test_sentences_name_the_device_and_say_once_of_how_many_images_they_speak() -> None:
    screen = first_screen(_MANY, None)
    assert screen.decision[:2] == (
        (
            "Ship int8.tflite on litert cpu: at 1 image per call the fastest, and none is more "
            "accurate."
        ),
        "Next: int8.onnx on litert cpu, 1.25 (1.25 to 1.25) times as slow.",
    )
    assert screen.below[-1] == (
        "(baseline at batch 1 / 8: NumPy 20.0 / 160 µs, an empty call 20.0 / 160 µs)"
    )
    failed = first_screen(
        reports.run(*_MANY.rows[:3], replace(_MANY.rows[3], failure=examples.FAILURE)), None
    )
    assert failed.below == (
        "Failed: int8.tflite on litert webgpu, batch 8: It fell. Pick it up.",
        "webgpu is a device that no runtime names; proved for 0 of 1 row.",
    )


def test_a_failed_row_is_last_and_says_so() -> None:
    failed = replace(INT8, failure=examples.FAILURE)
    table = screen_table(reports.run(failed, FLOAT))
    assert table.rows[-1] == ("int8.tflite", "litert", "1.23", *["-"] * 6, "failed")


def test_the_columns_that_a_user_names_are_all_there_in_that_order() -> None:
    measured = replace(INT8, energy=Energy(3.0, 1.0, 1.0, 1_000))
    table = screen_table(reports.run(measured, FLOAT), ("verdict", "energy", "size"))
    assert table.headers == ("model", "runtime", "verdict", "mJ per call", "kB")
    assert [row[3] for row in table.rows] == ["2.00", "-"]
    assert table.spare == ()


def test_the_options_know_all_columns() -> None:
    assert tuple(COLUMNS) == options.COLUMNS
    screen_table(_RUN, options.COLUMNS)


# Sentences


def test_it_names_the_file_to_ship_and_what_the_next_one_costs() -> None:
    screen = first_screen(_RUN, "result.json")
    assert screen.below == ("(baseline: NumPy 16.2 µs, an empty call 0.130 µs)",)
    assert screen.decision == (
        "Ship int8.tflite on litert: the fastest, and none is more accurate.",
        "Next: int8.onnx on litert, 2.00 (2.00 to 2.00) times as slow.",
        "No reason was found to doubt the figures above.",
    )
    assert screen.rest == ("The rest: fmnist-edge report result.json [--out page.md]",)
    assert first_screen(_RUN, None).rest[0].startswith("Keep it with --json FILE;")
    assert "report 'my result.json' [" in first_screen(_RUN, "my result.json").rest[0]


def test_what_is_lost_against_the_most_accurate_is_told_with_its_p_value() -> None:
    better = replace(SLOWER, accuracy=replace(INT8.accuracy, correct=9050, against=None))  # type: ignore[type-var]
    assert decision(reports.run(INT8, better))[0] == (
        "Ship int8.tflite on litert: the fastest that loses no accuracy (-0.05 points, p=0.9)."
    )


def test_more_memory_is_told() -> None:
    large = Memory(None, None, None, 60_000_000, None)
    measured = tuple(replace(each, memory=large) for each in SLOWER.measurements)
    told = decision(reports.run(INT8, replace(SLOWER, measurements=measured)))
    assert told[1].endswith("times as slow, 14 MB more memory.")


def test_ties_and_faster_files_that_lose_accuracy_are_named() -> None:
    told = decision(reports.run(FLOAT, TWIN, INT8, WORSE))
    assert "As fast, as far as can be told: twin.tflite on litert." in told
    assert "Faster, less accurate: int4.tflite (90.00 %, 2.0x)." in told


def test_a_front_of_several_runtimes_names_them() -> None:
    other = replace(WORSE, case=reports.case("int4.onnx", "onnxruntime"))
    told = decision(reports.run(FLOAT, INT8, other))
    assert "Faster, less accurate: int4.onnx on onnxruntime (90.00 %, 2.0x)." in told


def test_of_a_long_front_the_most_accurate_are_named_and_found_on_the_screen() -> None:
    smaller = [
        replace(
            WORSE,
            case=reports.case(f"small-{index}.tflite", "litert"),
            accuracy=replace(FLOAT.accuracy, correct=8800 - 400 * index),  # type: ignore[type-var]
            back_to_back=reports.latency([5.0 / 2**index] * 3),
        )
        for index in range(5)
    ]
    trouble = _reason("on-battery", "p50", "p90", "paced-p50")
    run = reports.run(*(reports.doubted(row, trouble) for row in (FLOAT, SLOWER, INT8, *smaller)))
    assert (
        "Faster, less accurate: small-0.tflite (88.00 %, 2.0x), small-1.tflite (84.00 %, 4.0x) and "
        "3 more."
    ) in first_screen(run, None, width=100).decision


def test_a_rank_in_doubt_is_told() -> None:
    doubted = reports.doubted(SLOWER, _reason("ratio-drifts", "ratio"))
    told = decision(reports.run(INT8, doubted))
    assert told[0].endswith("none is more accurate. Its rank is in doubt (?).")


def test_without_labels_the_accuracy_is_not_known() -> None:
    told = decision(reports.run(replace(INT8, accuracy=None)))
    assert told[0].endswith("the fastest; its accuracy is not known, because there are no labels.")


def test_where_nothing_can_be_recommended_that_is_said_with_the_reason() -> None:
    def first(run: Run) -> str:
        return decision(run)[0]

    assert first(reports.run(constant(1.0, 1.0))) == (
        "No file can be recommended: no model is more accurate than one answer for all images, by "
        "more than chance."
    )
    failed = replace(INT8, failure=examples.FAILURE)
    assert first(reports.run(failed)) == "No file can be recommended: no row has a time."
    cheat = _reason(
        "outputs-differ",
        *("ratio", "accuracy"),
        level="INVALID",
        processes_affected=1,
        processes=3,
        max_abs_difference=0.5,
    )
    assert first(reports.run(reports.doubted(INT8, cheat))) == (
        "No file can be recommended: timed calls gave other outputs than untimed calls in 1 of 3 "
        "processes, by up to 0.500. Do not use these times. Try one thread, or another version of "
        "the runtime."
    )


def test_figures_that_are_valid_in_every_row_are_named_beside_those_in_doubt() -> None:
    doubted = reports.doubted(INT8, _reason("on-battery", "p50", "p90", "paced-p50"))
    screen = first_screen(reports.run(doubted, FLOAT), None)
    assert screen.decision[-2:] == (
        "Valid in all rows: x fastest and memory.",
        (
            "In doubt (?): p50, p90 and paced p50 of 1 row: the machine ran on its battery. "
            "Plug it in and\nmeasure again."
        ),
    )


def test_a_cause_of_failures_is_told_once_right_under_the_table() -> None:
    failed = [replace(each, failure=examples.FAILURE) for each in (SLOWER, TWIN, WORSE)]
    screen = first_screen(reports.run(INT8, *failed), None)
    assert screen.below == (
        (
            "Failed: int8.onnx on litert, twin.tflite on litert and int4.tflite on litert: "
            "It fell. Pick it up."
        ),
    )


def test_what_was_left_out_is_one_sentence() -> None:
    skipped = (
        Skipped("a.onnx", "onnxruntime", "not-installed", {"extra": "onnx"}),
        Skipped("b.onnx", "onnxruntime", "not-installed", {"extra": "onnx"}),
        Skipped("x/a.onnx", None, "same-file", {"path": "a.onnx"}),
    )
    screen = first_screen(replace(_RUN, skipped=skipped), None)
    assert screen.rest[0] == (
        "Left out (not installed: onnxruntime; the same as another file: a.onnx)."
    )


def test_energy_that_was_asked_for_and_is_missing_is_told() -> None:
    asked = replace(_RUN, settings=replace(_RUN.settings, energy_seconds=30.0))
    assert first_screen(asked, None).rest[0] == "Energy: not available: RAPL: there is none."


# Room


def _full(*, failed: bool = False) -> Run:
    """Nine rows in which everything happens at once, with the longest usual names."""
    names = [(f"default-float32-{index}.tflite", "keras-predict") for index in range(9)]
    rows = [
        replace(
            reports.doubted(
                replace(INT8, accuracy=replace(INT8.accuracy, correct=9000 + index)),  # type: ignore[type-var]
                _reason("on-battery", "p50", "p90", "paced-p50"),
                _reason("throttled", "p50", "memory"),
                _reason("answers-cached", "ratio"),
                _reason("too-few-samples", "p90"),
                _reason("speed-drifts", "p50", "p90"),
            ),
            case=reports.case(*name),
            back_to_back=reports.latency([82_000.0 * 4**index] * 3),
        )
        for index, name in enumerate(names)
    ]
    if failed:
        rows[-1] = replace(rows[-1], failure=examples.FAILURE)
    skipped = (Skipped("a.onnx", "openvino", "not-installed", {"extra": "openvino"}),)
    host = {"cpu": "AMD EPYC 7B13", "cores": 2}
    return replace(reports.run(*rows, *_BASELINE), skipped=skipped, host=host)


@pytest.mark.parametrize("failed", [False, True])
def test_nine_rows_fit_into_24_lines_of_100_columns(*, failed: bool) -> None:
    screen = first_screen(_full(failed=failed), "artifacts/demo/result.json", width=100)
    lines = _lines(screen)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    assert len("\n".join(screen.decision).splitlines()) <= 5


def test_a_terminal_of_80_columns_keeps_size_and_ratio() -> None:
    screen = first_screen(_full(), "artifacts/demo/result.json", width=80)
    assert max(map(len, _lines(screen))) <= 80
    assert len(_lines(screen)) <= 24
    header = " ".join(screen.table.header)
    for name in ("kB", "p50", "fastest"):
        assert name in header
    # The file to ship and the worst that spoils the numbers are there.
    assert screen.decision[0].startswith("Ship ")
    assert any(text.startswith("In doubt") for text in screen.decision)
    assert screen.rest[0].startswith("Left out (no room: ± %")


def test_long_names_are_shortened() -> None:
    of = reports.case(f"{'a-very-long-name-' * 8}.tflite", "onnxruntime-native")
    screen = first_screen(reports.run(replace(INT8, case=of)), None, width=100)
    assert max(map(len, _lines(screen))) <= 100
    assert "…" in screen.table.rows[0]
    # What runs the file is told in full.
    assert screen.decision[0].startswith("Ship a-very-long…name-.tflite on onnxruntime-native: ")


@pytest.mark.parametrize("rows", [(), _BASELINE])
def test_a_run_of_nothing_has_a_screen(rows: tuple[Any, ...]) -> None:
    screen = first_screen(reports.run(*rows), None)
    assert screen.heading
    assert screen.table.rows == ()
    assert screen.decision == ("No file can be recommended: no row has a time.",)


def test_a_file_with_any_name_is_one_line() -> None:
    of: Case = reports.case("two\nlines.tflite", "litert")
    screen = first_screen(reports.run(replace(INT8, case=of)), None)
    assert len(screen.table.rows) == 1
    assert len(screen.decision[0].splitlines()) == 1
