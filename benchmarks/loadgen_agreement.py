"""Does the harness measure the same as MLPerf's LoadGen?

    pip install mlcommons-loadgen
    python -m benchmarks.loadgen_agreement MODEL.tflite RESULT.json [ROUNDS]

LoadGen runs its SingleStream scenario, whose result is the early-stopping estimate of the 90th
percentile. It is compared with our clock on the very same calls, with our own loop of calls in
turns with LoadGen's, and with our rule for that estimate on LoadGen's own latencies, where both
must agree to the nanosecond. Run it on a machine that has nothing else to do.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.loadgen import INPUTS, single_stream
from fmnist_edge import runtimes
from fmnist_edge.artifact import Artifact, open_artifact
from fmnist_edge.bench import latency
from fmnist_edge.bench.baseline import EMPTY
from fmnist_edge.clock import timed
from fmnist_edge.files import write_atomically
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.records import Record, encode_json
from fmnist_edge.result import Interval
from fmnist_edge.session import Session, SessionOptions, synthetic_inputs
from fmnist_edge.stats.intervals import Ratio, early_stopping_percentile, paired_ratio, percentile
from fmnist_edge_cli import render

ROUNDS: Final = 50
# Calls per round and side, by batch. A batch of 64 takes hundreds of µs, LoadGen's own work a few.
CALLS: Final = {64: 300, 1: 1000}
_WARM_UP: Final = 50
# Numbers of calls around the fewest that give an estimate, and some larger ones.
COUNTS: Final = (63, 64, 65, 99, 100, 101, 662, 663, 1000, 1024, 1999, 2000, 4000)

Number = TypeVar("Number", int, float)


class SameCalls(Record):
    """Calls of a model that LoadGen made, timed by its clock and by ours; times are nanoseconds.

    Args:
        batch: The number of images per call.
        calls: The number of calls.
        loadgen_p50: LoadGen's median.
        loadgen_p90: LoadGen's early-stopping estimate.
        our_p50: Our median, of the call alone.
        our_p90: Our early-stopping estimate.
        least_added: The smallest difference of LoadGen's time and ours of a call.
        median_added: The median of these differences.
        most_added: The 90th percentile of these differences.
    """

    batch: int
    calls: int
    loadgen_p50: float
    loadgen_p90: float
    our_p50: float
    our_p90: float
    least_added: int
    median_added: float
    most_added: float


class Round(Record):
    """Medians and early-stopping estimates of p90 in nanoseconds, taken one after the other.

    Args:
        null_p50: LoadGen's median of a session that does nothing.
        null_p90: LoadGen's p90 of a session that does nothing.
        loadgen_p50: LoadGen's median of the model.
        loadgen_p90: LoadGen's p90 of the model.
        our_p50: Our median of the model.
        our_p90: Our p90 of the model.
    """

    null_p50: int
    null_p90: int
    loadgen_p50: int
    loadgen_p90: int
    our_p50: float
    our_p90: float


class Times(Record):
    """LoadGen's time, less that of doing nothing, over ours; mean and interval are over rounds."""

    ratio: float
    interval: Interval


class OwnCalls(Record):
    """Calls that LoadGen and our loop made, each on its own, in turns."""

    batch: int
    calls_per_round: int
    p50: Times
    p90: Times
    rounds: tuple[Round, ...]


class Estimates(Record):
    """The early-stopping estimates of LoadGen and of our rule for the same latencies."""

    queries: int
    loadgen_discards: int | None
    loadgen_p90: int | None
    loadgen_p99: int | None
    our_discards: int | None
    our_p90: float | None
    our_p99: float | None


class Outcome(Record):
    """The content of the result file."""

    model: str
    sha256: str
    host: dict[str, str | int | float]
    versions: dict[str, str]
    same_calls: tuple[SameCalls, ...]
    own_calls: tuple[OwnCalls, ...]
    estimates: tuple[Estimates, ...]


def same_calls(artifact: Artifact, batch: int) -> SameCalls:
    """Let LoadGen make calls that our clock times as well.

    Args:
        artifact: A TFLite file that takes any batch.
        batch: The number of images per call.
    """
    session, tensors = _open("litert", artifact, batch)
    ours: list[int] = []

    def call(index: int) -> None:
        _, taken = timed(lambda: session.run(tensors[index]))
        ours.append(taken)

    stream = single_stream(call, CALLS[batch], trace=True)
    own = np.array(ours, np.int64)
    added = np.sort(stream.latencies.astype(np.int64) - own)
    return SameCalls(
        batch,
        len(own),
        stream.p50,
        _known(stream.p90),
        percentile(np.sort(own), 0.5),
        _known(early_stopping_percentile(np.sort(own), 0.9)),
        int(added[0]),
        percentile(added, 0.5),
        percentile(added, 0.9),
    )


