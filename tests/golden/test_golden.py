"""Files as they were published stay readable, and are still written in the same way.

When a format changes, its schema version does, too: a new file joins these, and none is edited.
"""

from pathlib import Path

import pytest

from fmnist_edge.artifact import (
    Calibration,
    Format,
    LayerFidelity,
    Manifest,
    PairedAccuracy,
    Parity,
    Precision,
    Quantization,
    TensorSpec,
    Training,
)
from fmnist_edge.records import decode_document, encode_json
from fmnist_edge.result import (
    Accuracy,
    Case,
    Failure,
    Latency,
    Measurement,
    Memory,
    Row,
    Run,
    Samples,
    Settings,
    Skipped,
    Subject,
    Throughput,
    read_run,
)

_HERE = Path(__file__).parent

MANIFEST = Manifest(
    file="default-int8.tflite",
    format=Format.TFLITE,
    precision=Precision.INT8,
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    size_bytes=242_000,
    created="2026-11-22T08:30:00.123456+00:00",
    recipe="tflite-int8",
    labels=("T-shirt/top", "Trouser"),
    input=TensorSpec("image", (1, 28, 28), "int8", Quantization(0.00392156862745098, -128)),
    output=TensorSpec("scores", (None, 10), "float32"),
    tools={"python": "3.11.7", "fmnist-edge": "0.1.0", "tensorflow": "2.21.0"},
    parent_sha256="60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    calibration=Calibration("train", images=500, seed=0, method="minmax"),
    parity=Parity(
        "litert 2.1.0",
        images=1000,
        agreement=0.991,
        max_abs_difference=0.0625,
        mean_abs_difference=0.001,
        accuracy=PairedAccuracy(parent=0.89, own=0.891, lost=4, gained=5, p_value=1.0),
        layers=(LayerFidelity("dense", 35.5), LayerFidelity("scores", None)),
    ),
    training=Training(
        preset="default",
        seed=0,
        data_sha256="d1fd84a877f3b78fa9a171b3de73f93e7b6f69ed94bada3feae9d96821401f5c",
        batch_size=256,
        epochs=2,
        best_epoch=2,
        history={"loss": (0.5, 0.25), "val_accuracy": (0.875, 0.9)},
        validation_accuracy=0.9,
        test_accuracy=0.8943,
    ),
)

_MODEL = Case(
    Subject(
        "artifacts/default-int8.tflite", Format.TFLITE, Precision.INT8, MANIFEST.sha256, 242_000
    ),
    runtime="litert",
    device="cpu",
    threads=1,
    batch=1,
)
_HARNESS = Case(Subject("(no model)", None, None, None, None), "null", "cpu", 1, 1)

RUN = Run(
    created="2026-11-22T08:31:00.123456+00:00",
    version="0.1.0",
    host={"model": "Raspberry Pi 5 Model B Rev 1.0", "cores": "4"},
    versions={"python": "3.11.7", "numpy": "2.4.0"},
    data_sha256="d1fd84a877f3b78fa9a171b3de73f93e7b6f69ed94bada3feae9d96821401f5c",
    settings=Settings(
        protocol="quick",
        processes=1,
        warmup_calls=200,
        min_samples=3,
        min_seconds=1.0,
        max_samples=100_000,
        distinct_images=256,
        throughput_batch=256,
        throughput_seconds=0.25,
        limit_seconds=120.0,
        seed=0,
    ),
    rows=(
        Row(
            case=_MODEL,
            measurements=(
                Measurement(
                    samples=Samples(3, "eJxjEWAAgzNQOgNKAwATSAFp"),
                    import_ns=98_765_432,
                    load_ns=1_234_567,
                    first_ns=23_456,
                    memory=Memory(30_000_000, 40_000_000, 41_000_000, 41_500_000, 42_000_000),
                    throughput=Throughput(256, 250_000.5),
                    throughput_failure=None,
                    runtime_version="2.1.0",
                    used={"threads": "1", "delegate": "XNNPACK"},
                    labels="9211",
                ),
            ),
            latency=Latency(3, 4200, 4300, 4300, 4200.0, 4100, (4200,)),
            throughput=Throughput(256, 250_000.5),
            accuracy=Accuracy(4, 3),
            failure=None,
        ),
        Row(
            case=_HARNESS,
            measurements=(
                Measurement(
                    samples=Samples(0, "eJwDAAAAAAE="),
                    import_ns=1,
                    load_ns=1,
                    first_ns=1,
                    memory=Memory(None, None, None, None, None),
                    throughput=None,
                    throughput_failure=Failure("ModelUnsupportedError", "One at a time.", ""),
                    runtime_version="0",
                    used={},
                    labels="",
                ),
            ),
            latency=None,
            throughput=None,
            accuracy=None,
            failure=Failure(
                "WorkerCrashedError",
                "The measuring process was killed by SIGKILL.",
                "The system may be out of memory; close other programs and try again.",
            ),
        ),
    ),
    skipped=(
        Skipped(
            "artifacts/default.keras",
            "none of the runtimes in use (null, litert) opens keras files",
            "fmnist-edge export makes files that they open.",
        ),
    ),
)


@pytest.mark.parametrize(
    ("name", "version", "record"), [("manifest", 1, MANIFEST), ("run", 1, RUN)]
)
def test_a_published_file_is_read_and_written_as_ever(
    name: str, version: int, record: Manifest | Run
) -> None:
    text = (_HERE / f"{name}_v{version}.json").read_bytes()
    assert decode_document(type(record), text, version) == record
    assert encode_json(record).encode() == text


def test_published_samples_are_unpacked_as_ever() -> None:
    measured, harness = read_run(_HERE / "run_v1.json").rows
    assert measured.measurements[0].samples.unpack().tolist() == [4100, 4300, 4200]
    assert harness.measurements[0].samples.unpack().tolist() == []
