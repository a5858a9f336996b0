"""What is told below the table: why figures are in doubt, what is missing, what was compared."""

from typing import Any

from fmnist_edge.records import replace
from fmnist_edge.report import notes
from fmnist_edge.result import (
    AgainstReference,
    Energy,
    EnergyMeter,
    NotChecked,
    Reason,
    Remark,
    Row,
    Skipped,
)
from tests import reports
from tests.examples import FAILURE, accuracy, latency

HOT = Reason(
    "throttled",
    "INVALID",
    ("ratio", "p50"),
    {"readings_affected": 1, "readings": 3, "limits": "under-voltage"},
)
SYNTHETIC = Remark("synthetic-inputs")
DRIFT = NotChecked("too-few-samples-for-drift")


def _noisy(share: float) -> Reason:
    values = {"slower_share": share}
    return Reason("several-speeds", "SUSPECT", ("p50",), values)


def _row(name: str, *reasons: Reason, **changes: Any) -> Row:  # noqa: ANN401 - any field
    plain = reports.row(reports.case(name, "litert"), 1_000.0, 1_000.0, **changes)
    return reports.doubted(plain, *reasons)


def test_rows_with_the_same_trouble_share_a_sentence_and_its_cure() -> None:
    run = reports.run(_row("a", _noisy(0.31)), _row("b", _noisy(0.31)), _row("c"))
    [told] = notes.reasons(run)
    assert told == (
        "SUSPECT: p50 of a on litert and b on litert: The turns have several speeds: a fifth of "
        "them took at least 31 % longer than another fifth. Close other programs and measure "
        "again. On a shared machine, other tenants cause this."
    )


def test_of_the_same_trouble_with_other_numbers_the_first_stands_for_all() -> None:
    run = reports.run(_row("a", _noisy(0.31)), _row("b", _noisy(0.99)))
    [told] = notes.reasons(run)
    assert told.startswith(
        "SUSPECT: p50 of all rows: The turns have several speeds: a fifth of them took at least "
        "31 % longer than another fifth (a on litert; the others in other numbers). Close"
    )


def test_trouble_of_all_rows_names_none() -> None:
    gone = reports.row(reports.case("gone", "-"), 1.0, failure=FAILURE, verdicts={})
    run = reports.run(_row("a", HOT), _row("b", HOT), gone)
    [told] = notes.reasons(run)
    assert told == (
        "INVALID: x fastest and p50 of all rows: The machine was slowed down in 1 of 3 readings of "
        "its sensors: under-voltage. Cool the machine, or give it a stronger power supply, and "
        "measure again."
    )


def test_the_same_trouble_with_other_figures_is_told_apart() -> None:
    other = replace(HOT, figures=("p50",))
    starts = [
        text.partition(": The")[0]
        for text in notes.reasons(reports.run(_row("a", HOT), _row("b", other)))
    ]
    assert starts == ["INVALID: x fastest and p50 of a on litert", "INVALID: p50 of b on litert"]


def test_the_worst_comes_first() -> None:
    run = reports.run(_row("a", _noisy(0.31)), _row("b", _noisy(0.31), HOT))
    assert [text.partition(":")[0] for text in notes.reasons(run)] == ["INVALID", "SUSPECT"]


def test_many_rows_are_counted_and_not_listed() -> None:
    run = reports.run(*(_row(f"m{index}", HOT) for index in range(9)), _row("fine"))
    [told] = notes.reasons(run)
    assert told.startswith("INVALID: x fastest and p50 of m0 on litert, m1 on litert and 7 more: ")


def test_what_could_not_be_checked_is_neither_fine_nor_bad() -> None:
    heat = NotChecked("sensor-unreadable", {"what": "temperature", "why": "no sensor"})
    both = (NotChecked("governor-unknown"), heat)
    run = reports.run(_row("a", not_checked=(*both, DRIFT)), _row("b", not_checked=both))
    assert notes.not_checked(run) == (
        (
            "Not checked: all rows: The system does not tell its CPU frequency governor. "
            "temperature: no sensor."
        ),
        (
            "Not checked: a on litert: Each process has too few samples to show whether the speed "
            "changed. Measure with a longer protocol."
        ),
    )


def test_remarks_of_rows_are_told_once() -> None:
    run = reports.run(_row("a", remarks=(SYNTHETIC,)), _row("b", remarks=(SYNTHETIC,)))
    assert notes.remarks(run) == (
        "all rows: The inputs are noise, not images, so that there is no accuracy.",
    )


