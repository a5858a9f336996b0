"""The numbers of a row, from samples whose statistics are known by heart."""

import numpy as np
import pytest

from fmnist_edge.bench import statistics
from fmnist_edge.result import Accuracy, Latency, Throughput
from tests.examples import measured


def _percentile(samples: list[int], share: float) -> int:
    return statistics.percentile(np.array(samples, np.uint64), share)


def test_percentiles_are_nearest_rank() -> None:
    ten = list(range(10, 101, 10))
    assert [_percentile(ten, share) for share in (0.5, 0.9, 0.91, 0.99, 1.0)] == [
        50,
        90,
        100,
        100,
        100,
    ]
    hundred = list(range(1, 101))
    assert [_percentile(hundred, share) for share in (0.001, 0.07, 0.9, 0.99)] == [1, 7, 90, 99]


def test_one_sample_is_every_percentile() -> None:
    assert [_percentile([7], share) for share in (0.01, 0.5, 0.99)] == [7, 7, 7]


def test_processes_are_pooled_and_keep_their_medians() -> None:
    taken = [measured([30, 10, 20]), measured([5]), measured([40, 60])]
    assert statistics.latency(taken) == Latency(
        count=6, p50=20, p90=60, p99=60, mean=27.5, fastest=5, process_medians=(20, 5, 40)
    )


def test_throughput_is_the_median_of_the_processes_that_have_one() -> None:
    rates = [None, Throughput(256, 300.0), Throughput(256, 100.0), Throughput(256, 120.0)]
    taken = [measured([1], throughput=rate) for rate in rates]
    assert statistics.throughput(taken) == Throughput(256, 120.0)
    assert statistics.throughput(taken[:1]) is None


def test_accuracy_counts_the_labels_that_are_right() -> None:
    truth = np.array([0, 9, 4, 4], np.uint8)
    assert statistics.accuracy("0944", truth) == Accuracy(4, 4)
    assert statistics.accuracy("0940", truth) == Accuracy(4, 3)
    assert statistics.accuracy("0940", truth).top1 == 0.75
    assert statistics.accuracy("1111", truth).top1 == 0.0


@pytest.mark.parametrize(("images", "correct"), [(0, 0), (10, 11), (10, -1)])
def test_an_impossible_accuracy_is_refused(images: int, correct: int) -> None:
    with pytest.raises(ValueError, match=f"{correct} of {images} images"):
        Accuracy(images, correct)
