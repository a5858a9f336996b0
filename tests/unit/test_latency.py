"""Sampling goes by its rules, and leaves the interpreter as it was."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.bench import latency
from fmnist_edge.bench.latency import images_per_second, sample, timed
from tests.examples import SETTINGS

_TENSORS = [np.array([number]) for number in range(3)]
_LONG = 1e6  # seconds: nobody waits for that


class Runner:
    """An inference that notes its inputs."""

    def __init__(self) -> None:
        self.inputs: list[int] = []
        self.collected = False

    def __call__(self, tensor: NDArray[Any]) -> None:
        self.inputs.append(int(tensor[0]))
        self.collected |= gc.isenabled()


class Clock:
    """A clock that jumps by so many nanoseconds each time it is read."""

    def __init__(self, *steps: int) -> None:
        self._steps = iter(steps)
        self._now = 0

    def __call__(self) -> int:
        self._now += next(self._steps)
        return self._now


@pytest.fixture
def collector() -> Iterator[None]:
    """Garbage collection as it usually is."""
    enabled = gc.isenabled()
    gc.enable()
    yield
    if not enabled:
        gc.disable()


def test_something_done_once_keeps_its_value() -> None:
    value, nanoseconds = timed(lambda: "done")
    assert value == "done"
    assert nanoseconds >= 0


def test_sampling_takes_as_many_as_it_must() -> None:
    taken = sample(Runner(), _TENSORS, replace(SETTINGS, min_samples=5, min_seconds=0.0))
    assert taken.shape == (5,)
    assert taken.dtype == np.uint64


def test_sampling_takes_no_more_than_it_may() -> None:
    settings = replace(SETTINGS, min_samples=5, max_samples=7, min_seconds=_LONG)
    assert len(sample(Runner(), _TENSORS, settings)) == 7
    assert len(sample(Runner(), _TENSORS, replace(settings, min_samples=99))) == 7


def test_sampling_goes_on_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Read once at the start, then before and after each call: calls of 400, 300 and 200 ns.
    monkeypatch.setattr(latency, "perf_counter_ns", Clock(5, 50, 400, 50, 300, 50, 200, 99))
    settings = replace(SETTINGS, min_samples=1, min_seconds=1e-6)
    assert sample(Runner(), _TENSORS, settings).tolist() == [400, 300, 200]


def test_inputs_go_round_and_the_warm_up_is_not_sampled() -> None:
    runner = Runner()
    taken = sample(runner, _TENSORS, replace(SETTINGS, warmup_calls=4, min_samples=3))
    assert len(taken) == 3
    assert runner.inputs == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.usefixtures("collector")
def test_the_garbage_collector_rests_while_samples_are_taken() -> None:
    runner = Runner()
    sample(runner, _TENSORS, replace(SETTINGS, warmup_calls=0))
    assert not runner.collected
    assert gc.isenabled()


@pytest.mark.usefixtures("collector")
def test_a_collector_that_rested_before_is_not_woken() -> None:
    gc.disable()
    sample(Runner(), _TENSORS, SETTINGS)
    assert not gc.isenabled()


@pytest.mark.usefixtures("collector")
def test_the_garbage_collector_is_back_after_a_failure() -> None:
    def fail(_: NDArray[Any]) -> None:
        raise RuntimeError("no memory")

    settings = replace(SETTINGS, warmup_calls=0)
    with pytest.raises(RuntimeError, match="no memory"):
        sample(fail, _TENSORS, settings)
    assert gc.isenabled()


def test_throughput_counts_whole_calls_over_the_time_they_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Three calls of 16 images; the third is under way when the microsecond is over.
    monkeypatch.setattr(latency, "perf_counter_ns", Clock(5, 400, 400, 400, 99))
    runner = Runner()
    assert images_per_second(runner, _TENSORS, 16, 1e-6) == pytest.approx(3 * 16 / 1.2e-6)
    assert runner.inputs == [0, 1, 2, 0, 1, 2]  # once around to warm up


def test_throughput_without_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match="there are no inputs"):
        images_per_second(Runner(), [], 16, 1.0)