def test_a_remark_has_its_cure() -> None:
    run = reports.run(_row("a", remarks=(Remark("governor", {"governor": "powersave"}),)))
    [told] = notes.remarks(run)
    assert told == (
        "a on litert: The CPU frequency governor is powersave, which lowers the clock at times. "
        "For the time of the run: sudo cpupower frequency-set -g performance"
    )


def test_what_was_skipped_is_told_with_what_to_do() -> None:
    gone = Skipped("a.tflite", "litert", "not-installed", {"extra": "litert"})
    [told] = notes.skipped(replace(reports.run(), skipped=(gone,)))
    assert told == (
        "a.tflite on litert: litert is not installed. Install it with: python -m pip "
        "install 'ai-edge-litert>=2.1'"
    )


def test_an_interrupted_run_is_told_so() -> None:
    run = reports.run(_row("a"))
    assert notes.interruption_note(run) == ""
    assert notes.interruption_note(replace(run, rounds=1)) == (
        "The run was interrupted: each row was measured in 1 of 3 processes."
    )


def test_percentiles_that_were_refused_are_counted() -> None:
    few, fewer = latency(), latency()
    fewer = replace(
        fewer,
        percentiles=tuple(
            each if each.refusal is None else replace(each, refusal="samples-are-means")
            for each in fewer.percentiles
        ),
    )
    case = reports.case("a", "litert")
    run = reports.run(
        reports.row(case, 1.0, back_to_back=few, paced=None),
        reports.row(case, 1.0, back_to_back=fewer, paced=None),
        reports.row(case, 1.0, failure=FAILURE),
    )
    assert notes.refused(run) == ("Not given back to back: p95, p99 and p99.9 of 2 rows.",)
    [told] = notes.refused(replace(run, rows=run.rows[:1]))
    assert told == "Not given back to back: p95, p99 and p99.9 of 1 row (fewer than 130 samples)."


def test_energy_is_never_silently_missing() -> None:
    run = reports.run(_row("a"))
    assert notes.energy_note(run) == "Energy: not available: RAPL: there is none."
    metered = replace(run, meter=EnergyMeter("RAPL", "the processor, no memory", ""))
    assert notes.energy_note(metered) == "Energy: not measured (RAPL could)."
    measured = replace(run.rows[0], energy=Energy(3.0, 1.0, 1.0, 1_000))
    assert notes.energy_note(replace(metered, rows=(measured,))) == (
        "Energy: above idle, from RAPL: the processor, no memory."
    )
    absent = replace(metered, gpu_meter=EnergyMeter("", "", "NVML: no driver"))
    assert notes.energy_note(absent) == (
        "Energy: not measured (RAPL could). Energy of NVIDIA GPUs: not available: NVML: no driver."
    )
    on_gpu = replace(measured, case=replace(measured.case, device="cuda"))
    both = replace(metered, gpu_meter=EnergyMeter("NVML", "a board", ""), rows=(on_gpu,))
    assert notes.energy_note(both) == (
        "Energy: not measured (RAPL could). Energy of NVIDIA GPUs: above idle, from NVML: a board."
    )


def test_it_is_told_what_accuracies_are_compared_with() -> None:
    assert notes.accuracy_note(reports.run(_row("a"))) == ""
    against = AgainstReference("f.tflite", "litert", 0.99, 1, 2, 1.0, 0.1)
    told = replace(_row("a"), accuracy=accuracy(9_000, 10_000, against=against))
    assert notes.accuracy_note(reports.run(told)).startswith(
        "Accuracy is compared, image by image, with f.tflite on litert (10,000 images); a tie is"
    )


def test_a_reference_on_another_device_is_told_with_it() -> None:
    against = AgainstReference("f.tflite", "litert", 0.99, 1, 2, 1.0, 0.1)
    told = replace(_row("a"), accuracy=accuracy(9_000, 10_000, against=against))
    case = reports.case("f.tflite", "litert", device="webgpu")
    reference = reports.row(case, 1.0, accuracy=accuracy(9_000, 10_000))
    assert "with f.tflite on litert webgpu (10,000" in notes.accuracy_note(
        reports.run(told, reference)
    )


def test_it_is_told_what_is_the_fastest() -> None:
    assert notes.tie_note(reports.run(*reports.baseline(1.0))) == ""
    assert notes.tie_note(reports.run(_row("a"), *reports.baseline(1.0))).startswith(
        "Fastest back to back: a on litert. A tie differs by less than 3 %,"
    )
    many = reports.row(reports.case("a", "litert", batch=8), 1.0)
    assert notes.tie_note(reports.run(_row("a"), many)).startswith(
        "Fastest back to back: a on litert at batch 1 and a on litert at batch 8. A tie"
    )
