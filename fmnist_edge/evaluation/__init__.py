"""Evaluation of one classifier on one labelled split: the metrics and their record."""

from fmnist_edge.evaluation.measure import Answers, evaluate
from fmnist_edge.evaluation.probabilities import class_probabilities, confidences
from fmnist_edge.evaluation.record import (
    SCHEMA_VERSION,
    Baseline,
    CalibrationBin,
    ClassScore,
    Confused,
    Evaluation,
    Macro,
    Mistake,
)

__all__ = [
    "SCHEMA_VERSION",
    "Answers",
    "Baseline",
    "CalibrationBin",
    "ClassScore",
    "Confused",
    "Evaluation",
    "Macro",
    "Mistake",
    "class_probabilities",
    "confidences",
    "evaluate",
]
