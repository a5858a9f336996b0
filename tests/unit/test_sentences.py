"""Every code of a result has a sentence that tells all its numbers."""

import string
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest

from fmnist_edge.report import sentences
from fmnist_edge.report.figures import named
from fmnist_edge.report.sentences import Told
from fmnist_edge.result import (
    Figure,
    NotChecked,
    Percentile,
    Reason,
    Remark,
    RuleCheck,
    Skipped,
    codes,
)

_TABLES: tuple[tuple[Mapping[str, codes.Names], Mapping[str, Told]], ...] = (
    (codes.REASONS, sentences.REASONS),
    (codes.NOT_CHECKED, sentences.NOT_CHECKED),
    (codes.REMARKS, sentences.REMARKS),
    (codes.RULES, sentences.RULES),
    (codes.SKIPPED, sentences.SKIPPED),
)
_CODES = [
    pytest.param(names, told.get(code), id=code)
    for known, told in _TABLES
    for code, names in known.items()
]


def _names(template: str) -> Iterator[str]:
    for _, name, form, _ in string.Formatter().parse(template):
        if name is not None:
            yield name
            yield from _names(form or "")


@pytest.mark.parametrize(("names", "told"), _CODES)
def test_every_code_has_a_sentence_with_all_its_values(
    names: codes.Names, told: Told | None
) -> None:
    assert told is not None
    used = {name for each in (told.sentence, told.cure, told.found) for name in _names(each)}
    # The packages are those of the extra.
    needed = {"extra" if name == "packages" else name for name in used - {"runtime"}}
    assert needed == set(names)


def test_there_is_no_sentence_without_a_code() -> None:
    for known, told in _TABLES:
        assert told.keys() == known.keys()
    codes_or_none = get_args(Percentile.__annotations__["refusal"])
    assert sentences.REFUSALS.keys() == set(get_args(codes_or_none[0]))


def test_every_reason_and_everything_skipped_has_a_cure() -> None:
    for told in (*sentences.REASONS.values(), *sentences.SKIPPED.values()):
        is_command = ": " in told.cure
        assert told.cure.endswith(".") != is_command


def test_every_rule_tells_what_was_found_or_that_nothing_was() -> None:
    always = {"min-samples", "min-seconds", "windows", "window-seconds", "min-processes"}
    assert sentences.NOT_FOUND.keys() == codes.RULES.keys() - always


def test_a_sentence_writes_numbers_with_their_units_and_counts_with_their_nouns() -> None:
    values = {"processes_affected": 2, "processes": 5, "slower_share": 0.26}
    told = sentences.reason(Reason("speed-drifts", "SUSPECT", ("p50",), values))
    assert told.sentence == (
        "The speed changed in 2 of 5 processes: a third of the turns took 26 % longer than another "
        "third."
    )
    values = {"regime": "paced", "samples": 1, "samples_needed": 22}
    told = sentences.reason(Reason("too-few-samples", "SUSPECT", ("p90",), values))
    assert told.sentence == "The row has 1 paced sample; a 90th percentile needs 22."


def test_a_remark_and_what_was_not_checked_are_sentences() -> None:
    values = {"rate_hz": 30.0, "paced_p50_ns": 1e6, "times": 33.333, "service_p50_ns": 5e5}
    assert sentences.remark(Remark("paced-is-slower", values)).sentence == (
        "Called at 30 Hz, an answer takes 1.00 ms: 33.3 times as long as back to back. The call "
        "itself takes 500 µs of it."
    )
    unread = NotChecked("sensor-unreadable", {"what": "fan", "why": "there is none"})
    assert sentences.not_checked(unread).sentence == "fan: there is none"


def _rule(rule: str, **values: Any) -> Told:  # noqa: ANN401 - any value
    return sentences.rule(RuleCheck("mobile-like", rule, met=False, values=values))


def test_a_rule_tells_what_it_asks_for_and_what_was_found() -> None:
    told = _rule("min-samples", samples=3, samples_needed=1_024)
    assert (told.sentence, told.found) == ("mobile-like: at least 1,024 samples", "3 samples")
    told = _rule("reference-accuracy", reference="a.tflite", share=0.97, share_needed=0.98)
    assert told.sentence == "mobile-like: accuracy at least 98 % of the float reference"
    assert told.found == "97 % of a.tflite"


def test_a_rule_without_anything_to_hold_against_it_says_so() -> None:
    assert _rule("early-stopping-p90").found == "there is no p90"
    assert _rule("median-throughput").found == "no time passed"
    told = _rule("reference-accuracy", share_needed=0.98)
    assert told.sentence == "mobile-like: accuracy at least 98 % of the float reference"
    assert told.found == "the accuracy, or that of a float reference, is not known"


def test_what_was_skipped_is_named_with_its_runtime() -> None:
    told = sentences.skipped(Skipped("a.tflite", "litert", "not-installed", {"extra": "litert"}))
    assert told.sentence == "a.tflite on litert: litert is not installed."
    assert told.cure == "Install it with: python -m pip install 'ai-edge-litert>=2.1'"
    values = {"format": "keras", "runtimes": "null, litert"}
    told = sentences.skipped(Skipped("a.keras", None, "no-runtime", values))
    assert told.sentence == (
        "a.keras: None of the runtimes in use (null, litert) opens keras files."
    )


def test_a_percentile_that_is_given_has_no_refusal() -> None:
    assert sentences.refusal(Percentile(0.9, 4_000.0)) == ""
    assert sentences.refusal(Percentile(0.99, None, "too-few-samples", 662)) == (
        "fewer than 662 samples"
    )
    assert sentences.refusal(Percentile(0.99, None, "samples-are-means")) == (
        "each sample is the mean of several calls"
    )


def test_what_schema_2_wrote_as_text_is_told_as_it_is() -> None:
    values = {"text": "It is hot", "cure": "Cool it"}
    assert sentences.reason(Reason("throttled", "INVALID", ("p50",), values)) == Told(
        "It is hot", "Cool it"
    )
    rule = RuleCheck("quick", "at least 64 samples", met=False, values={"text": "3"})
    assert sentences.rule(rule) == Told("quick: at least 64 samples", found="3")


def test_an_unknown_code_and_a_missing_value_are_told_as_they_are() -> None:
    later = Remark("later", {"wait_ns": 1_500})
    assert sentences.remark(later).sentence == "later (wait_ns 1.50 µs)"
    assert sentences.remark(Remark("later")).sentence == "later"
    assert sentences.remark(Remark("governor")).sentence == (
        "The CPU frequency governor is ?, which lowers the clock at times."
    )


# Figures


@pytest.mark.parametrize(
    ("figures", "names"),
    [
        (("p50",), "p50"),
        (("p50", "p90", "p95", "p99", "p99.9"), "p50 and p90 to p99.9"),
        (("p95", "p99", "p99.9"), "p95 to p99.9"),
        (("p99.9",), "p99.9"),
        (("ratio", "p50", "paced-p50", "throughput"), "x fastest, p50, paced p50 and throughput"),
        (("paced-p50", "paced-p90"), "paced"),
        ((*(set(get_args(Figure)) - {"memory", "accuracy", "energy"}),), "all times"),
    ],
)
def test_figures_are_named_in_groups(figures: tuple[Figure, ...], names: str) -> None:
    assert named(figures) == names
