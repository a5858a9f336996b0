"""Measuring one case, inside a worker process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, open_artifact
from fmnist_edge.bench.latency import images_per_second, sample, timed
from fmnist_edge.bench.messages import Job
from fmnist_edge.bench.plan import NO_MODEL, failure_of
from fmnist_edge.errors import HashMismatchError, ModelUnsupportedError
from fmnist_edge.result import Failure, Measurement, Memory, Samples, Throughput
from fmnist_edge.session import Images, RuntimeModule, Session, SessionOptions, classify

__all__ = ["MemoryReader", "measure"]

# Resident and peak resident bytes of this process; None where the system does not tell.
MemoryReader = Callable[[], tuple[int | None, int | None]]
_THROUGHPUT_INPUTS: Final = 4
# What a runtime that reads no model is handed.
_NOTHING: Final = Artifact(Path(NO_MODEL.path), Format.NPZ, b"", None)


def measure(
    job: Job, runtime: RuntimeModule, images: Images, read_memory: MemoryReader
) -> Measurement:
    """Import the runtime, open the model, and take every number of one process.

    Args:
        job: What to measure, and how.
        runtime: What to measure it on.
        images: uint8[N,28,28], all test images.
        read_memory: Tells this process's memory.

    Raises:
        FmnistEdgeError: the model cannot be opened or run.
    """
    case, settings = job.case, job.settings
    start, _ = read_memory()
    version, import_ns = timed(runtime.load_library)
    imported, _ = read_memory()
    artifact = _open_planned(job) if runtime.READS_MODEL else _NOTHING
    options = SessionOptions(case.threads, case.batch, case.device)
    session, load_ns = timed(lambda: runtime.open(artifact, options))
    loaded, _ = read_memory()
    tensors = _tensors(session, images, settings.distinct_images)
    _, first_ns = timed(lambda: session.run(tensors[0]))
    samples = sample(session.run, tensors, settings)
    steady, peak = read_memory()
    labels = _labels(artifact, session, images) if job.classify else ""
    used = dict(session.used)
    session.close()
    throughput, throughput_failure = _throughput(job, runtime, artifact, images)
    return Measurement(
        samples=Samples.pack(samples),
        import_ns=import_ns,
        load_ns=load_ns,
        first_ns=first_ns,
        memory=Memory(start, imported, loaded, steady, peak),
        throughput=throughput,
        throughput_failure=throughput_failure,
        runtime_version=version,
        used=used,
        labels=labels,
    )


def _open_planned(job: Job) -> Artifact:
    """Open the file of the plan, and make sure that it still is that file."""
    artifact = open_artifact(Path(job.case.subject.path))
    if artifact.sha256 != job.case.subject.sha256:
        raise HashMismatchError(
            f"{artifact.path} changed while the benchmark was running.",
            hint="Run the benchmark again when nothing writes to the folder.",
        )
    return artifact


def _tensors(session: Session, images: Images, distinct: int) -> Sequence[NDArray[Any]]:
    """Prepared inputs, made from the first `distinct` images (at least one full batch)."""
    count = max(1, distinct // session.batch)
    chosen = np.resize(images, (count * session.batch, *images.shape[1:]))
    return [
        session.prepare(chosen[i * session.batch : (i + 1) * session.batch]) for i in range(count)
    ]


def _labels(artifact: Artifact, session: Session, images: Images) -> str:
    scores = classify(session, images)
    if not np.isfinite(scores).all():
        raise ModelUnsupportedError(
            f"{artifact.path} gives scores that are no numbers (NaN or infinite).",
            hint="Train or export it again.",
        )
    return "".join(map(str, scores.argmax(axis=1).tolist()))


def _throughput(
    job: Job, runtime: RuntimeModule, artifact: Artifact, images: Images
) -> tuple[Throughput | None, Failure | None]:
    if not runtime.READS_MODEL:
        return None, None  # images that nobody looks at are no throughput
    batch = job.settings.throughput_batch
    options = SessionOptions(job.case.threads, batch, job.case.device)
    try:
        session = runtime.open(artifact, options)
        tensors = _tensors(session, images, _THROUGHPUT_INPUTS * batch)
        rate = images_per_second(session.run, tensors, batch, job.settings.throughput_seconds)
    except ModelUnsupportedError as error:
        return None, failure_of(error)  # a file with a fixed batch: a fact about it, no failure
    session.close()
    return Throughput(batch, rate), None
