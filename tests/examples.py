"""Small records and models that the tests of more than one room use."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, Manifest, Precision, TensorSpec
from fmnist_edge.devices import Account, Unit
from fmnist_edge.files import sha256_of
from fmnist_edge.records import replace
from fmnist_edge.result import (
    Accuracy,
    Audit,
    BackToBack,
    Case,
    Cold,
    ColdStart,
    CpuTwin,
    CpuUse,
    EnergyMeter,
    Failure,
    Figure,
    Footprint,
    Inputs,
    Interval,
    Latency,
    Measurement,
    Memory,
    Paced,
    Percentile,
    Placement,
    Reading,
    Row,
    Run,
    Samples,
    Settings,
    Stages,
    StageTimes,
    StrictOpening,
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


def without_labels(artifact: Artifact) -> bytes:
    """The bytes of a model that a runtime reads; a TFLite file may end with a ZIP of its labels."""
    payload = artifact.payload
    if artifact.format is not Format.TFLITE or not zipfile.is_zipfile(io.BytesIO(payload)):
        return payload
    with zipfile.ZipFile(io.BytesIO(payload)) as labels:
        return payload[: min(each.header_offset for each in labels.infolist())]


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
    together=4,
    warmup_calls=1,
    turn_seconds=0.0,
    min_samples=4,
    min_seconds=0.0,
    max_samples=8,
    paced_hz=1000.0,
    paced_samples=2,
    distinct_images=5,
    stage_samples=2,
    throughput_batch=2,
    throughput_seconds=0.0,
    energy_seconds=0.0,
    limit_seconds=60.0,
    seed=0,
)


def case(name: str = "model.npz", runtime: str = "numpy", *, threads: int = 1) -> Case:
    """A case of a file that nobody opens."""
    subject = Subject(name, Format.NPZ, Precision.FLOAT32, "0" * 64, 1234)
    return Case(subject, runtime, "cpu", threads, batch=1)


def samples(*nanoseconds: int) -> Samples:
    """These samples, packed."""
    return Samples.pack(np.array(nanoseconds, np.uint64))


BACK_TO_BACK = BackToBack(
    warmup_ns=samples(9000),
    sample_ns=samples(3000, 1000, 2000),
    calls_per_sample=1,
    kept_every=1,
    calls=3,
    busy_ns=7000,
    turn_samples=(3,),
    clock_ns=100.0,
    cpu=CpuUse(wall_ns=7000, own_ns=6900, others_ns=0, stolen_ns=0, preemptions=0),
)
MEASUREMENT = Measurement(
    inputs=Inputs("fashion-mnist", 10_000, labelled=True),
    cold=Cold(
        process_start_ns=100_000_000, import_ns=1, load_ns=2_500_000, first_call_ns=12_340_000
    ),
    back_to_back=BACK_TO_BACK,
    paced=Paced(30.0, samples(70_000, 50_000, 60_000), samples(30_000, 10_000, 20_000), cpu=None),
    stages=Stages(samples(900, 800), samples(2100, 2000), samples(500, 400)),
    audit=Audit(compared=3, max_abs_difference=0.0, repeat_ratio=1.0),
    memory=Memory(
        start_bytes=1, imported_bytes=2, loaded_bytes=3, steady_bytes=45_600_000, peak_bytes=5
    ),
    footprint=Footprint(threads=1, cpus=(0, 1)),
    throughput=None,
    throughput_failure=None,
    runtime_version="1.2.3",
    used={"threads": "1"},
)


PLACEMENT = Placement(
    Account(
        "profile",
        Unit("llvmpipe", "Mesa 25.0.7", "Vulkan 1.4.305", 1 << 30),
        operators=7,
        on_device=7,
        precision="float32",
    ),
    StrictOpening("", 0.0),
    None,
    CpuTwin("", 256, 1.0, 3e-7, identical=False, time_ratio=40.0),
)
"""A certificate that holds: the model ran on llvmpipe."""


def certified(row: Row, placement: Placement | None = PLACEMENT) -> Row:
    """The row with the same certificate in each process."""
    taken = tuple(replace(each, placement=placement) for each in row.measurements)
    return replace(row, measurements=taken)


def measured(nanoseconds: list[int], **changes: Any) -> Measurement:  # noqa: ANN401 - any field
    """A measurement with these back-to-back samples."""
    hot = replace(BACK_TO_BACK, sample_ns=samples(*nanoseconds), turn_samples=(len(nanoseconds),))
    return replace(MEASUREMENT, back_to_back=hot, **changes)


def latency(p50_ns: float = 2000.0, *, interval: Interval | None = None, **changes: Any) -> Latency:  # noqa: ANN401 - any field
    """Statistics of 64 samples: p90 is given, higher percentiles are refused."""
    refused = tuple(
        Percentile(share, None, "too-few-samples", needed)
        for share, needed in ((0.95, 130), (0.99, 662), (0.999, 6636))
    )
    plain = Latency(
        samples=64,
        p50_ns=p50_ns,
        p50_interval_ns=interval,
        percentiles=(Percentile(0.9, 1.5 * p50_ns), *refused),
        mean_ns=1.1 * p50_ns,
        min_ns=0.5 * p50_ns,
        max_ns=3 * p50_ns,
        process_p50_ns=(p50_ns,),
    )
    return replace(plain, **changes)


READING = Reading(
    at_seconds=1.5,
    temperatures_celsius={"k10temp": 45.5},
    clocks_mhz={"policy0": 2400.0},
    throttled={"throttled": False},
    event_counters={"core throttle": 0},
    load=0.5,
    on_battery=None,
    available_bytes=1 << 30,
    unreadable={"power supply": "there is none"},
)


FIGURES: tuple[Figure, ...] = ("ratio", "p50", "p90", "paced-p50", "paced-p90", "cold", "memory")
"""The figures that `row` has."""


def row(of: Case | None = None, **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A row that was measured in one process."""
    plain = Row(
        of or case(),
        (MEASUREMENT,),
        cold=ColdStart(100_000_000, 1.0, 2_500_000, 12_340_000, 114_840_001),
        back_to_back=latency(),
        paced=latency(60_000.0),
        service=latency(20_000.0),
        stages=StageTimes(850.0, 2050.0, 450.0),
        calls_per_second=400_000.0,
        readings=(READING,),
        verdicts=dict.fromkeys(FIGURES, "VALID"),
    )
    return replace(plain, **changes)


def accuracy(correct: int = 9, images: int = 10, **changes: Any) -> Accuracy:  # noqa: ANN401 - any field
    """Two classes; all mistakes are in the second."""
    confusion = ((images // 2, 0), (images - correct, images - images // 2 - (images - correct)))
    plain = Accuracy(images, correct, Interval(0.5, 0.99), confusion, calibration_error=0.05)
    return replace(plain, **changes)


def run(*rows: Row) -> Run:
    """A run with these rows."""
    return Run(
        created="2026-01-02T03:04:05.678901+00:00",
        version="0.1.0",
        revision="",
        host={"model": "a toaster"},
        versions={"python": "3.11.0"},
        installed_bytes={"numpy": 80_000_000},
        data_sha256="1" * 64,
        own_data=None,
        settings=SETTINGS,
        rounds=SETTINGS.processes,
        meter=EnergyMeter("", "", "RAPL: there is none"),
        rows=rows,
        skipped=(),
        wall_seconds=12.5,
    )
