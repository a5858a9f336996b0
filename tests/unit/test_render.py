"""Answers go to stdout, everything else to stderr."""

import pytest

from fmnist_edge.errors import ExportError
from fmnist_edge.report.table import Table
from fmnist_edge_cli import render


def test_an_answer_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    render.line("Fine.")
    render.json_text({"path": "a"})
    assert capsys.readouterr() == ('Fine.\n{\n  "path": "a"\n}\n', "")


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


def test_a_table_in_a_file_is_as_wide_as_it_needs_to_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    # What looks like rich's markup is a name.
    cells = ("a-model-with-a-rather-long-name-[red]-:bug:.tflite", *["123.45"] * 12)
    render.table(Table(("model", *["accuracy %"] * 12), (cells,), (False, *[True] * 12)))
    out, err = capsys.readouterr()
    assert cells in [tuple(line.split()) for line in out.splitlines()]
    assert err == ""
