"""What spoils the figures, told in short."""

import pytest

from fmnist_edge.report.doubts import BRIEFS, doubts
from fmnist_edge.result import Figure, Level, Reason, Row, codes
from tests import reports
from tests.examples import row

_SHOWN: tuple[Figure, ...] = ("ratio", "p50", "p90")


def _doubted(*reasons: tuple[str, Level, tuple[Figure, ...]]) -> Row:
    return reports.doubted(row(), *(Reason(*each) for each in reasons))


def test_every_reason_is_known_in_short() -> None:
    assert BRIEFS.keys() == codes.REASONS.keys()


@pytest.mark.parametrize(("why", "cure"), BRIEFS.values())
def test_what_is_short_begins_in_the_middle_of_a_sentence_and_its_cure_is_one(
    why: str, cure: str
) -> None:
    assert why[0].islower()
    assert cure[0].isupper()
    assert cure.endswith(".")


def test_reasons_with_one_cure_share_a_line() -> None:
    rows = [
        _doubted(("speed-drifts", "SUSPECT", ("p50",)), ("interrupted", "SUSPECT", ("p90",))),
        _doubted(("speed-drifts", "SUSPECT", ("p50",))),
    ]
    assert doubts(rows, _SHOWN) == (
        (
            "In doubt (?): p50 and p90 of all rows: the speed drifted and calls were interrupted. "
            "Close other programs and measure again."
        ),
    )


def test_the_worst_is_first_and_then_what_spoils_most() -> None:
    rows = [
        _doubted(
            ("on-battery", "SUSPECT", ("p50",)),
            ("throttled", "SUSPECT", ("p50", "p90")),
            ("outputs-differ", "INVALID", ("p50",)),
        ),
        row(),
    ]
    starts = [text.partition(".")[0] for text in doubts(rows, _SHOWN)]
    assert starts == [
        "Not to be used (!): p50 of 1 row: timed calls gave other outputs than untimed ones",
        "In doubt (?): p50 and p90 of 1 row: the machine was slowed down",
        "In doubt (?): p50 of 1 row: the machine ran on its battery",
    ]


def test_what_spoils_only_figures_that_are_not_shown_is_not_told() -> None:
    assert doubts([_doubted(("interrupted", "SUSPECT", ("p99",)))], _SHOWN) == ()


def test_many_reasons_are_counted() -> None:
    codes_of = ("speed-drifts", "several-speeds", "interrupted", "memory-pressure")
    [told] = doubts([_doubted(*((each, "SUSPECT", ("p50",)) for each in codes_of))], _SHOWN)
    assert "the speed drifted, calls have several speeds and 2 more. Close" in told


def test_reasons_of_the_second_schema_are_known_and_those_of_a_later_one_are_named() -> None:
    [older] = doubts([_doubted(("busy", "SUSPECT", ("p50",)))], _SHOWN)
    assert "other programs were running. Close other programs" in older
    [later] = doubts([_doubted(("moonlight", "SUSPECT", ("p50",)))], _SHOWN)
    assert later.endswith("moonlight. fmnist-edge report tells more.")
