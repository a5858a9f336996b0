"""Measuring one case, inside a worker process: one method per order."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact
from fmnist_edge.bench import probes
from fmnist_edge.bench.accuracy import predictions
from fmnist_edge.bench.floor import NO_MODEL
from fmnist_edge.bench.lines import encode_scores
from fmnist_edge.bench.messages import Job, Order, Reply, Task
from fmnist_edge.bench.opened import Opened, batch_of, planned, tensors_of
from fmnist_edge.bench.own_data import OwnImages
from fmnist_edge.bench.plan import failure_of
from fmnist_edge.bench.supply import supply_for
from fmnist_edge.bench.turns import Tally
from fmnist_edge.clock import NS_PER_SECOND, timed
from fmnist_edge.dataset import Split
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.result import (
    Audit,
    Cold,
    Failure,
    Footprint,
    Measurement,
    Memory,
    Samples,
    Stages,
    Throughput,
)
from fmnist_edge.session import RuntimeModule, Session, SessionOptions, classify

__all__ = ["Data", "Instruments", "Measuring"]

_WARM_UP_SECONDS: Final = 0.25
_AUDIT_SECONDS: Final = 0.15
_FEWEST_COMPARED: Final = 8
_STAGES_SECONDS: Final = 0.2
_CLASSIFY_SECONDS: Final = 20.0
_THROUGHPUT_INPUTS: Final = 4
_RANK_OF_SCORES: Final = 2


@dataclass(frozen=True)
class Instruments:
    """What tells a process about itself.

    Args:
        memory: Resident and peak resident bytes; None where the system does not tell.
        footprint: Threads, CPUs, and how often it was preempted since it began.
    """

    memory: Callable[[], tuple[int | None, int | None]]
    footprint: Callable[[], Footprint]


@dataclass(frozen=True)
class Data:
    """What there is to feed models with: the test images, the user's, or neither."""

    test: Split | None = None
    own: OwnImages | None = None


