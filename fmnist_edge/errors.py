"""The errors that users see, and the exit code of each.

    FmnistEdgeError                  1
    ├── UsageError                   2   (the code the command line itself uses)
    ├── DatasetNotFoundError        10
    ├── DatasetCorruptError         11
    ├── ArtifactNotFoundError       20
    ├── ManifestError               21
    ├── HashMismatchError           22
    ├── ArtifactExistsError         23
    ├── ModelUnreadableError        24
    ├── ModelUnsupportedError       25
    ├── DeviceUnavailableError      26
    ├── BundleError                 27
    ├── MissingDependencyError      30
    ├── EnvironmentNotFoundError    31
    ├── EnvironmentUnusableError    32
    ├── EnvironmentNotMadeError     33
    ├── HostUnreachableError        34
    ├── HostUnusableError           35
    ├── HostBusyError               36
    ├── TrainingError               40
    ├── CheckpointError             41
    ├── PresetError                 42
    ├── ExportError                 50
    ├── ParityError                 51
    ├── StorageError                60
    ├── InternalError               70   (a bug in this project)
    ├── ResultUnreadableError       80
    ├── ResultSchemaError           81
    ├── NotComparableError          82
    ├── RowsFailedError             90
    ├── WorkerCrashedError          91
    ├── WorkerTimeoutError          92
    ├── SlowerError                 93
    ├── HostsFailedError            94
    └── NotReadyError               95

An interrupted command (Ctrl-C) ends with 130, as shells expect.

A message names what happened and the file; the hint names what the user can do.
"""

from typing import ClassVar, Final

INTERRUPTED_EXIT_CODE: Final = 130


class FmnistEdgeError(Exception):
    """An error that the user can understand.

    Args:
        message: One sentence that names what happened and the file.
        hint: What the user can do; empty when the message says it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message: Final = message
        self.hint: Final = hint


class UsageError(FmnistEdgeError):
    """The options of a command are invalid or contradict each other."""

    exit_code = 2


class DatasetNotFoundError(FmnistEdgeError):
    """Fashion-MNIST was not found."""

    exit_code = 10


class DatasetCorruptError(FmnistEdgeError):
    """A dataset file is not the published one."""

    exit_code = 11


class ArtifactNotFoundError(FmnistEdgeError):
    """A model file does not exist, or there is none."""

    exit_code = 20


class ManifestError(FmnistEdgeError):
    """The JSON file beside a model cannot be understood."""

    exit_code = 21


class HashMismatchError(FmnistEdgeError):
    """A model file is not the one that its manifest describes."""

    exit_code = 22


class ArtifactExistsError(FmnistEdgeError):
    """Writing would replace a file of the user."""

    exit_code = 23


class ModelUnreadableError(FmnistEdgeError):
    """A runtime cannot read a model file."""

    exit_code = 24


class ModelUnsupportedError(FmnistEdgeError):
    """A model is readable but of another kind, or a runtime does not support it."""

    exit_code = 25


class DeviceUnavailableError(FmnistEdgeError):
    """A device cannot be used on this machine, or a runtime does not have it."""

    exit_code = 26


class BundleError(FmnistEdgeError):
    """A bundle is damaged, or is not what its index describes, or is no bundle."""

    exit_code = 27


class MissingDependencyError(FmnistEdgeError):
    """An optional package is not installed."""

    exit_code = 30


class EnvironmentNotFoundError(FmnistEdgeError):
    """There is no environment of that name."""

    exit_code = 31


class EnvironmentUnusableError(FmnistEdgeError):
    """The interpreter of an environment cannot measure for this program."""

    exit_code = 32


class EnvironmentNotMadeError(FmnistEdgeError):
    """An environment could not be made."""

    exit_code = 33


class HostUnreachableError(FmnistEdgeError):
    """A host cannot be reached over SSH, or does not let this user in."""

    exit_code = 34


class HostUnusableError(FmnistEdgeError):
    """A host was reached and cannot measure for this program."""

    exit_code = 35


class HostBusyError(FmnistEdgeError):
    """Another benchmark is under way on a host."""

    exit_code = 36


class TrainingError(FmnistEdgeError):
    """Training cannot continue."""

    exit_code = 40


class CheckpointError(FmnistEdgeError):
    """A checkpoint is missing or damaged, or belongs to another training."""

    exit_code = 41


class PresetError(FmnistEdgeError):
    """A preset file cannot be read, or holds an unknown key or an invalid value."""

    exit_code = 42


class ExportError(FmnistEdgeError):
    """A conversion failed."""

    exit_code = 50


class ParityError(FmnistEdgeError):
    """An exported file does not compute what its parent computes."""

    exit_code = 51


class StorageError(FmnistEdgeError):
    """The disk is full, read-only, or refuses access."""

    exit_code = 60


class InternalError(FmnistEdgeError):
    """An unexpected error, which is a bug of this project."""

    exit_code = 70


class ResultUnreadableError(FmnistEdgeError):
    """A file is not a benchmark result, or is damaged."""

    exit_code = 80


class ResultSchemaError(FmnistEdgeError):
    """A result has a schema version that this version cannot read."""

    exit_code = 81


class NotComparableError(FmnistEdgeError):
    """Two results cannot be compared."""

    exit_code = 82


class RowsFailedError(FmnistEdgeError):
    """A benchmark ended, and at least one of its rows could not be measured."""

    exit_code = 90


class WorkerCrashedError(FmnistEdgeError):
    """A measuring process ended without an answer."""

    exit_code = 91


class WorkerTimeoutError(FmnistEdgeError):
    """A measuring process did not answer within its limit."""

    exit_code = 92


class SlowerError(FmnistEdgeError):
    """A row of a comparison is slower than the limit allows."""

    exit_code = 93


class HostsFailedError(FmnistEdgeError):
    """A benchmark on several hosts ended, and at least one of them has no result."""

    exit_code = 94


class NotReadyError(FmnistEdgeError):
    """This machine is not ready to measure on."""

    exit_code = 95
