"""What a benchmark leaves behind: one `Run` per file, with a row per case.

Everything here is frozen and has a JSON form. The raw samples are kept, so that every statistic can
be computed again from the file.

Schema history:
    1: first.
    2: three regimes, turns, health, verdicts.
"""

from fmnist_edge.result.derived import (
    Accuracy,
    AgainstReference,
    ColdStart,
    Interval,
    Latency,
    Percentile,
    Reason,
    RuleCheck,
    StageTimes,
    Verdict,
)
from fmnist_edge.result.health import Energy, EnergyMeter, Reading
from fmnist_edge.result.measurement import (
    Audit,
    BackToBack,
    Cold,
    Failure,
    Footprint,
    Inputs,
    Measurement,
    Memory,
    Paced,
    Predictions,
    Stages,
    Throughput,
)
from fmnist_edge.result.run import SCHEMA_VERSION, OwnData, Row, Run, Skipped
from fmnist_edge.result.samples import Samples
from fmnist_edge.result.settings import Case, Settings, Subject
from fmnist_edge.result.store import read_run, write_run

__all__ = [
    "SCHEMA_VERSION",
    "Accuracy",
    "AgainstReference",
    "Audit",
    "BackToBack",
    "Case",
    "Cold",
    "ColdStart",
    "Energy",
    "EnergyMeter",
    "Failure",
    "Footprint",
    "Inputs",
    "Interval",
    "Latency",
    "Measurement",
    "Memory",
    "OwnData",
    "Paced",
    "Percentile",
    "Predictions",
    "Reading",
    "Reason",
    "Row",
    "RuleCheck",
    "Run",
    "Samples",
    "Settings",
    "Skipped",
    "StageTimes",
    "Stages",
    "Subject",
    "Throughput",
    "Verdict",
    "read_run",
    "write_run",
]
