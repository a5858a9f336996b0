"""A model that is opened for measuring, and the inputs that it is called with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, open_artifact
from fmnist_edge.bench.floor import artifact_of
from fmnist_edge.bench.messages import Job
from fmnist_edge.bench.supply import Supply
from fmnist_edge.bench.turns import Tally
from fmnist_edge.errors import HashMismatchError
from fmnist_edge.result import Cold
from fmnist_edge.session import Session

__all__ = ["Opened", "batch_of", "planned", "tensors_of"]


@dataclass
class Opened:
    """A model that runs, and what has been found out about it so far."""

    artifact: Artifact
    session: Session
    version: str
    supply: Supply
    cold: Cold
    memory: tuple[int | None, int | None, int | None]
    preempted: int | None
    tally: Tally


def planned(job: Job) -> Artifact:
    """Open the file of the plan, and make sure that it still is that file."""
    built_in = artifact_of(job.case.subject)
    if built_in is not None:
        return built_in
    artifact = open_artifact(Path(job.case.subject.path))
    if artifact.sha256 != job.case.subject.sha256:
        raise HashMismatchError(
            f"{artifact.path} changed while the benchmark was running.",
            hint="Run the benchmark again when nothing writes to the folder.",
        )
    return artifact


def batch_of(supply: Supply, size: int, index: int) -> NDArray[Any]:
    """The index-th batch of inputs, going round them."""
    chosen = np.arange(index * size, (index + 1) * size) % len(supply.images)
    batch: NDArray[Any] = supply.images[chosen]
    return batch


def tensors_of(supply: Supply, session: Session, distinct: int) -> list[NDArray[Any]]:
    """Prepared inputs, made from the first `distinct` images (at least one full batch)."""
    count = max(1, min(distinct, len(supply.images)) // session.batch)
    return [session.prepare(batch_of(supply, session.batch, index)) for index in range(count)]
