"""The protocol of a run, and what is measured."""

from math import isfinite
from pathlib import Path

from fmnist_edge.artifact import Artifact, Format, Precision, display_name
from fmnist_edge.records import Record


class Settings(Record):
    """A protocol: for how long and how often each case is measured.

    Args:
        protocol: Its name.
        processes: Fresh processes per case; the unit of statistics.
        together: Processes that are alive at the same time and take turns, one running at a time.
        warmup_calls: Calls before the first turn; kept apart from the samples.
        turn_seconds: Back-to-back calls in one turn.
        min_samples: Back-to-back samples per process at least.
        min_seconds: Time of back-to-back calls per process at least.
        max_samples: Back-to-back samples that are kept per process at most; beyond, each n-th is.
        paced_hz: Arrivals per second in the paced regime.
        paced_samples: Paced calls per process; 0 leaves the regime out.
        distinct_images: Different inputs that the calls go round.
        stage_samples: Times that image to label is gone through, stage by stage.
        throughput_batch: Images per call for the throughput.
        throughput_seconds: Time of the throughput measurement per process.
        energy_seconds: Length of the energy measurement per case; 0 leaves it out.
        limit_seconds: Time after which a process counts as hung, from one answer to the next.
        seed: Of the order of the processes and of their turns.
        pin: The CPUs that measured processes are held to; empty for all.
        sustain_seconds: Length of the sustained load per case; 0 leaves it out.
        sustain_hz: Arrivals per second of the sustained load; 0 for calls one after the other.
    """

    protocol: str
    processes: int
    together: int
    warmup_calls: int
    turn_seconds: float
    min_samples: int
    min_seconds: float
    max_samples: int
    paced_hz: float
    paced_samples: int
    distinct_images: int
    stage_samples: int
    throughput_batch: int
    throughput_seconds: float
    energy_seconds: float
    limit_seconds: float
    seed: int
    pin: tuple[int, ...] = ()
    sustain_seconds: float = 0.0
    sustain_hz: float = 0.0

    def __post_init__(self) -> None:
        turns = (self.turn_seconds, self.min_seconds, self.throughput_seconds)
        lengths = (*turns, self.energy_seconds, self.limit_seconds, self.sustain_seconds)
        if not all(isfinite(each) for each in (*lengths, self.paced_hz, self.sustain_hz)):
            raise ValueError("a number that is NaN or infinite")
        if min(lengths) < 0:
            raise ValueError("a length of time below zero")
        counts = (self.processes, self.together, self.max_samples, self.throughput_batch)
        if min(*counts, self.distinct_images) < 1 or self.paced_hz <= 0 or self.sustain_hz < 0:
            raise ValueError("a count or a rate that must be above zero and is not")
        if min(self.warmup_calls, self.min_samples, self.paced_samples, self.stage_samples) < 0:
            raise ValueError("a count below zero")


class Subject(Record):
    """The model file of a case.

    Args:
        path: As the user would type it.
        format: What kind of file; None when nothing tells.
        precision: None for a file without manifest.
        sha256: None when it could not be read.
        size_bytes: None when it could not be read.
        parent_sha256: The file it was made of, where a manifest tells.
    """

    path: str
    format: Format | None
    precision: Precision | None
    sha256: str | None
    size_bytes: int | None
    parent_sha256: str | None = None

    @classmethod
    def of(cls, artifact: Artifact) -> "Subject":
        """What an opened file is."""
        manifest = artifact.manifest
        return cls(
            str(artifact.path),
            artifact.format,
            manifest.precision if manifest else None,
            artifact.sha256,
            artifact.size_bytes,
            manifest.parent_sha256 if manifest else None,
        )

    @property
    def name(self) -> str:
        """The path's last part, as people know it."""
        return display_name(Path(self.path))

    @property
    def is_baseline(self) -> bool:
        """Whether this is the harness's own baseline and no file: its name is in parentheses."""
        return self.path.startswith("(") and self.path.endswith(")")


class Case(Record, omit_defaults=True):
    """One row of a benchmark: a model file, what runs it, and how.

    Args:
        subject: The model file.
        runtime: Name of the runtime, such as "litert".
        device: Name of the device, such as "cpu".
        threads: Threads that the runtime may use for one call.
        batch: Images per call.
        fast_math: Whether the device may compute in a shorter type than that of the file.
        environment: Name of the environment that the runtime comes from; empty for the one that the
            benchmark itself runs in.
    """

    subject: Subject
    runtime: str
    device: str
    threads: int
    batch: int
    fast_math: bool = False
    environment: str = ""

    def __post_init__(self) -> None:
        if min(self.threads, self.batch) < 1:
            raise ValueError("a case without threads or images")
