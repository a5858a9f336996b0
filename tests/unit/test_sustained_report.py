"""A sustained load as a reader sees it: a curve, levels, the machine, the order of the rows."""

import pytest

from fmnist_edge.bench.sustained import sustained
from fmnist_edge.records import replace
from fmnist_edge.report.sustained import curve, load_lines, overtakings, sustained_table
from fmnist_edge.result import LoadWindow, Row, Run
from tests.examples import READING, SETTINGS, case, row, run

_STEADY = [1e4] * 60
_SLOWED = [9e3] * 20 + [1.5e4] * 40


def _row(name: str, times_ns: list[float], batch: int = 1) -> Row:
    windows = [
        LoadWindow(float(at), 1.0, round(1e9 / each), each, each, 0.0, 0.125)
        for at, each in enumerate(times_ns)
    ]
    readings = [
        replace(
            READING,
            at_seconds=at + 0.5,
            temperatures_celsius={"cpu": 50.0 + at / 2},
            clocks_mhz={"policy0": 2000.0 if time < 1.2e4 else 1500.0},
        )
        for at, time in enumerate(times_ns)
    ]
    loaded = sustained([windows[:5], windows[5:]], 0.0, readings)
    return row(replace(case(name), batch=batch), sustained=loaded)


def _run(*rows: Row) -> Run:
    return replace(run(*rows), settings=replace(SETTINGS, sustain_seconds=60.0))


def test_a_line_tells_the_levels_the_moment_and_the_machine() -> None:
    heading, line = load_lines(_run(_row("a.npz", _SLOWED)))
    assert heading == "Sustained load, back to back, 60 s per row, p50 over time:"
    assert line == (
        "▁▁▁▁▁▁▁█████████████████ a.npz on numpy: 9.00 µs -> 15.0 µs (1.67x) from 20 s on; "
        "cpu 54.8 °C -> 69.8 °C; 2000 MHz -> 1500 MHz"
    )


def test_a_row_without_a_change_says_so() -> None:
    _, line = load_lines(_run(_row("a.npz", _STEADY)))
    assert line.startswith("▄" * 24)
    assert "10.0 µs, no lasting change" in line


def test_a_run_without_a_load_says_nothing() -> None:
    assert not [*load_lines(run(row()))]
    assert not sustained_table(run(row())).rows


def test_a_curve_has_as_many_characters_as_there_is_room_for() -> None:
    assert len(curve(_SLOWED, 24)) == 24
    assert len(curve(_SLOWED, 100)) == 60


def test_a_fastest_row_that_is_overtaken_is_told_with_both_ratios() -> None:
    slowed, steady = _row("a.npz", _SLOWED), _row("b.npz", _STEADY)
    (pair,) = overtakings(_run(steady, slowed))
    assert (pair.first, pair.second) == (slowed, steady)
    assert pair.before == pytest.approx(1.11, abs=0.01)
    assert pair.after == pytest.approx(1.5, abs=0.01)
    lines = [*load_lines(_run(slowed, steady))]
    assert lines[-2:] == [
        (
            "a.npz on numpy was the fastest in the first seconds and is not at the end: b.npz on "
            "numpy took 1.11 times as long then, and now a.npz on numpy takes 1.50 times as long."
        ),
        "One pair of rows changed their order under the load.",
    ]


def test_an_order_that_only_chance_changes_is_none() -> None:
    near = [1.01e4] * 20 + [0.99e4] * 40
    assert not overtakings(_run(_row("a.npz", near), _row("b.npz", _STEADY)))
    lines = [*load_lines(_run(_row("a.npz", near), _row("b.npz", _STEADY)))]
    assert lines[-1].startswith("The order of the rows did not change")


def test_rows_of_other_batches_are_not_held_against_each_other() -> None:
    assert not overtakings(_run(_row("a.npz", _SLOWED, batch=8), _row("b.npz", _STEADY)))


def test_the_table_has_a_line_per_row() -> None:
    table = sustained_table(_run(_row("a.npz", _SLOWED), row(case("c.npz"))))
    (line,) = table.rows
    cells = dict(zip(table.headers, line, strict=True))
    assert cells["first µs"] == "9.00"
    assert cells["lasting µs"] == "15.0"
    assert cells["from s"] == "20"
    assert cells["clock"] == "2000 MHz -> 1500 MHz"
    assert cells["time over calls µs"] == "9.00 -> 15.0 from 20 s"
    assert cells["CPU time of others"] == "12 %"


def test_a_rival_that_no_median_shows_is_told_with_the_time_over_the_calls() -> None:
    plain = _row("a.npz", _SLOWED).sustained
    assert plain is not None
    windows = [replace(each, p50_ns=9e3) for each in plain.windows]
    beside = row(case("a.npz"), sustained=sustained([windows[:5], windows[5:]], 0.0))
    _, line = load_lines(_run(beside))
    assert line == (
        "▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄ a.npz on numpy: 9.00 µs, no lasting change; time over calls "
        "▁▁▁▁▁▁▁█████████████████ 9.00 µs -> 15.0 µs (1.67x) from 20 s on"
    )
