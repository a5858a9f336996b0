"""Find the smallest model that beats the majority, and keep the trail.

    python benchmarks/smallest_search.py OUT.json

Every network of few parameters is trained in the order of their number, with three seeds. The first
one whose seeds all beat the majority on validation, beyond the doubt of a Wilson interval, is the
preset `smallest`.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fmnist_edge import dataset
from fmnist_edge.dataset import Dataset
from fmnist_edge.files import write_atomically
from fmnist_edge.host.facts import facts
from fmnist_edge.libraries.keras import keep_to_cpu
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.progress import SILENT
from fmnist_edge.records import encode_json
from fmnist_edge.stats.classification import wilson_interval
from fmnist_edge.training import fit, presets
from fmnist_edge.training.outcome import Setting
from fmnist_edge.training.preset import Architecture

SEEDS: Final = (0, 1, 2)
POOLS: Final = (28, 14, 7)
HIDDEN: Final = ((), (1,), (2,), (4,))
MOST_PARAMETERS: Final = 60


@dataclass(frozen=True)
class Tried:
    """One network.

    Args:
        pool: Side of the squares that are averaged.
        hidden: Units of its hidden layers.
        bias: Whether the last layer has one.
        parameters: Weights and biases.
        validation_accuracy: Of each seed, 0..1.
        lower_ends: Of the 95 % Wilson interval of each.
        beats_majority: Whether every lower end is above the majority's accuracy.
    """

    pool: int
    hidden: tuple[int, ...]
    bias: bool
    parameters: int
    validation_accuracy: tuple[float, ...]
    lower_ends: tuple[float, ...]
    beats_majority: bool


@dataclass(frozen=True)
class Trail:
    """What lies in OUT.json.

    Args:
        majority: Its accuracy on validation.
        tried: By the number of parameters.
        host: The machine.
        tools: Versions.
    """

    majority: float
    tried: tuple[Tried, ...]
    host: Mapping[str, str]
    tools: Mapping[str, str]


def candidates() -> list[Architecture]:
    """Networks of few parameters, smallest first."""
    found = [
        replace(presets.get("smallest").architecture, pool=pool, hidden=hidden, bias=bias)
        for pool in POOLS
        for hidden in HIDDEN
        for bias in (False, True)
    ]
    small = [each for each in found if each.parameters <= MOST_PARAMETERS]
    return sorted(small, key=lambda each: each.parameters)


def accuracies(architecture: Architecture, data: Dataset) -> Iterator[float]:
    """On validation, of each seed."""
    preset = replace(presets.get("smallest"), architecture=architecture)
    for seed in SEEDS:
        fitted = fit.fit(preset, data, Setting(seed), SILENT)
        yield fit.accuracy(fitted.model, data.validation)


def main(out: str) -> None:
    keep_to_cpu(1)
    data = dataset.load(dataset.locate().path)
    images = len(data.validation)
    with suppress_native_output():
        counted = fit.fit(presets.get("majority"), data, Setting(0), SILENT)
        majority = fit.accuracy(counted.model, data.validation)
    tried: list[Tried] = []
    for each in candidates():
        with suppress_native_output():
            reached = tuple(accuracies(each, data))
        lower = tuple(wilson_interval(round(share * images), images)[0] for share in reached)
        beats = min(lower) > majority
        tried.append(
            Tried(each.pool, each.hidden, each.bias, each.parameters, reached, lower, beats)
        )
        print(f"{each.parameters} parameters: {', '.join(f'{share:.1%}' for share in reached)}")
    trail = Trail(majority, tuple(tried), facts(), made_with(fit.TOOLS))
    write_atomically(Path(out), encode_json(trail).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
