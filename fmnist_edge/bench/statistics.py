"""The statistics of a row; each can be computed again from the samples in the result."""

import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.records import replace
from fmnist_edge.result import (
    BackToBack,
    ColdStart,
    Interval,
    Latency,
    Measurement,
    Percentile,
    Samples,
    Stages,
    StageTimes,
    Throughput,
)
from fmnist_edge.stats.intervals import (
    early_stopping_percentile,
    mean_interval,
    percentile,
    samples_needed,
)

SHARES: Final = (0.9, 0.95, 0.99, 0.999)
_MEDIAN: Final = 0.5
# Half the width of the 99 % interval of a median, in ranks, per root of the number of samples.
_RANKS: Final = 1.29
# Fewer samples have no such interval.
_FEWEST_FOR_A_MEDIAN: Final = 9
# So many samples give the median of a turn to some percent; so many turns give their spread.
_SAMPLES_OF_A_TURN: Final = 64
_FEWEST_TURNS: Final = 10

Durations = NDArray[np.float64]


def back_to_back(measurements: Sequence[Measurement]) -> Latency:
    """Return the latency of calls one after the other, over all processes.

    Raises:
        ValueError: There are no samples.
    """
    hot = [each.back_to_back for each in measurements]
    found = latency([_per_call(each) for each in hot], max(each.calls_per_sample for each in hot))
    turns = tuple(
        tuple(_middle(np.sort(turn)) for turn in _turns(each) if len(turn)) for each in hot
    )
    return replace(found, turn_p50_ns=turns)


def _per_call(hot: BackToBack) -> Durations:
    """Return the nanoseconds per call, float64[count], in order."""
    return hot.sample_ns.unpack() / hot.calls_per_sample


def paced(measurements: Sequence[Measurement]) -> tuple[Latency, Latency] | None:
    """Return the latency at fixed arrivals and the part that is the call; None without any."""
    taken = [each.paced for each in measurements if each.paced and each.paced.response_ns.count]
    if not taken:
        return None
    response = [each.response_ns.unpack().astype(np.float64) for each in taken]
    service = [each.service_ns.unpack().astype(np.float64) for each in taken]
    return latency(response), latency(service)


def latency(processes: Sequence[Durations], calls_per_sample: int = 1) -> Latency:
    """Return statistics over the samples of all processes, and the median of each process.

    Args:
        processes: float64[count] nanoseconds per call of each process.
        calls_per_sample: The number of calls that a sample is the mean of. Beyond 1, no percentile
            is given, because a mean hides slow calls.

    Raises:
        ValueError: There are no samples.
    """
    each = [np.sort(process) for process in processes if len(process)]
    if not each:
        raise ValueError("there are no samples")
    pooled = np.sort(np.concatenate(each))
    medians = tuple(percentile(process, _MEDIAN) for process in each)
    return Latency(
        samples=len(pooled),
        p50_ns=statistics.fmean(medians),
        p50_interval_ns=_interval(medians),
        percentiles=tuple(_percentile(pooled, share, calls_per_sample) for share in SHARES),
        mean_ns=float(pooled.mean()),
        min_ns=float(pooled[0]),
        max_ns=float(pooled[-1]),
        process_p50_ns=medians,
    )


def _interval(medians: Sequence[float]) -> Interval | None:
    found = mean_interval(medians)
    # No duration is negative, so the interval ends at 0.
    return Interval(max(0.0, found[0]), found[1]) if found else None


def _percentile(pooled: Durations, share: float, calls_per_sample: int) -> Percentile:
    if calls_per_sample > 1:
        return Percentile(share, None, "samples-are-means")
    bound = early_stopping_percentile(pooled, share)
    if bound is not None:
        return Percentile(share, bound)
    return Percentile(share, None, "too-few-samples", samples_needed(share))


def calls_per_second(measurements: Sequence[Measurement]) -> float | None:
    """Return the calls over the time of all turns; None where no time passed."""
    busy = sum(each.back_to_back.busy_ns for each in measurements)
    calls = sum(each.back_to_back.calls for each in measurements)
    return NS_PER_SECOND * calls / busy if busy else None


def throughput(measurements: Sequence[Measurement]) -> Throughput | None:
    """Return the median over the processes; None where the model cannot take the batch."""
    found = [each.throughput for each in measurements if each.throughput is not None]
    if not found:
        return None
    return Throughput(found[0].batch, statistics.median(each.images_per_second for each in found))


def cold(measurements: Sequence[Measurement]) -> ColdStart:
    """Return the median of each part over the processes, and that of the sums.

    Processes that had to compile for their device what others find compiled are left out where
    there are others.

    Raises:
        ValueError: There is no process.
    """
    return _cold([each for each in measurements if not _compiled(each)] or measurements)


