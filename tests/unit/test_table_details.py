"""The tables behind the benchmark table."""

from typing import get_args

import pytest

from fmnist_edge.dataset import LABELS
from fmnist_edge.records import replace
from fmnist_edge.report.cells import Table
from fmnist_edge.report.details import (
    cold_table,
    details,
    energy_table,
    latencies_table,
    memory_table,
    native_table,
    recall_table,
    stages_table,
)
from fmnist_edge.report.figures import marked
from fmnist_edge.report.numbers import MISSING
from fmnist_edge.report.placement import device_table, placement_table, units
from fmnist_edge.report.verdicts import rules_table, unmet
from fmnist_edge.result import (
    ColdStart,
    Energy,
    Figure,
    KernelWitness,
    Memory,
    Placement,
    Reason,
    Row,
    RuleCheck,
)
from tests import examples, reports
from tests.examples import FAILURE, MEASUREMENT, PLACEMENT, accuracy, case, certified, latency, row


def _line(table: Table, line: int = 0) -> dict[str, str]:
    return dict(zip(table.headers, table.rows[line], strict=True))


def test_a_cold_start_is_told_in_its_parts() -> None:
    assert _line(cold_table(examples.run(row()))) == {
        "model": "model.npz",
        "runtime": "numpy",
        "start ms": "100",
        "import ms": "0.00000100",
        "load ms": "2.50",
        "first ms": "12.3",
        "total ms": "115",
    }


def test_the_way_from_image_to_label_is_told_stage_by_stage() -> None:
    told = _line(stages_table(examples.run(row())))
    assert [told[each] for each in ("prepare µs", "run µs", "decode µs", "together µs")] == [
        *("0.850", "2.05", "0.450", "3.35"),
    ]


def test_memory_is_told_moment_by_moment_and_with_what_the_disk_holds() -> None:
    known = replace(MEASUREMENT, memory=Memory(10**7, 2 * 10**7, None, 4 * 10**7, 5 * 10**7))
    run = examples.run(row(measurements=(known,)), row(case(runtime="litert")))
    assert _line(memory_table(run)) == {
        "model": "model.npz",
        "runtime": "numpy",
        "RSS at start MB": "10.0",
        "after import MB": "20.0",
        "after load MB": "-",
        "steady MB": "40.0",
        "peak MB": "50.0",
        "size kB": "1.2",
        "runtime on disk MB": "80.0",
    }
    assert _line(memory_table(run), 1)["runtime on disk MB"] == "-"


def test_latencies_are_told_in_full_for_each_regime() -> None:
    table = latencies_table(examples.run(row()))
    assert [(cells[0], cells[1]) for cells in table.rows] == [
        ("model.npz on numpy", "back to back"),
        ("model.npz on numpy", "paced"),
        ("model.npz on numpy", "paced, call alone"),
    ]
    told = _line(table)
    assert (told["samples"], told["p50"], told["p90"], told["p99"]) == ("64", "2.00", "3.00", "-")
    assert (told["min"], told["max"], told["mean"]) == ("1.00", "6.00", "2.20")


def test_energy_is_told_per_call_and_above_idle() -> None:
    measured = row(energy=Energy(12.0, idle_w=2.0, duration_seconds=5.0, calls=1_000))
    told = _line(energy_table(examples.run(row(), measured)))
    assert (told["mJ per call"], told["idle W"], told["busy W"]) == ("2.00", "2.00", "2.40")
    drowned = row(energy=Energy(9.0, idle_w=2.0, duration_seconds=5.0, calls=1_000))
    assert _line(energy_table(examples.run(drowned)))["mJ per call"] == "-1.00"


def test_native_calls_stand_beside_those_from_python() -> None:
    native = reports.case("a.tflite", "litert-native")
    run = reports.run(
        reports.row(reports.case("a.tflite", "litert"), 10_000.0, 20_000.0, 30_000.0),
        reports.row(native, 8_000.0, 16_000.0, 24_000.0),
        reports.row(replace(native, threads=4), 8_000.0, 8_000.0),  # without a partner
    )
    assert native_table(run).rows == (
        ("a.tflite on litert, 1 thread", "16.0", "20.0", "4.00", "1.25", "1.25 to 1.25"),
    )
    single = replace(run, rows=tuple(reports.row(each.case, 9.0) for each in run.rows))
    assert native_table(single).rows[0][-2:] == ("1.00", "-")


