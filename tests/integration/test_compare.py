"""`report` and `compare` as a person or a script meets them."""

import json
from pathlib import Path
from typing import Any

import pytest

from fmnist_edge.errors import NotComparableError, SlowerError, UsageError
from fmnist_edge.records import replace
from fmnist_edge.result import write_run
from tests import reports
from tests.commands import CommandLine, Finished
from tests.examples import FAILURE

PLACES = "before.json", "after.json"
BASELINE = (48_000.0, 48_500.0, 47_500.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two runs; in the second, one of the two models is 1.2 times as slow."""
    for place, times in zip(PLACES, (1.0, 1.2), strict=True):
        write_run(tmp_path / place, _run(times))
    return tmp_path


def _run(times: float, **changes: Any) -> Any:  # noqa: ANN401 - any field
    steady = (10_000.0, 10_050.0, 9_950.0)
    slowed = [times * each for each in steady]
    return reports.run(
        reports.row(reports.case("a.tflite", "litert"), *steady),
        reports.row(reports.case("b.tflite", "litert"), *slowed),
        reports.row(reports.case("c.tflite", "litert"), *steady, failure=FAILURE),
        *reports.baseline(*BASELINE),
        **changes,
    )


def _compare(inside: CommandLine, folder: Path, *options: str) -> Finished:
    return inside("compare", *PLACES, *options, cwd=folder)


def test_a_comparison_answers_with_a_table_and_its_sum(inside: CommandLine, folder: Path) -> None:
    done = _compare(inside, folder)
    assert done.returncode == 0
    told = " ".join(done.stdout.split())
    assert "b.tflite on litert back to back 10.0 µs 12.0 µs 1.20 1.19 to 1.21 1.20x slower" in told
    assert "Back to back: 1 slower, 1 without a detectable difference.\n" in done.stdout
    assert "Failed in the new run: c.tflite on litert.\n" in done.stderr


@pytest.mark.parametrize(
    ("allowed", "code"), [("5%", 93), ("5", 93), ("1.05x", 93), ("0", 93), ("25%", 0), ("1.25x", 0)]
)
def test_a_gate_fails_what_is_slower_than_allowed(
    inside: CommandLine, folder: Path, allowed: str, code: int
) -> None:
    done = _compare(inside, folder, "--fail-above", allowed)
    assert done.returncode == code
    assert "Back to back: 1 slower" in done.stdout
    assert ("b.tflite on litert (back to back: 1.20x slower)" in done.stderr) == bool(code)
    assert "a.tflite on litert (" not in done.stderr
    assert SlowerError.exit_code == 93


@pytest.mark.parametrize("allowed", ["fast", "-5%", "0.9x", "nan", "inf%", "%"])
def test_a_gate_that_is_no_share_is_refused(
    inside: CommandLine, folder: Path, allowed: str
) -> None:
    done = _compare(inside, folder, f"--fail-above={allowed}")
    assert (done.returncode, done.stdout, done.speaks_plainly) == (2, "", True)
    assert "like 5%" in done.stderr


def test_a_gate_that_cannot_tell_says_so(inside: CommandLine, folder: Path) -> None:
    single = reports.run(reports.row(reports.case("a.tflite", "litert"), 10_000.0))
    for place in PLACES:
        write_run(folder / place, single)
    done = _compare(inside, folder, "--fail-above", "5%")
    assert (done.returncode, done.speaks_plainly) == (UsageError.exit_code, True)
    assert "--processes 3" in done.stderr


def test_a_script_gets_json(inside: CommandLine, folder: Path) -> None:
    done = _compare(inside, folder, "--json", "-", "--fail-above", "5%")
    assert done.returncode == 93
    told = json.loads(done.stdout)
    assert told["same_machine"] is True
    row = next(each for each in told["rows"] if each["name"] == "b.tflite on litert")
    change = row["changes"][0]
    assert (change["regime"], change["outcome"]) == ("back to back", "slower")
    assert change["interval"]["low"] < change["ratio"] < change["interval"]["high"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data_sha256": "9" * 64}, "on different images"),
        ({"rows": ()}, "No row of the two runs is the same case"),
    ],
    ids=["data", "rows"],
)
def test_runs_that_cannot_be_compared_are_refused_in_one_sentence(
    inside: CommandLine, folder: Path, changes: dict[str, Any], sentence: str
) -> None:
    write_run(folder / PLACES[1], replace(_run(1.0), **changes))
    done = _compare(inside, folder)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (82, "", True)
    assert sentence in done.stderr
    assert NotComparableError.exit_code == 82


def test_another_file_is_no_result(inside: CommandLine, folder: Path) -> None:
    (folder / PLACES[0]).write_text("{}")
    done = _compare(inside, folder)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (80, "", True)


def test_a_report_tells_everything_unless_the_first_screen_is_asked_for(
    inside: CommandLine, folder: Path
) -> None:
    short = inside("report", PLACES[0], "--short", cwd=folder)
    full = inside("report", PLACES[0], cwd=folder)
    assert short.returncode == full.returncode == 0
    assert (short.stderr, full.stderr) == ("", "")
    for title in ("May the figures be believed?", "How it was measured", "Memory and disk"):
        assert f"\n{title}\n" in full.stdout
        assert title not in short.stdout
    for done in (short, full):
        assert "Ship " in done.stdout
    assert "\nFailed: c.tflite on litert: It fell. Pick it up.\n" in short.stdout
    assert "\nFailed\n- c.tflite on litert: It fell. Pick it up.\n" in full.stdout


def test_a_user_names_the_columns_of_the_first_screen(inside: CommandLine, folder: Path) -> None:
    done = inside("report", PLACES[0], "--short", "--columns", "cold, size", cwd=folder)
    header = [line.split() for line in done.stdout.splitlines()[1:3]]
    assert header == [["cold"], ["model", "runtime", "ms", "kB"]]
    wide = inside("report", PLACES[0], "--short", "--wide", cwd=folder)
    assert "verdict" in wide.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--short", "--columns", "size,colour"), "There is no column 'colour'."),
        (("--short", "--columns", "size", "--wide"), "--wide and --columns contradict each other."),
        (("--wide",), "--wide and --columns choose the columns of --short;"),
    ],
)
def test_columns_that_cannot_be_shown_are_refused(
    inside: CommandLine, folder: Path, options: tuple[str, ...], sentence: str
) -> None:
    done = inside("report", PLACES[0], *options, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    if "colour" in sentence:
        assert "The columns are: size, accuracy, change," in done.stderr


def test_a_report_becomes_a_page(inside: CommandLine, folder: Path) -> None:
    done = inside("report", PLACES[0], "--out", "page.md", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "page.md is written.\n")
    page = (folder / "page.md").read_text()
    assert "\n| b.tflite | litert |" in page
    assert "## How it was measured" in page
