"""What is known of a run: one results file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fmnist_edge.result.derived import (
    Accuracy,
    ColdStart,
    Latency,
    RuleCheck,
    StageTimes,
    Verdict,
)
from fmnist_edge.result.health import Energy, EnergyMeter, Reading
from fmnist_edge.result.measurement import Failure, Measurement, Throughput
from fmnist_edge.result.settings import Case, Settings

__all__ = ["SCHEMA_VERSION", "OwnData", "Row", "Run", "Skipped"]

SCHEMA_VERSION: Final = 2
_SECOND: Final = 1e9


@dataclass(frozen=True)
class Row:
    """A case and what came of it: statistics of the measurements, or a `failure`.

    A failed row keeps what its earlier processes measured, and has no statistics.

    Args:
        cold: From nothing to the first answer.
        back_to_back: Latency of calls one after the other.
        paced: Latency at fixed arrivals, from the scheduled time to the answer.
        service: The part of `paced` that is the call itself.
        throughput: None where the model cannot take the batch.
        calls_per_second: Back to back, counted over the turns and not 1/latency.
        stages: From image to label.
        accuracy: None where labels are not known.
        energy: None where it was not asked for or there is no meter.
        readings: The machine before, during and after.
        rules: Which rules of which protocols the row meets.
        remarks: What a reader should know: that a row is mostly dispatch, that calls were batched.
        verdict: May the row be believed? None for a failed row.
    """

    case: Case
    measurements: tuple[Measurement, ...] = ()
    cold: ColdStart | None = None
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
    remarks: tuple[str, ...] = ()
    verdict: Verdict | None = None
    failure: Failure | None = None

    @property
    def dispatch(self) -> float | None:
        """Share of a back-to-back call that is not arithmetic, 0..1.

        As far as a large batch shows what the arithmetic of an image costs; the rest is the call
        itself, and reading the weights. None where no larger batch was measured.
        """
        if self.back_to_back is None or self.throughput is None or self.case.subject.is_floor:
            return None
        rate, p50 = self.throughput.images_per_second, self.back_to_back.p50
        if self.throughput.batch <= self.case.batch or rate <= 0 or p50 <= 0:
            return None
        return max(0.0, 1 - self.case.batch * _SECOND / rate / p50)


@dataclass(frozen=True)
class Skipped:
    """What was not measured although it was there, and why."""

    what: str
    reason: str
    hint: str


@dataclass(frozen=True)
class OwnData:
    """The user's own images in place of the data set."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Run:
    """One results file: the host, the protocol, and every row.

    Args:
        created: ISO 8601, UTC.
        version: Of fmnist-edge.
        revision: Of the git checkout that measured; empty for an installed package.
        host: Facts about the machine, by name.
        versions: Of Python and the packages involved.
        installed_bytes: Disk space of each runtime with what it depends on, by runtime.
        data_sha256: Identity of the data set; empty where no row needed it.
        own_data: The user's images, where they were given.
        settings: The protocol.
        meter: Where energy comes from.
        rows: One per case, in the order of the plan; the floor's last.
        skipped: What was left out.
        wall_seconds: How long the whole run took.
    """

    created: str
    version: str
    revision: str
    host: Mapping[str, str]
    versions: Mapping[str, str]
    installed_bytes: Mapping[str, int]
    data_sha256: str
    own_data: OwnData | None
    settings: Settings
    meter: EnergyMeter
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    wall_seconds: float
    kind: Literal["fmnist-edge run"] = "fmnist-edge run"
    schema_version: int = SCHEMA_VERSION