class Measuring:
    """One case, from opening the model to the last number.

    Args:
        job: What to measure, and how.
        runtime: What to measure it on.
        data: What to feed it with.
        instruments: What tells this process about itself.
        start_ns: What starting this process took.
    """

    def __init__(
        self, job: Job, runtime: RuntimeModule, data: Data, instruments: Instruments, start_ns: int
    ) -> None:
        self._job: Final = job
        self._runtime: Final = runtime
        self._data: Final = data
        self._instruments: Final = instruments
        self._start_ns: Final = start_ns
        self._opened: Opened | None = None
        self._tasks: Final = {
            Task.OPEN: self._open,
            Task.BACK_TO_BACK: self._back_to_back,
            Task.PACED: self._paced,
            Task.REST: self._rest,
            Task.STRESS: self._stress,
        }

    def obey(self, order: Order) -> Reply:
        """Carry out one order; `OPEN` comes first.

        Raises:
            FmnistEdgeError: the model cannot be opened or run.
        """
        return self._tasks[order.task](order)

    @property
    def _state(self) -> Opened:
        if self._opened is None:
            raise ValueError("the first order must be to open the model")
        return self._opened

    def _open(self, _: Order) -> Reply:
        case, settings = self._job.case, self._job.settings
        start, _peak = self._instruments.memory()
        version, import_ns = timed(self._runtime.load_library)
        imported, _peak = self._instruments.memory()
        artifact = planned(self._job)
        options = SessionOptions(case.threads, case.batch, case.device)
        session, load_ns = timed(lambda: self._runtime.open(artifact, options))
        loaded, _peak = self._instruments.memory()
        # The floor has a shape and classes of its own; the user's data need not fit it.
        own = None if case.subject.is_floor else self._data.own
        supply = supply_for(session, self._data.test, own)
        first = session.prepare(batch_of(supply, session.batch, 0))
        output, first_ns = timed(lambda: session.run(first))
        self._opened = Opened(
            artifact,
            session,
            version,
            supply,
            Cold(self._start_ns, import_ns, load_ns, first_ns),
            (start, imported, loaded),
            None,
            Tally(session, tensors_of(supply, session, settings.distinct_images), settings),
        )
        self._opened.tally.witnesses.append((0, output.copy()))
        self._opened.tally.warm_up(_WARM_UP_SECONDS)
        return Reply()

    def _back_to_back(self, order: Order) -> Reply:
        before = self._instruments.footprint().preempted
        self._state.tally.back_to_back(order.seconds, order.samples)
        after = self._instruments.footprint().preempted
        if before is not None and after is not None:
            self._state.preempted = (self._state.preempted or 0) + after - before
        return Reply()

    def _paced(self, order: Order) -> Reply:
        self._state.tally.paced(order.samples)
        return Reply()

    def _stress(self, order: Order) -> Reply:
        tally = self._state.tally
        batch = self._state.session.batch
        _, calls = probes.images_per_second(tally.run, tally.tensors, batch, order.seconds)
        return Reply(calls=calls)

    def _rest(self, _: Order) -> Reply:
        state = self._state
        steady, peak = self._instruments.memory()
        footprint = replace(self._instruments.footprint(), preempted=state.preempted)
        stages = self._stages()
        wide, throughput, failure = self._throughput()
        classified = self._classify(wide) if self._job.classify else None
        audit = self._audit(classified)
        measurement = Measurement(
            inputs=state.supply.record,
            cold=state.cold,
            back_to_back=state.tally.record_back_to_back(),
            paced=state.tally.record_paced(),
            stages=stages,
            audit=audit,
            memory=Memory(*state.memory, steady, peak),
            footprint=footprint,
            throughput=throughput,
            throughput_failure=failure,
            runtime_version=state.version,
            used=dict(state.session.used),
            predictions=predictions(classified.scores) if classified else None,
        )
        state.session.close()
        return Reply(measurement, encode_scores(classified.scores) if classified else "")

    def _audit(self, classified: "_Classified | None") -> Audit:
        """Compare what the timed calls answered with what the accuracy run said of these inputs."""
        state, tally = self._state, self._state.tally
        differences = []
        # Of calls that take long, a few: each is made once more.
        most = max(_FEWEST_COMPARED, int(_AUDIT_SECONDS * NS_PER_SECOND / tally.call_ns))
        compared = tally.witnesses[:: ceil(len(tally.witnesses) / most)]
        for index, output in compared:
            plain = self._untimed(index, classified)
            differences.append(float(np.max(np.abs(state.session.decode(output) - plain))))
        if not np.isfinite(differences).all():
            raise _no_numbers(state.artifact)
        ratio = probes.repeat_ratio(tally.run, tally.tensors, tally.call_ns, _AUDIT_SECONDS)
        return Audit(len(compared), max(differences), ratio)

    def _untimed(self, index: int, classified: "_Classified | None") -> NDArray[np.float32]:
        """The scores of the index-th input, from the accuracy run where this process made it."""
        state = self._state
        if classified is not None and classified.alike:
            size = state.session.batch
            rows = np.arange(index * size, (index + 1) * size) % len(classified.scores)
            scores: NDArray[np.float32] = classified.scores[rows]
            return scores
        # Copied before the next call: a runtime may answer in the same memory each time.
        return state.session.decode(state.session.run(state.tally.tensors[index]))

    def _stages(self) -> Stages:
        session, supply = self._state.session, self._state.supply
        count = min(self._job.settings.stage_samples, len(supply.images))
        images = [batch_of(supply, session.batch, index) for index in range(max(1, count))]
        steps = (session.prepare, session.run, lambda out: session.decode(out).argmax(axis=-1))
        taken = probes.stages(
            steps, images, times=self._job.settings.stage_samples, seconds=_STAGES_SECONDS
        )
        return Stages(*map(Samples.pack, taken))

    def _throughput(self) -> tuple[Session | None, Throughput | None, Failure | None]:
        """Throughput at the wide batch, and the session that has it, where the model takes it."""
        job, state = self._job, self._state
        if job.case.subject == NO_MODEL:
            return None, None, None  # images that nobody looks at are no throughput
        batch = job.settings.throughput_batch
        try:
            wide = self._runtime.open(
                state.artifact, SessionOptions(job.case.threads, batch, job.case.device)
            )
            tensors = tensors_of(state.supply, wide, _THROUGHPUT_INPUTS * batch)
            rate, _ = probes.images_per_second(
                wide.run, tensors, batch, job.settings.throughput_seconds
            )
        except ModelUnsupportedError as error:
            return None, None, failure_of(error)  # a fixed batch: a fact about it, no failure
        return wide, Throughput(batch, rate), None

    def _classify(self, wide: Session | None) -> "_Classified | None":
        """The scores of all inputs; a model that would take minutes goes through in batches."""
        state = self._state
        supply, session = state.supply, state.session
        if len(session.output.shape) != _RANK_OF_SCORES:
            return None
        calls = len(supply.images) / session.batch
        slow = calls * state.tally.call_ns > _CLASSIFY_SECONDS * NS_PER_SECOND
        chosen = wide if slow and wide is not None else session
        scores = classify(chosen, supply.images)
        if not np.isfinite(scores).all():
            raise _no_numbers(state.artifact)
        return _Classified(scores, alike=chosen is session)


@dataclass(frozen=True)
class _Classified:
    """Scores of all inputs, and whether they were made in the same way as those that were timed."""

    scores: NDArray[np.float32]
    alike: bool


def _no_numbers(artifact: Artifact) -> ModelUnsupportedError:
    return ModelUnsupportedError(
        f"{artifact.path} gives scores that are no numbers (NaN or infinite).",
        hint="Train or export it again.",
    )
