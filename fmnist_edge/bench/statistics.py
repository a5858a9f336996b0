"""From samples to the numbers of a row; every one can be computed again from the samples."""

import statistics
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.result import Accuracy, Latency, Measurement, Throughput

__all__ = ["accuracy", "latency", "percentile", "throughput"]


def percentile(ordered: NDArray[np.uint64], share: float) -> int:
    """The nearest-rank percentile: the smallest sample that `share` of all do not exceed.

    Args:
        ordered: uint64[count] nanoseconds, ascending, at least one.
        share: Above 0, at most 1.
    """
    # Rounded first: 0.07 x 100 is 7.000000000000001 for a computer, and must not become 8.
    rank = int(np.ceil(round(share * len(ordered), 9)))
    return int(ordered[max(rank, 1) - 1])


def latency(measurements: Sequence[Measurement]) -> Latency:
    """Statistics over the samples of all processes, and the median of each process."""
    each = [measurement.samples.unpack() for measurement in measurements]
    pooled = np.sort(np.concatenate(each))
    return Latency(
        count=len(pooled),
        p50=percentile(pooled, 0.50),
        p90=percentile(pooled, 0.90),
        p99=percentile(pooled, 0.99),
        mean=float(pooled.mean()),
        fastest=int(pooled[0]),
        process_medians=tuple(percentile(np.sort(part), 0.50) for part in each),
    )


def throughput(measurements: Sequence[Measurement]) -> Throughput | None:
    """The median over the processes; None where the model cannot take the batch."""
    found = [each.throughput for each in measurements if each.throughput is not None]
    if not found:
        return None
    return Throughput(found[0].batch, statistics.median(each.images_per_second for each in found))


def accuracy(labels: str, truth: NDArray[np.uint8]) -> Accuracy:
    """Compare given labels (one digit each) with the true ones, uint8[N]."""
    given = np.frombuffer(labels.encode("ascii"), np.uint8) - ord("0")
    return Accuracy(len(truth), int(np.sum(given == truth)))
