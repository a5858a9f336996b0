"""One results file: the host, the protocol, and a row per case."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from fmnist_edge.records import Record
from fmnist_edge.result.derived import (
    LEVELS,
    Accuracy,
    ColdStart,
    Figure,
    Latency,
    Level,
    NotChecked,
    Reason,
    Remark,
    RuleCheck,
    StageTimes,
    Value,
    Values,
)
from fmnist_edge.result.health import Energy, EnergyMeter, Reading
from fmnist_edge.result.measurement import Failure, Measurement, Throughput
from fmnist_edge.result.settings import Case, Settings
from fmnist_edge.result.sustained import Sustained

SCHEMA_VERSION: Final = 5
_NS_PER_SECOND: Final = 1e9


class Row(Record):
    """A case and what came of it: statistics of the measurements, or a `failure`.

    A failed row keeps what its earlier processes measured, and has no statistics.

    Args:
        case: What was measured.
        measurements: One per process, in the order of the rounds.
        cold: From nothing to the first answer; on another device than the CPU, with what its
            compiler kept from an earlier process.
        cold_empty: The same with nothing kept; None where the runtime keeps nothing.
        back_to_back: Latency of calls one after the other.
        paced: Latency at fixed arrivals, from the scheduled time to the answer.
        service: The part of `paced` that is the call itself.
        throughput: None where the model cannot take the batch.
        calls_per_second: Back to back, counted over the turns and not 1/latency.
        stages: From image to label.
        accuracy: None where labels are not known.
        energy: None where it was not asked for or there is no meter.
        sustained: Latency under a load of minutes; None where it was not asked for.
        readings: The machine before, during and after.
        rules: Which rules of which protocols the row meets.
        remarks: What a reader should know: that a row is mostly dispatch, that calls were batched.
        reasons: Why some of the figures may not be believed, the worst first.
        not_checked: What could not be checked.
        verdicts: Whether each figure that the row has may be believed: the worst level of the
            reasons that name it, or VALID.
        failure: Why the case was given up.
    """

    case: Case
    measurements: tuple[Measurement, ...] = ()
    cold: ColdStart | None = None
    cold_empty: ColdStart | None = None
    back_to_back: Latency | None = None
    paced: Latency | None = None
    service: Latency | None = None
    throughput: Throughput | None = None
    calls_per_second: float | None = None
    stages: StageTimes | None = None
    accuracy: Accuracy | None = None
    energy: Energy | None = None
    readings: tuple[Reading, ...] = ()
    rules: tuple[RuleCheck, ...] = ()
    remarks: tuple[Remark, ...] = ()
    reasons: tuple[Reason, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    verdicts: Mapping[Figure, Level] = msgspec.field(default_factory=dict)
    failure: Failure | None = None
    sustained: Sustained | None = None

    def verdict(self, *figures: Figure) -> Level | None:
        """Return the worst verdict of these figures, or of all of them where none is named.

        Figures that the row does not have count for nothing; None where it has none of them.
        """
        found = [self.verdicts[each] for each in figures or self.verdicts if each in self.verdicts]
        return max(found, key=LEVELS.index, default=None)

    @property
    def dispatch(self) -> float | None:
        """The share of a back-to-back call that is not arithmetic, 0..1.

        A large batch shows what the arithmetic of one image costs; the rest is the call itself, and
        reading the weights. None where no larger batch was measured.
        """
        if self.back_to_back is None or self.throughput is None or self.case.subject.is_baseline:
            return None
        rate, p50_ns = self.throughput.images_per_second, self.back_to_back.p50_ns
        if self.throughput.batch <= self.case.batch or rate <= 0 or p50_ns <= 0:
            return None
        return max(0.0, 1 - self.case.batch * _NS_PER_SECOND / rate / p50_ns)


class Skipped(Record):
    """A file, or a pair of file and runtime, that was there and was not measured.

    Args:
        path: The model file.
        runtime: The runtime; None where none of those in use opens the file.
        code: Why (`codes.SKIPPED`).
        values: What belongs to the reason: the format, the extra that installs the runtime.
    """

    path: str
    runtime: str | None
    code: str
    values: Values = msgspec.field(default_factory=dict)


class OwnData(Record):
    """The user's own images in place of the data set.

    Args:
        path: The file, as the user named it.
        sha256: Of its bytes.
    """

    path: str
    sha256: str


class OtherEnvironment(Record):
    """An environment that rows were measured in, other than the benchmark's own.

    Args:
        python: Version of its Python.
        versions: Of the distributions that brought its runtimes, such as "onnxruntime-webgpu".
    """

    python: str
    versions: Mapping[str, str]


class Run(Record):
    """One results file.

    Args:
        created: ISO 8601, UTC.
        version: Of fmnist-edge.
        revision: Of the git checkout that measured; empty for an installed package.
        host: Facts about the machine, by name: numbers carry their unit in the name.
        versions: Of Python and the packages involved.
        installed_bytes: Disk space of each runtime with what it depends on, by runtime.
        data_sha256: Identity of the data set; empty where no row needed it.
        own_data: The user's images, where they were given.
        settings: The protocol.
        rounds: Rounds of processes that were finished: `settings.processes` of a whole run.
        meter: The source of energy figures.
        gpu_meter: That of rows on NVIDIA's GPUs; None where there is no such row.
        rows: One per case, in the order of the plan; the baseline's last.
        skipped: What was left out.
        wall_seconds: How long the whole run took.
        environments: What the other environments hold whose names stand in cases, by name.
        host_name: What the machine was called by the user who measured on it from another one;
            empty where the benchmark was started on the machine itself.
        kind: Marks the file as a result.
        schema_version: Of this schema.
    """

    created: str
    version: str
    revision: str
    host: Mapping[str, Value]
    versions: Mapping[str, str]
    installed_bytes: Mapping[str, int]
    data_sha256: str
    own_data: OwnData | None
    settings: Settings
    rounds: int
    meter: EnergyMeter
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    wall_seconds: float
    gpu_meter: EnergyMeter | None = None
    environments: Mapping[str, OtherEnvironment] = msgspec.field(default_factory=dict)
    host_name: str = ""
    kind: Literal["fmnist-edge run"] = "fmnist-edge run"
    schema_version: int = SCHEMA_VERSION
