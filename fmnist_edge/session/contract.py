"""The interface of runtimes and of the sessions that they open."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.devices import CPU, Account, Provision
from fmnist_edge.session.tensors import Scores


class Opening(Enum):
    """How a session on an accelerator is opened; on the CPU all are the same.

    Attributes:
        USUAL: As an application opens it. The runtime may leave operators to the CPU, and then
            `Accelerated.account` says so; it never leaves all of them.
        STRICT: Without any operator on the CPU; the runtime refuses the model otherwise.
        ON_CPU: By the same interface, and held to the CPU; for comparison.
    """

    USUAL = "usual"
    STRICT = "strict"
    ON_CPU = "on-cpu"


@dataclass(frozen=True)
class SessionOptions:
    """Options of a session.

    Args:
        threads: Number of threads that one inference may use.
        batch: Number of items (images) per inference.
        device: Device that the runtime executes on (`devices.DEVICES`).
        fast_math: Whether the device may compute in a shorter type than that of the file.
        opening: How strictly the session keeps to the device.
        kernel_cache: Folder for what the runtime compiles for the device; None for the runtime's
            own choice.
    """

    threads: int = 1
    batch: int = 1
    device: str = CPU
    fast_math: bool = False
    opening: Opening = Opening.USUAL
    kernel_cache: Path | None = None


class Session(Protocol):
    """An opened model."""

    @property
    def input(self) -> TensorSpec:
        """The input tensor that the file declares; its first axis is the batch."""

    @property
    def output(self) -> TensorSpec:
        """The output tensor that the file declares."""

    @property
    def batch(self) -> int:
        """Number of items that one `run` takes."""

    @property
    def used(self) -> Mapping[str, str]:
        """Settings that the runtime reports to use (threads, provider, delegate, ...)."""

    def prepare(self, images: NDArray[Any]) -> NDArray[Any]:
        """Turn `batch` items into the exact input tensor, as `prepare_images` does.

        Raises:
            ModelUnsupportedError: The model takes items of another shape or kind.
        """

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        """Run one inference and return the raw output.

        The next call may overwrite the array that this one returned.

        Raises:
            ModelUnsupportedError: The runtime cannot run this model.
        """

    def decode(self, output: NDArray[Any]) -> Scores:
        """Turn a raw output into float32 of the same shape; [batch,C] scores of a classifier."""

    def close(self) -> None:
        """Release the resources of the runtime."""


@runtime_checkable
class SelfTiming(Protocol):
    """A session whose calls are made and timed by native code, without Python in between."""

    def time_calls(
        self, tensors: Sequence[NDArray[Any]], nanoseconds: int, at_most: int
    ) -> tuple[NDArray[np.uint64], NDArray[Any]]:
        """Run inferences back to back on each of `tensors` in turn; each call reads its output.

        Args:
            tensors: Input tensors, as `prepare` returns them.
            nanoseconds: Time after which no further call is made; at least one call is made.
            at_most: Largest number of calls.

        Returns:
            uint64[calls], the duration of each call in nanoseconds, and the output of the last
            call.
        """


@runtime_checkable
class Accelerated(Session, Protocol):
    """A session on an accelerator."""

    def account(self) -> Account:
        """Return what the runtime tells of where the model runs, after the first call."""


@runtime_checkable
class DeviceMemory(Session, Protocol):
    """A session that can leave its input and its output in the memory of the device."""

    def bind(self, tensor: NDArray[Any], /) -> Callable[[], None]:
        """Copy an input to the device.

        Returns:
            A function that infers on it, leaves the answer on the device, and returns once the
            answer is complete.
        """


class DefaultUse(Enum):
    """When `bench` selects a runtime that the user does not name.

    Attributes:
        ALWAYS: Whenever a file of its formats is measured.
        SLOW_IMPORT: As ALWAYS, except by short protocols, because its import takes seconds.
        ON_REQUEST: Only if an option asks for it, such as `--native`.
    """

    ALWAYS = "always"
    SLOW_IMPORT = "slow-import"
    ON_REQUEST = "on-request"


class RuntimeModule(Protocol):
    """The interface of the modules in `fmnist_edge.runtimes` (a module has no `self` to pass).

    Attributes:
        FORMATS: Formats that the runtime opens.
        PACKAGE: Import name of the Python package that it needs; empty if it needs none.
        EXTRA: Optional dependency group that installs the package.
        DEVICES: The devices that it can run on, `cpu` first, and what each needs.
        READS_MODEL: False for a runtime whose answer does not depend on the model. It measures the
            overhead of the harness, so that a run needs it once and not once per artifact.
        DEFAULT_USE: When `bench` selects the runtime without its being named.
    """

    FORMATS: frozenset[Format]
    PACKAGE: str
    EXTRA: str
    DEVICES: Mapping[str, Provision]
    READS_MODEL: bool
    DEFAULT_USE: DefaultUse

    def load_library(self) -> str:
        """Import the runtime and return its version.

        Raises:
            MissingDependencyError: The runtime is not installed.
        """

    def open(self, artifact: Artifact, options: SessionOptions) -> Session:
        """Open a model with one input and one output, of any shape.

        A session on another device than the CPU is `Accelerated`.

        Raises:
            DeviceUnavailableError: The device cannot be used on this machine.
            MissingDependencyError: The runtime is not installed.
            ModelUnreadableError: The file is damaged or of another kind.
            ModelUnsupportedError: The model has several inputs or outputs, an axis other than the
                first has no fixed size, or the model or the runtime does not support an option.
            StorageError: The folder for temporary files cannot be written to.
        """
