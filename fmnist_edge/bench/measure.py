"""The measurement of one case inside a worker process: one method per task."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, open_artifact
from fmnist_edge.bench import probes
from fmnist_edge.bench.accuracy import predictions
from fmnist_edge.bench.baseline import NO_MODEL, artifact_of
from fmnist_edge.bench.certificate import certify
from fmnist_edge.bench.inputs import (
    THROUGHPUT_INPUTS,
    FirstImages,
    ModelInputs,
    OwnImages,
    inputs_for,
)
from fmnist_edge.bench.load import load_turn
from fmnist_edge.bench.plan import failure_of
from fmnist_edge.bench.sampler import LatencySampler
from fmnist_edge.bench.wire import Command, Job, Opened, Reply, Task, encode_scores
from fmnist_edge.clock import NS_PER_SECOND, timed
from fmnist_edge.devices import CPU
from fmnist_edge.errors import HashMismatchError, ModelUnsupportedError
from fmnist_edge.result import (
    Audit,
    Cold,
    CpuUse,
    Failure,
    Footprint,
    KernelCache,
    KernelWitness,
    Measurement,
    Memory,
    Placement,
    Samples,
    Stages,
    Subject,
    Throughput,
)
from fmnist_edge.session import Accelerated, RuntimeModule, Session, SessionOptions, classify

_WARM_UP_SECONDS: Final = 0.25
_AUDIT_SECONDS: Final = 0.15
_READBACK_SECONDS: Final = 0.05
_COPIES_SECONDS: Final = 0.2
_FEWEST_COMPARED: Final = 8
_STAGES_SECONDS: Final = 0.2
_CLASSIFY_SECONDS: Final = 20.0
_RANK_OF_SCORES: Final = 2


@dataclass(frozen=True)
class Instruments:
    """The functions that read the state of this process from the system.

    Args:
        memory: Returns resident and peak resident bytes; None where the system does not tell.
        footprint: Returns the threads and CPUs of this process.
        cpu_use: Calls a function and returns the CPU time used meanwhile, added to an earlier one.
        gpu_use: Returns what the kernel has counted for this process on GPUs; None where it counts
            nothing.
    """

    memory: Callable[[], tuple[int | None, int | None]]
    footprint: Callable[[], Footprint]
    cpu_use: Callable[[Callable[[], None], CpuUse | None], CpuUse]
    gpu_use: Callable[[], KernelWitness | None] = lambda: None


@dataclass(frozen=True)
class Data:
    """The images that are available: the test split, the user's, or neither."""

    test: FirstImages | None = None
    own: OwnImages | None = None


@dataclass
class _OpenedModel:
    """A model that runs, and what is known of it so far."""

    artifact: Artifact
    session: Session
    version: str
    inputs: ModelInputs
    cold: Cold
    memory: tuple[int | None, int | None, int | None]
    sampler: LatencySampler
    hot_cpu: CpuUse | None = None
    paced_cpu: CpuUse | None = None
    gpu_before: KernelWitness | None = None