def test_figures_in_doubt_are_marked_in_the_details() -> None:
    figures: tuple[Figure, ...] = ("p90", "paced-p50", "cold", "memory")
    run = examples.run(reports.doubted(row(), Reason("on-battery", "SUSPECT", figures)))
    hot, paced, alone = (_line(latencies_table(run), line) for line in range(3))
    assert (hot["p50"], hot["p90"]) == ("2.00", "3.00?")
    assert (paced["p50"], paced["p90"]) == ("60.0?", "90.0")
    assert (alone["p50"], alone["p90"]) == ("20.0", "30.0")
    cold = _line(cold_table(run))
    assert (cold["load ms"], cold["total ms"]) == ("2.50", "115?")
    assert _line(memory_table(run))["steady MB"] == "45.6?"


def test_failed_rows_have_no_details() -> None:
    assert list(details(examples.run(row(failure=FAILURE)))) == []


def test_tables_with_nothing_to_tell_are_left_out() -> None:
    titles = [title for title, _ in details(examples.run(row()))]
    assert titles == [
        "Latency in full, µs",
        "From nothing to the first answer",
        "From image to label",
        "Memory and disk",
    ]


# Classes


def _classes(count: int) -> Row:
    confusion = tuple(
        tuple(9 * (true == given) + (given == 0) for given in range(count)) for true in range(count)
    )
    return row(accuracy=accuracy(9, 10, confusion=confusion))


def test_recall_is_told_by_the_names_of_the_classes() -> None:
    run = examples.run(_classes(10), row(), row(failure=FAILURE))
    told = _line(recall_table(run))
    assert tuple(told)[2:] == LABELS
    assert list(told.values())[2:] == ["100.0", *["90.0"] * 9]
    assert len(recall_table(run).rows) == 1


def test_other_classes_have_numbers_and_those_without_images_no_recall() -> None:
    empty = row(accuracy=accuracy(9, 10, confusion=((10, 0), (0, 0))))
    told = _line(recall_table(examples.run(empty)))
    assert (told["class 0"], told["class 1"]) == ("100.0", "-")


def test_a_thousand_classes_make_no_table() -> None:
    assert recall_table(examples.run(_classes(21))).rows == ()


def test_the_baseline_has_no_recall() -> None:
    baseline = [replace(each, accuracy=accuracy()) for each in reports.baseline(1.0)]
    assert recall_table(reports.run(*baseline)).rows == ()


# Rules


@pytest.fixture
def ruled() -> tuple[Row, Row]:
    enough = {"samples": 2_000, "samples_needed": 1_024}
    short = {"seconds": 3.0, "seconds_needed": 60.0}
    met = RuleCheck("quick", "min-samples", met=True, values=enough)
    long = RuleCheck("mobile-like", "min-seconds", met=False, values=short)
    many = RuleCheck("mobile-like", "min-samples", met=True, values=enough)
    longer = replace(long, values=short | {"seconds": 4.5})
    return row(rules=(met, long, many)), row(case("b.npz"), rules=(met, longer))


def test_each_protocol_has_a_column_with_how_many_of_its_rules_are_met(
    ruled: tuple[Row, Row],
) -> None:
    table = rules_table(examples.run(*ruled, row(case("c.npz"))))
    assert table.headers == ("model", "runtime", "quick", "mobile-like")
    assert [cells[2:] for cells in table.rows] == [("met", "1 of 2"), ("met", "0 of 1")]


def test_a_rule_that_is_not_met_tells_what_was_found_instead(ruled: tuple[Row, Row]) -> None:
    [told] = unmet(examples.run(*ruled))
    assert told == (
        "mobile-like: at least 60 s of calls: not met by 2 rows: model.npz on numpy (3 s of calls) "
        "and b.npz on numpy (4.5 s of calls)."
    )


_ON_GPU = certified(
    replace(row(replace(case(), device="webgpu")), cold_empty=ColdStart(1e6, 2e6, 3e6, 90e6, 96e6))
)


