"""Evaluations as they were published stay readable, and are still written in the same way."""

from pathlib import Path

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.evaluation import (
    SCHEMA_VERSION,
    Baseline,
    CalibrationBin,
    ClassScore,
    Confused,
    Evaluation,
    Macro,
    Mistake,
)
from fmnist_edge.records import decode_document, encode_json
from fmnist_edge.result import Case, Interval, Subject

EVALUATION = Evaluation(
    created="2026-11-22T08:32:00.123456+00:00",
    version="0.2.0",
    case=Case(
        Subject(
            "artifacts/default-int8.tflite",
            Format.TFLITE,
            Precision.INT8,
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            242_000,
            "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        ),
        runtime="litert",
        device="cpu",
        threads=1,
        batch=1,
    ),
    runtime_version="2.3.0",
    data_sha256="d1fd84a877f3b78fa9a171b3de73f93e7b6f69ed94bada3feae9d96821401f5c",
    split="test",
    images=4,
    correct=3,
    accuracy=0.75,
    interval=Interval(0.300642, 0.954413),
    baseline=Baseline("T-shirt/top", 0.5),
    cross_entropy=0.4375,
    calibration_error=0.125,
    calibration=(
        CalibrationBin(0.0, 0.5, 0, None, None),
        CalibrationBin(0.5, 1.0, 4, 0.875, 0.75),
    ),
    classes=(
        ClassScore("T-shirt/top", 2, 1, 1.0, 0.5, 0.6666666666666666),
        ClassScore("Trouser", 2, 3, 0.6666666666666666, 1.0, 0.8),
        ClassScore("Pullover", 0, 0, None, None, None),
    ),
    macro=Macro(0.8333333333333334, 0.75, 0.7333333333333334),
    confusion=((1, 1, 0), (0, 2, 0), (0, 0, 0)),
    confused=(Confused("T-shirt/top", "Trouser", 1, 0.5),),
    mistakes=(Mistake(2, "T-shirt/top", "Trouser", 0.996094),),
)


def test_a_published_evaluation_is_read_and_written_as_ever() -> None:
    text = Path(__file__).with_name("evaluation_v1.json").read_bytes()
    assert decode_document(Evaluation, text, 1) == EVALUATION
    assert encode_json(EVALUATION).encode() == text


def test_the_version_that_is_written_is_the_one_published_last() -> None:
    assert EVALUATION.schema_version == SCHEMA_VERSION == 1