class CaseMeasurement:
    """One case, from opening the model to the last number.

    Args:
        job: What to measure, and how.
        runtime: The runtime to measure it on.
        data: The images that are available.
        instruments: What reads the state of this process.
        start_ns: How long starting this process took.
    """

    def __init__(
        self, job: Job, runtime: RuntimeModule, data: Data, instruments: Instruments, start_ns: int
    ) -> None:
        self._job: Final = job
        self._runtime: Final = runtime
        self._data: Final = data
        self._instruments: Final = instruments
        self._start_ns: Final = start_ns
        self._model: _OpenedModel | None = None
        self._cached_bytes = 0
        self._tasks: Final = {
            Task.OPEN: self._open,
            Task.BACK_TO_BACK: self._back_to_back,
            Task.PACED: self._paced,
            Task.COLLECT: self._collect,
            Task.SUSTAINED_LOAD: self._sustained_load,
            Task.LOAD_TURN: self._load_turn,
        }

    def handle(self, command: Command) -> Reply:
        """Carry out one command; the first one is `OPEN`.

        Raises:
            FmnistEdgeError: The model cannot be opened or run.
        """
        return self._tasks[command.task](command)

    @property
    def _opened(self) -> _OpenedModel:
        if self._model is None:
            raise ValueError("the first command must be to open the model")
        return self._model

    def _open(self, _: Command) -> Reply:
        case, settings = self._job.case, self._job.settings
        self._cached_bytes = self._size_of_cache()
        start_bytes, _peak = self._instruments.memory()
        version, import_ns = timed(self._runtime.load_library)
        imported_bytes, _peak = self._instruments.memory()
        artifact = open_verified(case.subject)
        session, load_ns = timed(lambda: self._runtime.open(artifact, self._options()))
        loaded_bytes, _peak = self._instruments.memory()
        # The baseline has a shape and classes of its own, which the user's data need not fit.
        own = None if case.subject.is_baseline else self._data.own
        inputs = inputs_for(session, self._data.test, own)
        first = session.prepare(inputs.batch(session.batch, 0))
        output, first_call_ns = timed(lambda: session.run(first))
        sampler = LatencySampler(
            session, inputs.tensors(session, settings.distinct_images), settings
        )
        sampler.spot_checks.append((0, output.copy()))
        sampler.warm_up(_WARM_UP_SECONDS)
        self._model = _OpenedModel(
            artifact=artifact,
            session=session,
            version=version,
            inputs=inputs,
            cold=Cold(self._start_ns, import_ns, load_ns, first_call_ns),
            memory=(start_bytes, imported_bytes, loaded_bytes),
            sampler=sampler,
            gpu_before=self._instruments.gpu_use() if case.device != CPU else None,
        )
        return Reply(Opened(loaded_bytes, sampler.call_ns))

    def _options(self, **changes: Any) -> SessionOptions:  # noqa: ANN401 - any option
        case, cache = self._job.case, self._job.kernel_cache
        usual = SessionOptions(
            threads=case.threads,
            batch=case.batch,
            device=case.device,
            fast_math=case.fast_math,
            kernel_cache=None if cache is None else Path(cache),
        )
        return replace(usual, **changes)

    def _back_to_back(self, command: Command) -> Reply:
        model = self._opened
        model.hot_cpu = self._instruments.cpu_use(
            lambda: model.sampler.back_to_back(command.seconds, command.samples), model.hot_cpu
        )
        return Reply()

    def _paced(self, command: Command) -> Reply:
        model = self._opened
        model.paced_cpu = self._instruments.cpu_use(
            lambda: model.sampler.paced(command.samples), model.paced_cpu
        )
        return Reply()

    def _sustained_load(self, command: Command) -> Reply:
        sampler = self._opened.sampler
        batch = self._opened.session.batch
        _, calls = probes.images_per_second(sampler.run, sampler.tensors, batch, command.seconds)
        return Reply(calls=calls)

    def _load_turn(self, command: Command) -> Reply:
        windows = load_turn(
            self._opened.sampler,
            command.seconds,
            self._job.settings.sustain_hz,
            threads=self._job.case.threads,
            cpu_use=self._instruments.cpu_use,
        )
        return Reply(windows=windows)

    def _collect(self, _: Command) -> Reply:
        model = self._opened
        steady_bytes, peak_bytes = self._instruments.memory()
        footprint = self._instruments.footprint()
        kernel = self._kernel_witness()
        stages = self._stages()
        wide, throughput, failure = self._throughput()
        classified = self._classify(wide) if self._job.classify else None
        audit = self._audit(classified)
        measurement = Measurement(
            inputs=model.inputs.record,
            cold=model.cold,
            back_to_back=model.sampler.back_to_back_record(model.hot_cpu),
            paced=model.sampler.paced_record(model.paced_cpu),
            stages=stages,
            audit=audit,
            memory=Memory(*model.memory, steady_bytes, peak_bytes),
            footprint=footprint,
            throughput=throughput,
            throughput_failure=failure,
            runtime_version=model.version,
            used=dict(model.session.used),
            predictions=predictions(classified.scores) if classified else None,
            readback=probes.readback(
                model.session.run, model.sampler.tensors, model.sampler.call_ns, _READBACK_SECONDS
            ),
            placement=self._placement(kernel),
            copies=probes.copies(
                model.session, model.sampler.tensors[0], model.sampler.call_ns, _COPIES_SECONDS
            ),
            kernel_cache=self._kernel_cache(),
        )
        model.session.close()
        scores = encode_scores(classified.scores) if classified else ""
        return Reply(measurement=measurement, scores=scores)

    def _kernel_witness(self) -> KernelWitness | None:
        """Return what the kernel counted for this process since the warm-up."""
        before, after = self._opened.gpu_before, self._instruments.gpu_use()
        if before is None or after is None:
            return None
        counted = before.engine_ns is not None and after.engine_ns is not None
        engine_ns = (after.engine_ns or 0) - (before.engine_ns or 0) if counted else None
        return KernelWitness(after.source, engine_ns, after.memory_bytes)

    def _placement(self, kernel: KernelWitness | None) -> Placement | None:
        model = self._opened
        if not isinstance(model.session, Accelerated):
            return None
        return certify(
            model.session,
            lambda opening: self._runtime.open(model.artifact, self._options(opening=opening)),
            model.sampler.tensors,
            model.sampler.call_ns,
            kernel,
        )

    def _size_of_cache(self) -> int:
        folder = self._job.kernel_cache
        files = Path(folder).rglob("*") if folder is not None else ()
        return sum(each.stat().st_size for each in files if each.is_file())

    def _kernel_cache(self) -> KernelCache | None:
        if self._job.kernel_cache is None:
            return None
        return KernelCache(self._cached_bytes, self._size_of_cache())

    def _audit(self, classified: "_Classified | None") -> Audit:
        """Compare the answers of timed calls with those of the accuracy run to the same inputs."""
        model, sampler = self._opened, self._opened.sampler
        differences = []
        # Each comparison may need one more call, so that slow calls are compared less often.
        most = max(_FEWEST_COMPARED, int(_AUDIT_SECONDS * NS_PER_SECOND / sampler.call_ns))
        compared = sampler.spot_checks[:: ceil(len(sampler.spot_checks) / most)]
        for index, output in compared:
            untimed = self._untimed(index, classified)
            differences.append(float(np.max(np.abs(model.session.decode(output) - untimed))))
        if not np.isfinite(differences).all():
            raise _no_numbers(model.artifact)
        ratio = probes.repeat_ratio(sampler.run, sampler.tensors, sampler.call_ns, _AUDIT_SECONDS)
        return Audit(len(compared), max(differences), ratio)

    def _untimed(self, index: int, classified: "_Classified | None") -> NDArray[np.float32]:
        """Return the scores of the index-th input, from the accuracy run where there was one."""
        model = self._opened
        if classified is not None and classified.same_batch:
            size = model.session.batch
            rows = np.arange(index * size, (index + 1) * size) % len(classified.scores)
            scores: NDArray[np.float32] = classified.scores[rows]
            return scores
        # `decode` copies: a runtime may answer in the same memory each time.
        return model.session.decode(model.session.run(model.sampler.tensors[index]))

    def _stages(self) -> Stages:
        session, inputs = self._opened.session, self._opened.inputs
        count = min(self._job.settings.stage_samples, inputs.record.images)
        images = [inputs.batch(session.batch, index) for index in range(max(1, count))]
        steps = (session.prepare, session.run, lambda out: session.decode(out).argmax(axis=-1))
        taken = probes.stages(
            steps, images, times=self._job.settings.stage_samples, seconds=_STAGES_SECONDS
        )
        return Stages(*map(Samples.pack, taken))

    def _throughput(self) -> tuple[Session | None, Throughput | None, Failure | None]:
        """Measure throughput at a large batch; return its session too, if the model takes it."""
        job, model = self._job, self._opened
        if job.case.subject == NO_MODEL:
            return None, None, None  # the null runtime reads no image
        batch = job.settings.throughput_batch
        try:
            wide = self._runtime.open(model.artifact, self._options(batch=batch))
            # More images than the timed calls need; read here, after the memory was.
            count = THROUGHPUT_INPUTS * batch
            tensors = model.inputs.first(count).tensors(wide, count)
            rate, _ = probes.images_per_second(
                wide.run, tensors, batch, job.settings.throughput_seconds
            )
        except ModelUnsupportedError as error:
            # A model with a fixed batch is measured all the same.
            return None, None, failure_of(error)
        return wide, Throughput(batch, rate), None

    def _classify(self, wide: Session | None) -> "_Classified | None":
        """Return the scores of all inputs; a model that would take minutes goes in batches."""
        model = self._opened
        inputs, session = model.inputs, model.session
        if len(session.output.shape) != _RANK_OF_SCORES:
            return None
        calls = inputs.record.images / session.batch
        slow = calls * model.sampler.call_ns > _CLASSIFY_SECONDS * NS_PER_SECOND
        chosen = wide if slow and wide is not None else session
        scores = classify(chosen, inputs.everything())
        if not np.isfinite(scores).all():
            raise _no_numbers(model.artifact)
        return _Classified(scores, same_batch=chosen is session)


@dataclass(frozen=True)
class _Classified:
    """The scores of all inputs.

    Args:
        scores: float32[N,C].
        same_batch: Whether they were computed at the batch size of the timed calls.
    """

    scores: NDArray[np.float32]
    same_batch: bool


def open_verified(subject: Subject) -> Artifact:
    """Open the model of a case.

    Raises:
        HashMismatchError: It is not the file that was planned.
    """
    baseline = artifact_of(subject)
    if baseline is not None:
        return baseline
    artifact = open_artifact(Path(subject.path))
    if artifact.sha256 != subject.sha256:
        raise HashMismatchError(
            f"{artifact.path} changed while the benchmark was running.",
            hint="Run the benchmark again when nothing writes to the folder.",
        )
    return artifact


def _no_numbers(artifact: Artifact) -> ModelUnsupportedError:
    return ModelUnsupportedError(
        f"{artifact.path} gives scores that are no numbers (NaN or infinite).",
        hint="Train or export it again.",
    )
