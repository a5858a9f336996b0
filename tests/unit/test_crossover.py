"""From how many images per call on a device overtakes the CPU is told by intervals alone."""

from typing import Any

import pytest

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.records import replace
from fmnist_edge.report.crossover import (
    best_of_each_device,
    crossover_table,
    crossovers,
    in_words,
)
from fmnist_edge.report.page import sections
from fmnist_edge.report.placement import units
from fmnist_edge.report.screen import first_screen
from fmnist_edge.result import Figure, Reason, Row, Run
from tests import examples, reports

_CPU_NS = 1_000.0
# What a GPU takes, as many times as the CPU, in processes that agree.
_SURE = (0.999, 1.0, 1.001)


def _row(of: str, batch: int, *p50: float, runtime: str = "litert", **changes: Any) -> Row:  # noqa: ANN401 - any field
    return reports.row(reports.case(of, runtime, batch=batch, **changes), *p50)


def _cpu(batch: int, of: str = "a.tflite", **changes: Any) -> Row:  # noqa: ANN401 - any field
    return _row(of, batch, *[_CPU_NS * batch] * 3, **changes)


def _gpu(batch: int, ratio: float, of: str = "a.tflite", **changes: Any) -> Row:  # noqa: ANN401 - any field
    times = [_CPU_NS * batch * ratio * each for each in _SURE]
    return _row(of, batch, *times, **{"device": "webgpu", **changes})


def _measured(*ratios: float) -> Run:
    """The same file at 1, 8, 64 and 512 images per call, with these ratios on the GPU."""
    batches = [8**place for place in range(len(ratios))]
    return reports.run(
        *map(_cpu, batches),
        *(_gpu(batch, ratio) for batch, ratio in zip(batches, ratios, strict=True)),
        *reports.baseline(1.0, 1.0, 1.0),
    )


def _told(run: Run) -> str:
    [found] = crossovers(run)
    return in_words(run, found)


_NAME = "a.tflite on litert webgpu"


@pytest.mark.parametrize(
    ("ratios", "told"),
    [
        (
            (40, 5, 0.9, 1 / 1.8),
            (
                "overtakes the CPU (litert) at 64 images per call (1.1x, 1.8x at 512); at 1 "
                "it is 40x slower."
            ),
        ),
        (
            (40, 1.01, 0.5),
            (
                "overtakes the CPU (litert) at 64 images per call (2.0x); at 1 it is 40x "
                "slower, at 8 about equal."
            ),
        ),
        (
            (40, 5, 2.3),
            (
                "does not overtake the CPU (litert) up to 64 images per call: at 1 it is "
                "40x slower, at 64 2.3x slower."
            ),
        ),
        (
            (40, 5, 1.01),
            (
                "does not clearly overtake the CPU (litert) up to 64 images per call: at 1 "
                "it is 40x slower, at 64 about equal."
            ),
        ),
        (
            (0.5, 0.1),
            (
                "is faster than the CPU (litert) at all batches that were measured: 2.0x at "
                "1 and 10x at 8."
            ),
        ),
        ((1.0, 1.02), "is about as fast as the CPU (litert) at 1 and 8 images per call."),
        (
            (2, 0.5, 2, 0.95),
            (
                "is faster than the CPU (litert) at 8 and 512 images per call and not at "
                "others: at 1 it is 2.0x slower, at 8 2.0x faster, at 64 2.0x slower, at "
                "512 1.05x faster."
            ),
        ),
    ],
)
def test_the_answer_is_one_sentence(ratios: tuple[float, ...], told: str) -> None:
    assert _told(_measured(*ratios)) == f"{_NAME} {told}"


def test_single_processes_tell_no_order() -> None:
    rows = [_row("a.tflite", batch, 1_000.0 * batch) for batch in (1, 8)]
    rows += [_row("a.tflite", batch, 4_000.0, device="webgpu") for batch in (1, 8)]
    assert _told(reports.run(*rows)) == (
        f"Too few or too unlike processes tell whether {_NAME} overtakes the CPU (litert): it "
        "takes about 4.0 times as long at 1 and 0.50 times as long at 8 images per call."
    )


def test_an_interval_on_both_sides_is_no_order_and_no_equality() -> None:
    wide = _row("a.tflite", 8, *(8_000.0 * each for each in (0.2, 0.5, 1.5)), device="webgpu")
    run = reports.run(_cpu(1), _cpu(8), _gpu(1, 40), wide)
    assert _told(run).endswith("at 1 it is 40x slower, at 8 too uncertain to tell.")
    assert " does not clearly overtake " in _told(run)


def _of(row: Row, parent: str, precision: Precision) -> Row:
    """The row with a file of that parent."""
    kind = Format.ONNX if row.case.subject.path.endswith(".onnx") else Format.TFLITE
    subject = row.case.subject
    made = replace(subject, parent_sha256=parent * 64, precision=precision, format=kind)
    return replace(row, case=replace(row.case, subject=made))


