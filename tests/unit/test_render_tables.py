"""The tables of the pages are those of the result files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.render_tables import rendered
from fmnist_edge.errors import ResultSchemaError
from fmnist_edge.report.markdown import markdown_table
from fmnist_edge.report.screen import first_screen
from fmnist_edge.report.table import benchmark_table
from fmnist_edge.result import Reason, Run, write_run
from tests import reports

GOLDEN = Path(__file__).parents[1] / "golden"
RUN = reports.run(
    reports.row(reports.case("a.tflite", "litert"), 10_000.0, 10_100.0), *reports.baseline(48_000.0)
)


def _page(kind: str, path: Path, table: str = "") -> str:
    return f"# Title\n\n<!-- {kind}: {path} -->\n{table}\n<!-- end of table -->\n\nText.\n"


def _screen(run: Run) -> str:
    return f"```text\n{first_screen(run, 'result.json').text}\n```"


def _table(run: Run) -> str:
    return markdown_table(benchmark_table(run))


@pytest.mark.parametrize(("kind", "text"), [("screen", _screen), ("full", _table)])
def test_a_table_is_drawn_anew_and_the_rest_stays(
    kind: str, text: Callable[[Run], str], tmp_path: Path
) -> None:
    path = tmp_path / "result.json"
    write_run(path, RUN)
    drawn = rendered(_page(kind, path, "| old |"))
    assert drawn == _page(kind, path, text(RUN))
    assert rendered(drawn) == drawn


def test_a_table_with_marks_says_what_they_mean(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    doubted = [reports.doubted(row, Reason("on-battery", "SUSPECT", ("p50",))) for row in RUN.rows]
    write_run(path, reports.run(*doubted))
    drawn = rendered(_page("full", path))
    assert " 10.1? |" in drawn
    assert "|\n\nA number with ? is SUSPECT" in drawn


def test_a_page_of_a_reader_is_narrower_than_a_screen(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_run(path, RUN)
    assert max(map(len, rendered(_page("screen", path)).splitlines())) < 120


def test_a_model_index_has_a_line_for_each_published_file(tmp_path: Path) -> None:
    path = tmp_path / "reference.json"
    figures = [
        {"preset": preset, "seed": seed, "test_accuracy": accuracy}
        for preset, seed, accuracy in (("nano", 0, 0.85), ("nano", 1, 0.86), ("best", 0, 0.93))
    ]
    path.write_text(json.dumps({"figures": figures, "published": {"nano": 1, "best": 0}}))
    page = f"---\nlicense: mit\n# model-index: {path}\nold\n# end of model-index\n---\n\nText.\n"
    drawn = rendered(page)
    assert rendered(drawn) == drawn
    head, first, *entries, last = drawn.partition("license: mit\n")[2].split("\n---")[0].split("\n")
    assert (head, first, last) == (
        f"# model-index: {path}",
        "model-index:",
        "# end of model-index",
    )
    told = [json.loads(each.removeprefix("  - ")) for each in entries]
    assert [each["name"] for each in told] == ["nano-int8.tflite", "best-int8.tflite"]
    assert [each["results"][0]["metrics"] for each in told] == [
        [{"type": "accuracy", "value": 0.86}],
        [{"type": "accuracy", "value": 0.93}],
    ]


def test_a_run_of_an_older_schema_is_no_table() -> None:
    with pytest.raises(ResultSchemaError, match=r"run_v1\.json"):
        rendered(_page("full", GOLDEN / "run_v1.json"))
