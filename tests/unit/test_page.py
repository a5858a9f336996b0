"""The whole report, section by section."""

from fmnist_edge.records import replace
from fmnist_edge.report.decision import decision
from fmnist_edge.report.page import sections
from fmnist_edge.report.table import benchmark_table
from fmnist_edge.result import NotChecked, Reason, Remark
from tests import reports
from tests.examples import row


def test_the_first_section_is_the_table_and_which_file_to_ship() -> None:
    run = reports.run(row())
    first = next(sections(run))
    assert first.table == benchmark_table(run)
    assert first.items == decision(run)
    assert first.items[0].startswith("Ship model.npz on numpy: ")


def test_reasons_and_what_was_not_checked_are_told_in_words_too() -> None:
    told = row(not_checked=(NotChecked("governor-unknown"),), remarks=(Remark("synthetic-inputs"),))
    run = reports.run(reports.doubted(told, Reason("on-battery", "INVALID", ("p50",))))
    by_title = {section.title: section for section in sections(replace(run, rounds=1))}
    believed = by_title["May the figures be believed?"]
    assert [text.partition(":")[0] for text in believed.in_words] == ["INVALID", "Not checked"]
    assert by_title["Remarks"].items[0].startswith("model.npz on numpy: The inputs are noise")
    [notes] = by_title["Fashion-MNIST on this machine"].paragraphs
    for part in ("The run was interrupted", "Not given back to back", "Not given paced", "Energy"):
        assert part in notes
