"""Machines whose truth is known: durations drawn from a seed, with no clock involved."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.records import replace
from fmnist_edge.result import Footprint, Measurement, Samples
from tests.examples import BACK_TO_BACK, MEASUREMENT

Durations = NDArray[np.float64]
World = Callable[[np.random.Generator, int], Durations]
_CALL: Final = 10_000.0  # nanoseconds


def lognormal(draw: np.random.Generator, count: int) -> Durations:
    """A machine at rest."""
    return _CALL * np.exp(0.2 * draw.standard_normal(count))


def bimodal(draw: np.random.Generator, count: int) -> Durations:
    """Seven calls of ten at one speed, three at another."""
    speed = np.where(draw.random(count) < 0.7, 1.0, 1.5)
    return _CALL * speed * np.exp(0.03 * draw.standard_normal(count))


def stalling(draw: np.random.Generator, count: int) -> Durations:
    """One call of a thousand waits for 5 ms."""
    return lognormal(draw, count) + np.where(draw.random(count) < 0.001, 5e6, 0.0)


def drifting(draw: np.random.Generator, count: int) -> Durations:
    """In the end, calls take half as long again as in the beginning."""
    return lognormal(draw, count) * np.linspace(1.0, 1.5, count)


def creeping(change: float) -> World:
    """From beginning to end, calls change their duration by so much: 0.1 for a tenth longer."""

    def world(draw: np.random.Generator, count: int) -> Durations:
        return lognormal(draw, count) * np.linspace(1.0, 1.0 + change, count)

    return world


def throttled(draw: np.random.Generator, count: int) -> Durations:
    """Half-way, the clock is lowered by a third."""
    return lognormal(draw, count) * np.where(np.arange(count) < count / 2, 1.0, 1.5)


STEADY: Final = MappingProxyType({"lognormal": lognormal, "bimodal": bimodal, "stalling": stalling})


def lived_in(
    world: World, draw: np.random.Generator, count: int, *, speed: float = 1.0, turns: int = 10
) -> Measurement:
    """What a process of that world measures, in turns of equal length."""
    taken = (speed * world(draw, count)).astype(np.uint64)
    hot = replace(
        BACK_TO_BACK,
        sample_ns=Samples.pack(taken),
        calls=count,
        busy_ns=int(taken.sum()),
        turn_samples=tuple(len(part) for part in np.array_split(taken, turns)),
    )
    return replace(MEASUREMENT, back_to_back=hot, footprint=Footprint(1, (0,)))


def true_percentile(world: World, share: float) -> float:
    """From so many calls that chance hardly matters."""
    return float(np.quantile(world(np.random.default_rng(99), 2_000_000), share))
