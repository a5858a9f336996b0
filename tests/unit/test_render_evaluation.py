"""An evaluation on a terminal, and in a file."""

from contextlib import redirect_stdout

import numpy as np
import pytest

from fmnist_edge.dataset import LABELS
from fmnist_edge.evaluation import ClassScore, Mistake
from fmnist_edge.pipeline.evaluate import Evaluated
from fmnist_edge.records import replace
from fmnist_edge.report.evaluation import evaluation_tables, headline, short_name, summary
from fmnist_edge_cli import render
from tests.golden.test_golden_evaluation import EVALUATION
from tests.unit.test_render import Screen

# As wide as it can become: every number of train, and the longest names.
_FULL = replace(
    EVALUATION,
    split="train",
    images=55_000,
    classes=tuple(ClassScore(label, 5_500, 5_500, 1.0, 1.0, 1.0) for label in LABELS),
    confusion=((5_500,) * 10,) * 10,
    mistakes=tuple(Mistake(54_999, "T-shirt/top", "Ankle boot", 1.0) for _ in range(7)),
)
DONE = Evaluated(_FULL, np.full((7, 28, 28), 200, np.uint8))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """To redirect stdout to: 80 columns with all colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("COLUMNS", "80")
    return Screen()


def test_the_headline_tells_file_runtime_and_images() -> None:
    assert headline(EVALUATION) == (
        "default-int8.tflite (242.0 kB) on litert 2.3.0",
        "4 test images, 1 thread, batch 1",
    )


def test_the_accuracy_stands_with_its_interval_and_the_baseline() -> None:
    accuracy, baseline, entropy, calibration, *_ = summary(EVALUATION).rows
    assert accuracy == ("accuracy", "75.00 %", "95 % interval 30.06 to 95.44 %; 3 right")
    assert baseline == ("baseline", "50.00 %", "always the same class (T-shirt/top)")
    assert entropy == ("cross-entropy", "0.4375", "nats per image")
    assert calibration == ("calibration error", "12.50 %", "expected, over 2 bins of equal width")


def test_tables_show_what_is_unknown_as_missing_and_none_as_a_dot() -> None:
    tables = dict(evaluation_tables(EVALUATION))
    assert tables["Each class"].rows[2] == ("Pullover", "0", "0", "-", "-", "-")
    [matrix] = [table for title, table in tables.items() if title.startswith("Confusion")]
    assert matrix.headers == ("true", "Top", "Trous", "Pull")
    assert matrix.rows[1] == ("Trouser", "·", "2", "·")
    assert tables["Mixed up most often"].rows == (("T-shirt/top", "Trouser", "1", "50.0"),)


def test_short_names_of_the_classes_differ() -> None:
    short = [short_name(label) for label in LABELS]
    assert len(set(short)) == 10
    assert max(map(len, short)) <= 6


def test_in_a_file_everything_is_text_of_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    render.evaluation(DONE)
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
    assert "54999  T-shirt/top  Ankle boot" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_terminal_with_colours_shows_the_worst_images(
    screen: Screen, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Screen, "encoding", "utf-8", raising=False)
    with redirect_stdout(screen):
        render.evaluation(DONE)
    shown = screen.getvalue()
    assert "38;2;200;200;200" in shown
    # Five beside each other, and two below.
    lines = [line for line in shown.splitlines() if "as Ankle boot" in line]
    assert [line.count("as Ankle boot") for line in lines] == [5, 2]
    assert "#54999 100.00%" in shown
    assert "confidence %" not in shown
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "xterm")]
)
def test_a_terminal_without_greys_gets_a_list(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.delenv("COLORTERM")
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(Screen, "encoding", "utf-8", raising=False)
    with redirect_stdout(screen):
        render.evaluation(DONE)
    assert "▀" not in screen.getvalue()
    assert "54999  T-shirt/top  Ankle boot" in screen.getvalue()


def test_without_mistakes_none_are_announced(capsys: pytest.CaptureFixture[str]) -> None:
    render.evaluation(Evaluated(replace(_FULL, mistakes=()), DONE.worst[:0]))
    assert "wrong" not in capsys.readouterr().out
