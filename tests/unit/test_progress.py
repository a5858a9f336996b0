"""Whoever watches is told how long work goes on; whoever does not is left alone."""

import io

import pytest

from fmnist_edge.progress import SILENT, Progress
from fmnist_edge_cli.render import _BarDisplay, _console, _LineDisplay, progress_display
from tests.fakes import Time


def _watch(display: Progress) -> None:
    display.start("Train [small]", 40)
    for step in range(40):
        display.advance(note=f"loss {step}")
    display.advance(0)
    display.finish()
    display.say("Done: a/very/long/path " + "x" * 100)


def _lines() -> tuple[_LineDisplay, io.StringIO]:
    stream = io.StringIO()
    return _LineDisplay(_console(stream)), stream


def test_silence_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _watch(SILENT)
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_a_line_at_the_start_and_after_each_tenth() -> None:
    display, stream = _lines()
    _watch(display)
    lines = stream.getvalue().splitlines()
    assert lines[:3] == [
        "Train [small] ...",
        "Train [small]: 10 % (loss 3)",
        "Train [small]: 20 % (loss 7)",
    ]
    assert lines[10:] == ["Train [small]: 100 % (loss 39)", "Done: a/very/long/path " + "x" * 100]


def test_a_log_of_few_large_steps_skips_tenths() -> None:
    display, stream = _lines()
    display.start("Export", 2)
    display.advance(0, note="onnx-int8")
    display.advance()
    display.advance()
    assert stream.getvalue().splitlines() == [
        "Export ...",
        "Export: 50 % (onnx-int8)",
        "Export: 100 % (onnx-int8)",
    ]


def test_a_log_gets_a_line_every_30_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time().replace(monkeypatch)
    display, stream = _lines()
    display.start("Train", 1_000)
    for step in range(50):
        time.sleep(10)
        display.advance(note=f"loss {step}")
    display.start("Look around", None)
    for _ in range(4):
        time.sleep(10)
        display.advance()
    lines = stream.getvalue().splitlines()
    assert lines[:3] == ["Train ...", "Train: 0 % (loss 2)", "Train: 0 % (loss 5)"]
    assert lines[16] == "Train: 4 % (loss 47)"
    assert lines[17:] == ["Look around ...", "Look around: in progress"]


def test_a_second_piece_of_work_starts_from_nothing() -> None:
    display, stream = _lines()
    _watch(display)
    display.start("Again", 10)
    display.advance()
    assert stream.getvalue().splitlines()[-2:] == ["Again ...", "Again: 10 %"]


def test_work_of_unknown_length_is_announced() -> None:
    display, stream = _lines()
    display.start("Look around", None)
    display.advance(5, note="here")
    display.finish()
    assert stream.getvalue() == "Look around ...\n"


def test_a_bar_may_be_used_as_a_log_is() -> None:
    stream = io.StringIO()
    console = _console(stream)
    console.width = 200
    display = _BarDisplay(console)
    display.advance()  # nothing is under way yet
    _watch(display)
    display.start("Look around", None)
    display.start("Again", 1)  # ends what was under way
    display.finish()
    display.finish()
    for part in ("Train [small]", "100%", "loss 39", "Done: a/very/long/path", "Again"):
        assert part in stream.getvalue()


def test_every_step_that_has_a_note_gets_a_line_where_that_is_asked_for() -> None:
    stream = io.StringIO()
    display = _LineDisplay(_console(stream), every_step=True)
    display.start("Look around", 200)
    for number in range(3):
        display.advance(note=f"stone {number}")
    display.advance()
    assert stream.getvalue().splitlines() == [
        "Look around ...",
        "Look around: 0 % (stone 0)",
        "Look around: 1 % (stone 1)",
        "Look around: 1 % (stone 2)",
    ]


def test_a_display_that_is_to_be_quiet_shows_nothing() -> None:
    assert progress_display(quiet=True) is SILENT