def own_calls(artifact: Artifact, batch: int, rounds: int, tick: Callable[[], None]) -> OwnCalls:
    """Let LoadGen and our own loop call the same session in turns.

    Args:
        artifact: A TFLite file that takes any batch.
        batch: The number of images per call.
        rounds: The number of turns of each.
        tick: Called after each round.
    """
    model = _open("litert", artifact, batch)
    nothing = _open("null", EMPTY, batch)
    taken = []
    for _ in range(rounds):
        taken.append(_round(model, nothing, CALLS[batch]))
        tick()
    return OwnCalls(
        batch,
        CALLS[batch],
        _times([(each.our_p50, each.loadgen_p50 - each.null_p50) for each in taken]),
        _times([(each.our_p90, each.loadgen_p90 - each.null_p90) for each in taken]),
        tuple(taken),
    )


Opened = tuple[Session, list[NDArray[Any]]]


def _open(runtime: str, artifact: Artifact, batch: int) -> Opened:
    """Open a session and warm it up; return it with its inputs."""
    module = runtimes.get(runtime)
    module.load_library()
    session = module.open(artifact, SessionOptions(batch=batch))
    images = synthetic_inputs(session.input, batch * INPUTS, seed=0)
    tensors = [session.prepare(part) for part in np.split(images, INPUTS)]
    latency.warm_up(session.run, tensors, _WARM_UP, seconds=1.0)
    return session, tensors


def _round(model: Opened, nothing: Opened, calls: int) -> Round:
    null, loadgen = (
        single_stream(lambda index, s=session, t=tensors: s.run(t[index]), calls)  # type: ignore[misc]
        for session, tensors in (nothing, model)
    )
    session, tensors = model
    turn = latency.back_to_back(
        session.run, tensors, first=0, seconds=0, at_least=calls, calls_per_sample=1
    )
    ordered = np.sort(turn.samples)
    return Round(
        null.p50,
        _known(null.p90),
        loadgen.p50,
        _known(loadgen.p90),
        percentile(ordered, 0.5),
        _known(early_stopping_percentile(ordered, 0.9)),
    )


def _known(estimate: Number | None) -> Number:
    if estimate is None:
        raise ValueError("There are too few calls for an estimate.")
    return estimate


def _times(pairs: Sequence[tuple[float, float]]) -> Times:
    ours = [own for own, _ in pairs]
    # Noise can make doing nothing seem to take longer than the model.
    found: Ratio = paired_ratio(ours, [max(1.0, net) for _, net in pairs])
    return Times(found.ratio, Interval(found.low, found.high))


def estimates(queries: int) -> Estimates:
    """Return both sides' estimates from one traced test of a session that does nothing."""
    session, tensors = _open("null", EMPTY, 1)
    stream = single_stream(lambda index: session.run(tensors[index]), queries, trace=True)
    ordered = np.sort(stream.latencies)
    p90 = early_stopping_percentile(ordered, 0.9)
    return Estimates(
        len(ordered),
        stream.discarded,
        stream.p90,
        stream.p99,
        # What is left out shows on ranks in the place of latencies.
        None if p90 is None else _discards(len(ordered)),
        p90,
        early_stopping_percentile(ordered, 0.99),
    )


def _discards(count: int) -> int:
    bound = early_stopping_percentile(np.arange(1, count + 1), 0.9)
    return count - int(bound or 0)


def measure(model: Path, rounds: int) -> Outcome:
    """Everything, on one file."""
    artifact, progress = open_artifact(model), render.progress_display()
    progress.start("Compare with LoadGen", rounds * len(CALLS))
    own = tuple(own_calls(artifact, batch, rounds, progress.advance) for batch in CALLS)
    progress.finish()
    return Outcome(
        model.name,
        artifact.sha256,
        dict(facts()),
        made_with(("mlcommons-loadgen", "ai-edge-litert", "numpy")),
        tuple(same_calls(artifact, batch) for batch in CALLS),
        own,
        tuple(map(estimates, COUNTS)),
    )


def main() -> None:
    model, result = Path(sys.argv[1]), Path(sys.argv[2])
    outcome = measure(model, int(sys.argv[3]) if len(sys.argv) > 3 else ROUNDS)
    write_atomically(result, encode_json(outcome).encode())
    for each in outcome.own_calls:
        for name, times in (("p50", each.p50), ("p90", each.p90)):
            found = f"x{times.ratio:.3f} [{times.interval.low:.3f}, {times.interval.high:.3f}]"
            print(f"batch {each.batch}: LoadGen's {name} is {found} of ours")


if __name__ == "__main__":
    main()
