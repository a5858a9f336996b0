"""What a benchmark leaves behind: one `Run` per file, with a row per case.

Everything here is frozen and has a JSON form. The raw samples are kept, so that every statistic can
be computed again from the file.

Schema history:
    1: first.
"""

from fmnist_edge.result.run import (
    SCHEMA_VERSION,
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
)
from fmnist_edge.result.store import read_run, write_run

__all__ = [
    "SCHEMA_VERSION",
    "Accuracy",
    "Case",
    "Failure",
    "Latency",
    "Measurement",
    "Memory",
    "Row",
    "Run",
    "Samples",
    "Settings",
    "Skipped",
    "Subject",
    "Throughput",
    "read_run",
    "write_run",
]