def cold_empty(measurements: Sequence[Measurement]) -> ColdStart | None:
    """Return the same of the processes that had to compile; None where there is none."""
    found = [each for each in measurements if _compiled(each)]
    return _cold(found) if found else None


def _compiled(measurement: Measurement) -> bool:
    """Return whether the process started without, and ended with, something compiled."""
    cache = measurement.kernel_cache
    return cache is not None and cache.before_bytes == 0 < cache.after_bytes


def _cold(measurements: Sequence[Measurement]) -> ColdStart:
    parts = [each.cold for each in measurements]
    return ColdStart(*_medians((*astuple(each), each.total_ns) for each in parts))


def stages(measurements: Sequence[Measurement]) -> StageTimes | None:
    """Return medians over the processes' medians; None where no stages were measured."""
    taken = [_stage_medians(each.stages) for each in measurements if each.stages]
    known = [each for each in taken if each]
    return StageTimes(*_medians(known)) if known else None


def _stage_medians(taken: Stages) -> tuple[float, ...]:
    """Return the medians of one process; none if it took no samples."""
    parts = (taken.prepare_ns, taken.run_ns, taken.decode_ns)
    return tuple(_median(each) for each in parts) if all(each.count for each in parts) else ()


def _median(samples: Samples) -> float:
    return percentile(np.sort(samples.unpack()), _MEDIAN)


def _medians(rows: Iterable[Sequence[float]]) -> list[float]:
    """Return the median of each column."""
    return [float(statistics.median(column)) for column in zip(*rows, strict=True)]


def variation(values: Sequence[float]) -> float | None:
    """Return the coefficient of variation, 0.025 for 2.5 %; None for fewer than two values."""
    if len(values) < 2 or not any(values):  # noqa: PLR2004 - a single value does not vary
        return None
    return statistics.stdev(values) / statistics.fmean(values)


def drift(hot: BackToBack) -> float | None:
    """Return how many times as long the slowest third of the turns took as the fastest: 1.1.

    Differences that may be chance count as none: the 99 % intervals of the two medians, by ranks,
    must not overlap.

    Returns:
        1 or above; None where there are too few samples to tell.
    """
    thirds = [np.sort(each) for each in _thirds(hot)]
    if min(map(len, thirds)) < _FEWEST_FOR_A_MEDIAN:
        return None
    fast, slow = (choose(thirds, key=_middle) for choose in (min, max))
    apart = _rank(fast, _RANKS) < _rank(slow, -_RANKS)
    return _middle(slow) / max(_middle(fast), 1.0) if apart else 1.0


def _middle(ordered: Durations) -> float:
    return percentile(ordered, _MEDIAN)


def _rank(ordered: Durations, widths: float) -> float:
    """Return an end of the interval of the median, so many widths from the middle."""
    middle = (len(ordered) - 1) / 2
    shift = widths * np.sqrt(len(ordered))
    return float(ordered[int(np.floor(middle + shift) if widths < 0 else np.ceil(middle + shift))])


def _thirds(hot: BackToBack) -> list[Durations]:
    """Return the samples of the first, the second and the last third of the turns."""
    turns = _turns(hot)
    whole = turns if len(turns) >= 3 else list(np.array_split(_per_call(hot), 3))  # noqa: PLR2004
    cuts = [round(part * len(whole) / 3) for part in range(4)]
    return [np.concatenate(whole[start:stop]) for start, stop in pairwise(cuts)]


def _turns(hot: BackToBack) -> list[Durations]:
    return np.split(_per_call(hot), np.cumsum(hot.turn_samples, dtype=np.int64)[:-1])


def turn_spread(hot: Sequence[BackToBack], low: float = 0.2, high: float = 0.8) -> float | None:
    """Return how many times as long a call takes in slow turns as in fast ones.

    It is one percentile of the turns' medians over another: the 80th over the 20th differ on a
    machine with two speeds if each lasts for a fifth of the turns.

    Args:
        hot: The turns of each process.
        low: The percentile that stands for the fast turns, 0..1.
        high: The one that stands for the slow turns.

    Returns:
        None where there are too few turns of enough samples to tell.
    """
    long = [turn for each in hot for turn in _turns(each) if len(turn) >= _SAMPLES_OF_A_TURN]
    if len(long) < _FEWEST_TURNS:
        return None
    medians = np.sort([float(np.median(turn)) for turn in long])
    return percentile(medians, high) / max(percentile(medians, low), 1.0)