def test_the_fastest_of_the_cpu_counts_whatever_runs_it() -> None:
    float32 = Precision.FLOAT32
    lite = [_cpu(1), _cpu(8, runtime="slow"), _gpu(1, 4), _gpu(8, 0.5)]
    onnx = _row("a.onnx", 8, *[4_000.0] * 3, runtime="onnxruntime")
    strangers = [
        _of(_row("b.onnx", 8, 1.0, 1.0, 1.0), "b", float32),
        _of(_row("a8.onnx", 8, 1.0, 1.0, 1.0), "a", Precision.INT8),
    ]
    run = reports.run(*(_of(row, "a", float32) for row in (*lite, onnx)), *strangers)
    [found] = crossovers(run)
    assert [point.cpu.case.runtime for point in found.points] == ["litert", "onnxruntime"]
    assert in_words(run, found) == (
        f"{_NAME} does not clearly overtake the CPU (litert at 1, a.onnx on onnxruntime at 8) up "
        "to 8 images per call: at 1 it is 4.0x slower, at 8 about equal."
    )


def test_files_that_were_made_for_one_batch_each_stand_for_one() -> None:
    rows = [_cpu(1), _cpu(8), _gpu(1, 4, "a1.tflite"), _gpu(8, 0.5, "a8.tflite")]
    run = reports.run(*(_of(row, "a", Precision.FLOAT32) for row in rows))
    assert _told(run) == (
        "a1.tflite on litert webgpu (a file per batch) overtakes the CPU (litert) at 8 images per "
        "call (2.0x); at 1 it is 4.0x slower."
    )
    # Without a manifest, nothing tells that they are of one kind.
    assert crossovers(reports.run(*rows)) == ()


def test_many_changes_between_rows_of_the_cpu_are_left_to_the_table() -> None:
    rows = [_cpu(batch, runtime=f"r{batch}") for batch in (1, 8, 64)]
    run = reports.run(*rows, *(_gpu(batch, 2) for batch in (1, 8, 64)))
    assert "overtake the CPU (its fastest row of each batch) up to" in _told(run)
    table = crossover_table(run, crossovers(run))
    assert [row[3] for row in table.rows] == [f"a.tflite on r{batch} cpu" for batch in (1, 8, 64)]


@pytest.mark.parametrize("figure", ["p50", "ratio"])
@pytest.mark.parametrize("place", [1, 4])
def test_invalid_rows_do_not_count(place: int, figure: Figure) -> None:
    rows = list(_measured(40, 5, 0.5).rows)
    rows[place] = reports.doubted(rows[place], Reason("throttled", "INVALID", (figure,)))
    [found] = crossovers(reports.run(*rows))
    assert [point.batch for point in found.points] == [1, 64]
    rows[place] = replace(_measured(40, 5, 0.5).rows[place], failure=examples.FAILURE)
    [found] = crossovers(reports.run(*rows))
    assert [point.batch for point in found.points] == [1, 64]


@pytest.mark.parametrize(
    "rows",
    [
        (_cpu(1), _gpu(1, 0.5)),
        (_cpu(1), _cpu(8), _gpu(8, 0.5)),
        (_cpu(1), _cpu(8), _gpu(1, 0.5, "b.tflite"), _gpu(8, 0.5, "b.tflite")),
        (_gpu(1, 0.5), _gpu(8, 0.5)),
        (_cpu(1), _cpu(8)),
    ],
)
def test_what_has_no_two_batches_on_both_sides_has_no_crossover(rows: tuple[Row, ...]) -> None:
    assert crossovers(reports.run(*rows)) == ()


def test_the_screen_tells_the_fastest_file_of_each_device_and_the_page_all() -> None:
    files = ("a.tflite", "b.tflite")
    run = reports.run(
        *(_cpu(batch, each) for each in files for batch in (1, 8)),
        *(_gpu(batch, 4, "a.tflite") for batch in (1, 8)),
        *(_gpu(batch, 2, "b.tflite") for batch in (1, 8)),
        *(_gpu(batch, 9, "a.tflite", device="cuda", fast_math=True) for batch in (1, 8)),
    )
    found = best_of_each_device(crossovers(run))
    names = [in_words(run, each).partition(" does ")[0] for each in found]
    assert names == ["b.tflite on litert webgpu", "a.tflite on litert cuda fast math"]
    below = [text.replace("\n", " ") for text in first_screen(run, None).below]
    assert below == [*units(run), *(in_words(run, each) for each in found)]
    [section] = [each for each in sections(run) if each.title == "Other devices beside the CPU"]
    assert len(section.items) == 3
    assert section.table is not None
    assert len(section.table.rows) == 6


def test_a_line_of_the_table_has_both_times_and_the_interval() -> None:
    run = _measured(40, 0.5)
    doubtful = reports.doubted(run.rows[3], Reason("on-battery", "SUSPECT", ("p50",)))
    run = replace(run, rows=(*run.rows[:3], doubtful, *run.rows[4:]))
    assert crossover_table(run, crossovers(run)).rows[1] == (
        *(_NAME, "8", "4.00?", "a.tflite on litert cpu", "8.00"),
        *("0.50", "0.50 to 0.50", "2.0x faster"),
    )
