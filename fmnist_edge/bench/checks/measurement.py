"""Checks of the measurements: whether they agree with each other and measured the real work."""

import statistics
from collections.abc import Iterator, Mapping
from typing import Final

from fmnist_edge.bench.checks.cpu_time import CpuTime
from fmnist_edge.bench.checks.finding import PACED, TAILS, WARM, Check, Finding
from fmnist_edge.bench.rules import PROCESSES
from fmnist_edge.bench.statistics import drift, turn_spread, variation
from fmnist_edge.result import Figure, Latency, NotChecked, Reason, Row, Value, Values
from fmnist_edge.stats.intervals import paired_ratio, samples_needed

_SAME: Final = 1e-6
# MLPerf's audit TEST04: calls on one input may be a tenth faster.
_CACHED: Final = 1.10
# Other load on the machine does not make a difference this large in every process.
_BEYOND_CHANCE: Final = 3.0
_CONFIDENCE: Final = 0.99
# The limit of NVIDIA's trtexec.
_STEADY_SHARE: Final = 0.025
# The next four are proposals of this project; there are no published rules.
_PACED_STEADY_SHARE: Final = 0.20
_DRIFTING: Final = 1.10
_SEVERAL_SPEEDS: Final = 1.25
_THE_MIDDLE: Final = (0.4, 0.6)
# A percentile p is spoilt where interrupted calls are more than this part of the slowest 1 - p.
_OF_THE_SLOWEST: Final = 0.5
# A program that interrupts another runs for about as long as this at least.
_SHORTEST_NS: Final = 100_000


def _outputs_differ(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    differences = [each.audit.max_abs_difference for each in row.measurements]
    # `not <=` instead of `>`, so that NaN counts as a difference.
    wrong = [difference for difference in differences if not difference <= _SAME]
    if wrong:
        values = {
            "processes_affected": len(wrong),
            "processes": len(differences),
            "max_abs_difference": max(wrong),
        }
        yield Reason("outputs-differ", "INVALID", (*WARM, "accuracy"), values)


def _not_audited(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    if not sum(each.audit.compared for each in row.measurements):
        yield Reason("not-audited", "INVALID", (*WARM, "accuracy"))


def _answers_cached(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    ratios = [each.audit.repeat_ratio for each in row.measurements]
    known = [ratio for ratio in ratios if ratio is not None and ratio > 0]
    if not known:
        yield NotChecked("caching-not-tried")
        return
    median = statistics.median(known)
    if median <= _CACHED:
        return
    # Other load during one of the two bursts looks just like a cache, but not in all processes.
    certain = paired_ratio([1.0] * len(known), known, _CONFIDENCE).low > 1
    if certain or min(known) > _BEYOND_CHANCE:
        values = {"repeat_ratio": median, "limit_ratio": _CACHED}
        yield Reason("answers-cached", "INVALID", WARM, values)
    elif len(known) == 1:
        yield NotChecked("caching-in-one-process", {"repeat_ratio": median})
    else:
        yield NotChecked(
            "caching-undecided",
            {
                "repeat_ratio": median,
                "min_ratio": min(known),
                "max_ratio": max(known),
                "processes": len(known),
            },
        )


def _too_few_processes(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    found = len(row.measurements)
    if found < PROCESSES:
        values = {"processes": found, "processes_needed": PROCESSES}
        figures: tuple[Figure, ...] = ("ratio", "p50", "paced-p50", "throughput")
        yield Reason("too-few-processes", "SUSPECT", figures, values)


def _too_few_samples(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    needed = samples_needed(0.9)
    regimes: tuple[tuple[str, Latency | None, tuple[Figure, ...]], ...] = (
        ("back-to-back", row.back_to_back, ("p50", *TAILS)),
        ("paced", row.paced, PACED),
    )
    for regime, latency, figures in regimes:
        if latency and latency.samples < needed:
            values: Values = {
                "regime": regime,
                "samples": latency.samples,
                "samples_needed": needed,
            }
            yield Reason("too-few-samples", "SUSPECT", figures, values)


def _process_medians_vary(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    regimes: tuple[tuple[str, Latency | None, float, Figure], ...] = (
        ("back-to-back", row.back_to_back, _STEADY_SHARE, "p50"),
        ("paced", row.paced, _PACED_STEADY_SHARE, "paced-p50"),
    )
    for regime, latency, limit, figure in regimes:
        medians = latency.process_p50_ns if latency else ()
        found = variation(medians)
        if found is not None and found > limit:
            values: Values = {
                "regime": regime,
                "processes": len(medians),
                "variation_share": found,
                "limit_share": limit,
            }
            yield Reason("process-medians-vary", "SUSPECT", (figure,), values)
    if len(row.measurements) == 1:
        yield NotChecked("one-process")


def _speed_drifts(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Find processes whose speed changed.

    One that changes in most processes moves the median. Otherwise the medians of the processes tell
    whether it did (`process-medians-vary`), and only the tail is sure to have moved.
    """
    ratios = [drift(each.back_to_back) for each in row.measurements]
    known = [ratio for ratio in ratios if ratio is not None]
    drifted = [ratio for ratio in known if ratio > _DRIFTING]
    if not known:
        yield NotChecked("too-few-samples-for-drift")
    elif drifted:
        values = {
            "processes_affected": len(drifted),
            "processes": len(known),
            "slower_share": max(drifted) - 1,
        }
        figures = ("p50", *TAILS) if 2 * len(drifted) > len(known) else TAILS
        yield Reason("speed-drifts", "SUSPECT", figures, values)


def _several_speeds(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Find turns at several speeds; a median moves only if about half of them are slow."""
    hot = [each.back_to_back for each in row.measurements]
    spread, middle = turn_spread(hot), turn_spread(hot, *_THE_MIDDLE)
    if spread is not None and middle is not None and spread > _SEVERAL_SPEEDS:
        figures = ("p50", *TAILS) if middle > _DRIFTING else TAILS
        yield Reason("several-speeds", "SUSPECT", figures, {"slower_share": spread - 1})


def _interrupted(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Find percentiles that interrupted calls decide.

    Threads of one process interrupt each other, too, and the system counts that alike. What others
    interrupted, they had CPU time of.
    """
    hot = [each.back_to_back for each in row.measurements]
    known = [each for each in hot if each.cpu is not None and each.cpu.preemptions is not None]
    if not known:
        yield NotChecked("interruptions-not-counted")
        return
    interruptions = sum(each.cpu.preemptions or 0 for each in known if each.cpu)
    time = CpuTime.of(each.cpu for each in known)
    if time.wall_ns:
        interruptions = min(interruptions, time.lost_ns(row.case.threads) // _SHORTEST_NS)
    calls = sum(each.calls for each in known)
    share = interruptions / max(1, calls)
    shares: Mapping[Figure, float] = {"p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
    figures = tuple(name for name, p in shares.items() if share > _OF_THE_SLOWEST * (1 - p))
    if figures:
        values: Values = {
            "regime": "back-to-back",
            "interruptions": interruptions,
            "calls": calls,
            "interrupted_share": share,
        }
        yield Reason("interrupted", "SUSPECT", figures, values)


MEASUREMENT_CHECKS: Final[tuple[Check, ...]] = (
    _outputs_differ,
    _not_audited,
    _answers_cached,
    _too_few_processes,
    _too_few_samples,
    _process_medians_vary,
    _speed_drifts,
    _several_speeds,
    _interrupted,
)
