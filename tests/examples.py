"""Small records and models that the tests of more than one room use."""

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, Manifest, Precision, TensorSpec
from fmnist_edge.files import sha256_of
from fmnist_edge.result import (
    Case,
    Failure,
    Latency,
    Measurement,
    Memory,
    Row,
    Run,
    Samples,
    Settings,
    Subject,
)

LABELS = tuple("abcdefghij")
INPUT = TensorSpec("image", (None, 28, 28), "float32")
OUTPUT = TensorSpec("scores", (None, 10), "float32")
FAILURE = Failure("WorkerCrashedError", "It fell.", "Pick it up.")


class Diary:
    """A `Progress` that remembers everything."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int | None]] = []
        self.steps = 0
        self.notes: list[str] = []
        self.finished = 0
        self.said: list[str] = []

    def start(self, label: str, total: int | None) -> None:
        self.started.append((label, total))

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        self.steps += steps
        if note:
            self.notes.append(note)

    def finish(self) -> None:
        self.finished += 1

    def say(self, message: str) -> None:
        self.said.append(message)


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Named arrays as an npz file."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def npz_model(favourite: int = 3, *, weight: float = 0.0) -> bytes:
    """A classifier in the `npz` format: one layer, all weights equal, one class favoured."""
    return npz(
        {
            "activations": np.array(["softmax"]),
            "kernel_0": np.full((784, 10), weight, np.float32),
            "bias_0": np.eye(10, dtype=np.float32)[favourite],
        }
    )


def bare(payload: bytes, name: str = "model.npz") -> Artifact:
    """A model that lies nowhere."""
    return Artifact(Path(name), Format.NPZ, payload, None)


def manifest(payload: bytes = b"a model", file: str = "model.npz") -> Manifest:
    """A manifest that describes `payload`."""
    return Manifest(
        file=file,
        format=Format.NPZ,
        precision=Precision.FLOAT32,
        sha256=sha256_of(payload),
        size_bytes=len(payload),
        created="2026-01-02T03:04:05.678901+00:00",
        recipe="npz-float32",
        labels=LABELS,
        input=INPUT,
        output=OUTPUT,
        tools={"numpy": "2.0.0"},
    )


SETTINGS = Settings(
    protocol="test",
    processes=3,
    warmup_calls=1,
    min_samples=4,
    min_seconds=0.0,
    max_samples=8,
    distinct_images=5,
    throughput_batch=2,
    throughput_seconds=0.0,
    limit_seconds=60.0,
    seed=0,
)


def case(name: str = "model.npz", runtime: str = "numpy", *, threads: int = 1) -> Case:
    """A case of a file that nobody opens."""
    subject = Subject(name, Format.NPZ, Precision.FLOAT32, "0" * 64, 1234)
    return Case(subject, runtime, "cpu", threads, batch=1)


MEASUREMENT = Measurement(
    samples=Samples.pack(np.array([3000, 1000, 2000], np.uint64)),
    import_ns=1,
    load_ns=2_500_000,
    first_ns=12_340_000,
    memory=Memory(start=1, imported=2, loaded=3, steady=45_600_000, peak=5),
    throughput=None,
    throughput_failure=None,
    runtime_version="1.2.3",
    used={"threads": "1"},
    labels="",
)


def measured(nanoseconds: list[int], **changes: Any) -> Measurement:  # noqa: ANN401 - any field
    """A measurement with these samples."""
    packed = Samples.pack(np.array(nanoseconds, np.uint64))
    return replace(MEASUREMENT, samples=packed, **changes)


def row(of: Case | None = None) -> Row:
    """A row that was measured in one process."""
    latency = Latency(
        count=3, p50=2000, p90=3000, p99=3000, mean=2000.0, fastest=1000, process_medians=(2000,)
    )
    return Row(of or case(), (MEASUREMENT,), latency, None, None, None)


def run(*rows: Row) -> Run:
    """A run with these rows."""
    return Run(
        created="2026-01-02T03:04:05.678901+00:00",
        version="0.1.0",
        host={"model": "a toaster"},
        versions={"python": "3.11.0"},
        data_sha256="1" * 64,
        settings=SETTINGS,
        rows=rows,
        skipped=(),
    )