def test_rows_on_other_devices_tell_where_they_ran_and_how_that_is_known() -> None:
    tables = dict(details(examples.run(row(), _ON_GPU)))
    cells = _line(tables["Where other devices than the CPU ran"])
    assert cells["unit"] == "llvmpipe, Vulkan 1.4.305"
    assert cells["operators on it"] == "7 of 7"
    assert cells["without the CPU"] == "opens"
    assert cells["seen by"] == "twin on the CPU, 40x as long"
    assert cells["computes in"] == "float32"
    assert cells["labels as on the CPU %"] == "100.00 of 256 images"
    assert cells["scores differ by"] == "3e-07"
    assert cells["copies %"] == MISSING


def test_every_device_is_told_at_every_batch_size_by_the_fastest_file_of_a_kind() -> None:
    def at(batch: int, p50_ns: float, device: str = "cpu", name: str = "a.npz") -> Row:
        made = replace(case(name), device=device, batch=batch)
        return replace(row(made), back_to_back=latency(p50_ns))

    gpu = certified(at(64, 3_000.0, "webgpu"))
    table = device_table(
        examples.run(at(1, 2_000.0), at(64, 9_000.0), at(64, 8_000.0, name="b.npz"), gpu)
    )
    on_cpu, on_gpu = _line(table, 0), _line(table, 1)
    told = ("on", "operators on it", "p50 µs at 1", "p50 µs at 64")
    assert [on_cpu[each] for each in told] == ["numpy cpu", "-", "2.00", "8.00"]
    assert [on_gpu[each] for each in told] == ["numpy webgpu", "7 of 7", "-", "3.00"]
    assert device_table(examples.run(at(1, 2_000.0))).rows == ()


def test_a_cold_start_that_compiles_is_told_beside_one_that_does_not() -> None:
    tables = dict(details(examples.run(row(), _ON_GPU)))
    (cells,) = tables["From nothing to the first answer, with nothing compiled"].rows
    assert cells[-4:-1] == ("3.00", "90.0", "96.0")


def test_without_other_devices_nothing_is_told_of_them() -> None:
    titles = " ".join(title for title, _ in details(examples.run(row())))
    assert "device" not in titles
    assert "compiled" not in titles


def test_each_device_is_named_with_how_many_of_its_rows_are_proved() -> None:
    gone = replace(_ON_GPU, reasons=(Reason("not-on-device", "INVALID", get_args(Figure)),))
    failed = replace(gone, failure=FAILURE)
    assert units(examples.run(row(), _ON_GPU)) == (
        "webgpu is llvmpipe, Vulkan 1.4.305; proved for every row.",
    )
    assert units(examples.run(_ON_GPU, gone, failed)) == (
        "webgpu is llvmpipe, Vulkan 1.4.305; proved for 1 of 2 rows.",
    )
    assert units(examples.run(certified(gone, None))) == (
        "webgpu is a device that no runtime names; proved for 0 of 1 row.",
    )
    assert units(examples.run(row())) == ()


@pytest.mark.parametrize(
    ("placement", "seen"),
    [
        (replace(PLACEMENT, kernel=KernelWitness("drm", 5_000_000, None)), "kernel, 5.00 ms"),
        (replace(PLACEMENT, kernel=KernelWitness("nvml", None, 3_000_000)), "driver, 3.0 MB"),
        (replace(PLACEMENT, twin=replace(PLACEMENT.twin, time_ratio=None)), "nobody"),
    ],
)
def test_the_witness_is_named(placement: Placement, seen: str) -> None:
    assert _line(placement_table(examples.run(certified(_ON_GPU, placement))))["seen by"] == seen


def test_numbers_of_a_row_that_ran_elsewhere_are_not_shown() -> None:
    elsewhere = Reason("not-on-device", "INVALID", get_args(Figure))
    gone = replace(_ON_GPU, reasons=(elsewhere,), verdicts={"p50": "INVALID"})
    assert marked(gone, "p50", "12.3") == "!"
    assert marked(gone, "p50", MISSING) == MISSING
    assert marked(_ON_GPU, "p50", "12.3") == "12.3"
