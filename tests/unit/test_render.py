"""Answers go to stdout, everything else to stderr."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from fmnist_edge.errors import ExportError
from fmnist_edge.records import replace
from fmnist_edge.report.cells import Table
from fmnist_edge.report.compare import compare
from fmnist_edge.report.narrow import screen_table
from fmnist_edge.result import NotChecked, Reason, Skipped
from fmnist_edge_cli import render
from fmnist_edge_cli.options import COLUMNS, STDOUT
from tests import reports
from tests.examples import FAILURE, case, row


class Screen(io.StringIO):
    """What rich takes for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """To redirect stdout to: 100 columns that show colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return Screen()


def test_an_answer_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    render.line("Fine.")
    assert render.json_answer({"path": "a"}, STDOUT)
    assert capsys.readouterr() == ('Fine.\n{\n  "path": "a"\n}\n', "")


def test_an_answer_for_a_script_goes_to_the_file_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not render.json_answer({"path": "a"}, tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == '{\n  "path": "a"\n}\n'
    assert capsys.readouterr() == ("", "")


def test_a_failure_and_its_hint_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    render.failure(ExportError("It failed.", hint="Try again."))
    assert capsys.readouterr() == ("", "Error: It failed.\nTry again.\n")
    render.failure(ExportError("It failed."))
    assert capsys.readouterr() == ("", "Error: It failed.\n")


def test_remarks_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    render.warning("Mind the gap.")
    render.interrupted()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Mind the gap.\n\nInterrupted.")


# Tables


def test_a_table_in_a_file_is_as_wide_as_it_needs_to_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    # What looks like rich's markup is a name.
    cells = ("a-model-with-a-rather-long-name-[red]-:bug:.tflite", *["123.45"] * 12)
    headers = ("model", *(f"accuracy {index}" for index in range(12)))
    render.table(Table(headers, (cells,), (False, *[True] * 12), spare=headers[1:]))
    out, err = capsys.readouterr()
    assert cells in [tuple(line.split()) for line in out.splitlines()]
    assert err == ""


@pytest.mark.parametrize(("wide", "width"), [(False, 100), (True, 150)])
def test_a_run_with_typical_names_fits(
    capsys: pytest.CaptureFixture[str], *, wide: bool, width: int
) -> None:
    of = reports.case("default-float32.tflite", "litert-native")
    run = reports.run(
        reports.row(of, 100_234.0, 101_000.0, 102_000.0),
        *reports.baseline(48_000.0, 48_100.0, 48_200.0),
    )
    render.first_screen(run, None, columns=COLUMNS if wide else None)
    out, _ = capsys.readouterr()
    table = screen_table(run, COLUMNS if wide else None)
    lines = out.splitlines()
    assert max(map(len, lines)) <= width
    for cells in table.rows:
        assert " ".join(cells).split() in [line.split() for line in lines]


def test_a_narrow_terminal_gets_fewer_columns_and_is_told_which(
    screen: Screen, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "22")
    cells = ("a-model", "1234.5", "67.8", "90")
    headers, numeric = ("model", "p50", "p90", "RSS"), (False, True, True, True)
    with redirect_stdout(screen):
        render.table(Table(headers, (cells,), numeric, spare=("p90", "RSS", "p50")))
    assert "a-model  1234.5   90" in screen.getvalue()
    assert "67.8" not in screen.getvalue()
    assert capsys.readouterr().err == "Left out on this narrow terminal: p90.\n"


def test_numbers_never_break_and_headers_do(screen: Screen) -> None:
    table = Table(("model", "p50 back to back"), (("a", "1"), ("b", "22")), (False, True))
    with redirect_stdout(screen):
        render.table(table)
    lines = [line.strip() for line in screen.getvalue().splitlines()]
    assert "p50 back to back" not in screen.getvalue()
    assert [line.split() for line in lines[-2:]] == [["a", "1"], ["b", "22"]]


def test_verdicts_are_coloured_on_terminals_only(
    screen: Screen, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = ("VALID", "SUSPECT", "INVALID")
    table = Table(("verdict",), (*((level,) for level in levels), ("failed",)), (False,))
    with redirect_stdout(screen):
        render.table(table)
    shown = screen.getvalue()
    for start, level in zip(("[32m", "[33m", "[1;31m"), levels, strict=True):
        assert f"\x1b{start}{level}" in shown
    render.table(table)
    assert "\x1b" not in capsys.readouterr().out


# A run


def test_the_report_of_a_run_is_on_stdout_whole(capsys: pytest.CaptureFixture[str]) -> None:
    run = reports.run(
        row(not_checked=(NotChecked("governor-unknown"),)),
        row(case("b.npz"), failure=FAILURE),
    )
    skipped = Skipped("a.tflite", "openvino", "slow-import")
    render.whole_report(replace(run, skipped=(skipped,)))
    out, err = capsys.readouterr()
    assert err == ""
    assert "model.npz" in out
    assert "\nFailed\n- b.npz on numpy: It fell. Pick it up.\n" in out
    assert (
        "- Not checked: model.npz on numpy: The system does not tell its CPU frequency governor.\n"
    ) in out
    assert (
        "\nNot measured\n- a.tflite on openvino: openvino takes seconds to import, and this "
        "protocol must end soon. Ask for it with: --runtime openvino\n"
    ) in out
    for title in ("Latency in full, µs", "From nothing to the first answer", "Memory and disk"):
        assert f"\n{title}\n" in out


def test_the_first_screen_of_a_run_is_short_and_on_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    doubted = reports.doubted(row(), Reason("on-battery", "SUSPECT", ("p50",)))
    render.first_screen(reports.run(doubted), Path("result.json"))
    out, err = capsys.readouterr()
    assert err == ""
    assert "2.00?" in out
    assert "In doubt (?): p50 of 1 row: the machine ran on its battery. Plug it in" in out
    assert out.endswith("The rest: fmnist-edge report result.json [--out page.md]\n")
    assert len(out.splitlines()) <= 24


def test_what_matters_on_the_first_screen_is_in_colour(screen: Screen) -> None:
    with redirect_stdout(screen):
        render.first_screen(reports.run(row(), row(case("b.npz"), failure=FAILURE)), None)
    shown = screen.getvalue()
    assert "\x1b[1;31mFailed: b.npz on numpy" in shown
    assert "\x1b[1;32mShip model.npz on numpy" in shown


def test_where_nothing_was_measured_the_reasons_go_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    skipped = Skipped("a.tflite", "openvino", "slow-import")
    render.left_out(replace(reports.run(), skipped=(skipped,)))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Not measured: a.tflite on openvino: openvino takes seconds to import")


def test_a_comparison_is_a_table_and_its_sum(capsys: pytest.CaptureFixture[str]) -> None:
    of = reports.case("a.tflite", "litert")
    old = reports.run(reports.row(of, 100.0, 101.0, 102.0))
    new = reports.run(reports.row(of, 200.0, 202.0, 204.0))
    render.comparison(compare(old, new))
    out, err = capsys.readouterr()
    assert " 2.00x slower" in out
    assert out.endswith("Back to back: 1 slower.\nPaced: 1 slower.\nCold: 1 slower.\n")
    assert err == ""


# Progress


def test_the_bar_is_drawn_at_most_twice_a_second(screen: Screen) -> None:
    display = render._BarDisplay(render._console(screen))
    display.start("Benchmark", 10)
    assert display._bar is not None
    assert display._bar.live.refresh_per_second <= 2
    display.finish()
