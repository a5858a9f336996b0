"""A run as a page that can be read without the program."""

from dataclasses import replace

from fmnist_edge.report.markdown import markdown_report, markdown_table
from fmnist_edge.report.table import Table
from fmnist_edge.result import Row, Skipped
from tests.examples import FAILURE, case, row, run


def _headings(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("#")]


def test_numbers_are_aligned_to_the_right() -> None:
    table = Table(("model", "p50"), (("a", "1"), ("b", "2")), numeric=(False, True))
    assert markdown_table(table) == "| model | p50 |\n| :-- | --: |\n| a | 1 |\n| b | 2 |"


def test_a_name_does_not_break_the_table() -> None:
    table = Table(("model",), (("a|b",),), numeric=(False,))
    assert markdown_table(table).splitlines()[-1] == r"| a\|b |"


def test_a_page_has_only_the_sections_it_needs() -> None:
    assert _headings(markdown_report(run(row()))) == [
        "# Fashion-MNIST on this machine",
        "## How it was measured",
        "## Machine",
        "## Versions",
    ]


def test_a_page_tells_what_failed_and_what_was_left_out() -> None:
    failed = Row(case("b.npz"), (), None, None, None, FAILURE)
    page = markdown_report(
        replace(
            run(row(), failed), skipped=(Skipped("a.tflite on litert", "it is gone", "Fetch."),)
        )
    )
    assert _headings(page)[1:3] == ["## Failed", "## Not measured"]
    assert "\n- b.npz on numpy: It fell. Pick it up.\n" in page
    assert "\n- a.tflite on litert: it is gone. Fetch.\n" in page


def test_a_page_tells_machine_and_versions() -> None:
    page = markdown_report(run(row()))
    assert "## Machine\n\n- model: a toaster\n" in page
    assert page.endswith("## Versions\n\n- python: 3.11.0\n")


def test_a_page_tells_the_protocol_that_was_really_used() -> None:
    page = markdown_report(run(row()))
    for fact in (
        "protocol `test`",
        "3 fresh process(es)",
        "1 calls to warm up",
        "1 image(s) per call on 1 thread(s)",
        "at least 0 s and 4 calls (at most 8), over 5 different images",
        "at 2 images per call",
    ):
        assert fact in page


def test_batches_and_threads_are_those_of_the_rows() -> None:
    eight = replace(case(threads=4), batch=8)
    page = markdown_report(run(row(eight), row(replace(eight, threads=2))))
    assert "then 8 image(s) per call on 2 or 4 thread(s)" in page
