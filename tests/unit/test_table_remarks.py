"""What is told below the table: why rows are doubtful, what is missing, what was compared."""

from fmnist_edge.records import replace
from fmnist_edge.report import remarks
from fmnist_edge.result import AgainstReference, Energy, EnergyMeter, Reason, Row, Verdict
from tests import reports
from tests.examples import FAILURE, accuracy, latency

HOT = Reason("throttled", "The processor was throttled", "Cool it", "INVALID")


def _noisy(share: float) -> Reason:
    return Reason("noisy", f"the medians differ by {share} %", "Close other programs.", "SUSPECT")


def _row(name: str, *reasons: Reason, unknown: tuple[str, ...] = (), told: str = "") -> Row:
    level = "INVALID" if HOT in reasons else "SUSPECT"
    return reports.row(
        reports.case(name, "litert"),
        *(1_000.0, 1_000.0),
        verdict=Verdict(level, reasons, unknown),
        remarks=(told,) if told else (),
    )


def test_rows_with_the_same_trouble_share_a_sentence_and_its_cure() -> None:
    run = reports.run(_row("a", _noisy(3.1)), _row("b", _noisy(3.1)), _row("c"))
    assert remarks.reasons(run) == (
        "SUSPECT: a on litert and b on litert: the medians differ by 3.1 %. Close other programs.",
    )


def test_of_the_same_trouble_with_other_numbers_the_first_stands_for_all() -> None:
    run = reports.run(_row("a", _noisy(3.1)), _row("b", _noisy(9.9)))
    [told] = remarks.reasons(run)
    assert told == (
        "SUSPECT: all rows: the medians differ by 3.1 % (a on litert; the others alike). Close "
        "other programs."
    )


def test_trouble_of_all_rows_names_none() -> None:
    gone = reports.row(reports.case("gone", "-"), 1.0, failure=FAILURE, verdict=None)
    run = reports.run(_row("a", HOT), _row("b", HOT), gone)
    assert remarks.reasons(run) == ("INVALID: all rows: The processor was throttled. Cool it.",)


def test_the_worst_comes_first() -> None:
    run = reports.run(_row("a", _noisy(3.1)), _row("b", _noisy(3.1), HOT))
    assert [text.partition(":")[0] for text in remarks.reasons(run)] == ["INVALID", "SUSPECT"]


def test_many_rows_are_counted_and_not_listed() -> None:
    run = reports.run(*(_row(f"m{index}", HOT) for index in range(9)), _row("fine"))
    assert "INVALID: m0 on litert, m1 on litert and 7 more: " in remarks.reasons(run)[0]


def test_what_could_not_be_checked_is_neither_fine_nor_bad() -> None:
    both, one = ("clock: no file tells.", "heat: no sensor"), ("drift: too few samples",)
    run = reports.run(_row("a", unknown=(*both, *one)), _row("b", unknown=both))
    assert remarks.unknown(run) == (
        "Not checked: all rows: clock: no file tells; heat: no sensor.",
        "Not checked: a on litert: drift: too few samples.",
    )


def test_remarks_of_rows_are_told_once() -> None:
    run = reports.run(_row("a", told="Mostly dispatch."), _row("b", told="Mostly dispatch."))
    assert remarks.remarks(run) == ("all rows: Mostly dispatch.",)


def test_percentiles_that_were_refused_are_counted() -> None:
    few, fewer = latency(), latency()
    fewer = replace(
        fewer, percentiles=tuple(replace(each, refused="12 samples") for each in fewer.percentiles)
    )
    case = reports.case("a", "litert")
    run = reports.run(
        reports.row(case, 1.0, back_to_back=few, paced=None),
        reports.row(case, 1.0, back_to_back=fewer, paced=None),
        reports.row(case, 1.0, failure=FAILURE),
    )
    assert remarks.refused(run) == ("Not given back to back: p95, p99 and p99.9 of 2 rows.",)
    [told] = remarks.refused(replace(run, rows=run.rows[:1]))
    assert told == "Not given back to back: p95, p99 and p99.9 of 1 row (too few samples)."


def test_energy_is_never_silently_missing() -> None:
    run = reports.run(_row("a"))
    assert remarks.energy_note(run) == "Energy: not available: RAPL: there is none."
    metered = replace(run, meter=EnergyMeter("RAPL", "the processor, no memory", ""))
    assert remarks.energy_note(metered) == "Energy: not measured (RAPL could)."
    measured = replace(run.rows[0], energy=Energy(3.0, 1.0, 1.0, 1_000))
    assert remarks.energy_note(replace(metered, rows=(measured,))) == (
        "Energy: above idle, from RAPL: the processor, no memory."
    )


def test_it_is_told_what_accuracies_are_compared_with() -> None:
    assert remarks.accuracy_note(reports.run(_row("a"))) == ""
    against = AgainstReference("f.tflite", "litert", 0.99, 1, 2, 1.0, 0.1)
    told = replace(_row("a"), accuracy=accuracy(9_000, 10_000, against=against))
    assert remarks.accuracy_note(reports.run(told)).startswith(
        "Accuracy is compared, image by image, with f.tflite on litert (10,000 images); a tie is"
    )


def test_it_is_told_what_is_the_fastest() -> None:
    assert remarks.tie_note(reports.run(*reports.floor(1.0))) == ""
    assert remarks.tie_note(reports.run(_row("a"), *reports.floor(1.0))).startswith(
        "Fastest back to back: a on litert. A tie differs by less than 3 %,"
    )


def test_everything_is_told_below_the_table() -> None:
    run = reports.run(_row("a", HOT, unknown=("clock",), told="Mostly dispatch."))
    starts = [text.partition(":")[0] for text in remarks.below_the_table(run)]
    assert starts == [
        *("INVALID", "Not checked", "a on litert"),
        *("Not given back to back", "Not given paced", "Energy"),
    ]
