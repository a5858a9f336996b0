"""The result of a benchmark: one `Run` per file, with a row per case.

Everything here is a frozen record with a JSON form: numbers and codes only, which `report` makes
sentences of. The raw samples are kept, so that every statistic can be computed again from the file.

Schema history:
    1: first.
    2: three regimes, turns, health, verdicts.
    3: a verdict for each figure; reasons, remarks and rules are codes with numbers; fields carry
       their units.
    4: devices other than the CPU, and environments.
    5: sustained loads, and the name of the host. Results of schema 2 (`schema2.py`), 3 and 4, which
       lack only fields with defaults, are still read.
"""

from fmnist_edge.result.derived import (
    LEVELS,
    Accuracy,
    AgainstReference,
    ColdStart,
    Figure,
    Interval,
    Latency,
    Level,
    NotChecked,
    Percentile,
    Reason,
    Remark,
    RuleCheck,
    StageTimes,
    Value,
    Values,
)
from fmnist_edge.result.devices import DeviceState, DeviceStates, Probed, State
from fmnist_edge.result.diagnosis import (
    BusyProgram,
    Closed,
    Diagnosis,
    DiskSpace,
    Finding,
    FindingLevel,
    Noise,
)
from fmnist_edge.result.health import (
    NO_SIGN,
    NVIDIA,
    Accelerator,
    Energy,
    EnergyMeter,
    Reading,
    drivers_of,
)
from fmnist_edge.result.measurement import (
    Audit,
    BackToBack,
    Cold,
    Copies,
    CpuUse,
    Failure,
    Footprint,
    Inputs,
    KernelCache,
    Measurement,
    Memory,
    Paced,
    Predictions,
    Readback,
    Stages,
    Throughput,
)
from fmnist_edge.result.naming import case_name, device_name, how, telling, unusual
from fmnist_edge.result.placement import CpuTwin, KernelWitness, Placement, StrictOpening
from fmnist_edge.result.ranking import can_tell, fastest, p50_ns, pair_ratio, paired_turns
from fmnist_edge.result.run import SCHEMA_VERSION, OtherEnvironment, OwnData, Row, Run, Skipped
from fmnist_edge.result.samples import Samples
from fmnist_edge.result.settings import Case, Settings, Subject
from fmnist_edge.result.store import read_run, write_run
from fmnist_edge.result.sustained import Course, LoadWindow, SpeedLevel, Sustained

__all__ = [
    "LEVELS",
    "NO_SIGN",
    "NVIDIA",
    "SCHEMA_VERSION",
    "Accelerator",
    "Accuracy",
    "AgainstReference",
    "Audit",
    "BackToBack",
    "BusyProgram",
    "Case",
    "Closed",
    "Cold",
    "ColdStart",
    "Copies",
    "Course",
    "CpuTwin",
    "CpuUse",
    "DeviceState",
    "DeviceStates",
    "Diagnosis",
    "DiskSpace",
    "Energy",
    "EnergyMeter",
    "Failure",
    "Figure",
    "Finding",
    "FindingLevel",
    "Footprint",
    "Inputs",
    "Interval",
    "KernelCache",
    "KernelWitness",
    "Latency",
    "Level",
    "LoadWindow",
    "Measurement",
    "Memory",
    "Noise",
    "NotChecked",
    "OtherEnvironment",
    "OwnData",
    "Paced",
    "Percentile",
    "Placement",
    "Predictions",
    "Probed",
    "Readback",
    "Reading",
    "Reason",
    "Remark",
    "Row",
    "RuleCheck",
    "Run",
    "Samples",
    "Settings",
    "Skipped",
    "SpeedLevel",
    "StageTimes",
    "Stages",
    "State",
    "StrictOpening",
    "Subject",
    "Sustained",
    "Throughput",
    "Value",
    "Values",
    "can_tell",
    "case_name",
    "device_name",
    "drivers_of",
    "fastest",
    "how",
    "p50_ns",
    "pair_ratio",
    "paired_turns",
    "read_run",
    "telling",
    "unusual",
    "write_run",
]
