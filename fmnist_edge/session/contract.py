"""What a runtime offers, and what it is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.session.tensors import Scores

__all__ = ["Occasion", "RuntimeModule", "SelfTiming", "Session", "SessionOptions"]


@dataclass(frozen=True)
class SessionOptions:
    """What a session is opened with.

    Args:
        threads: Threads that one inference may use.
        batch: Items (images) per inference.
        device: Where the runtime executes.
    """

    threads: int = 1
    batch: int = 1
    device: str = "cpu"


class Session(Protocol):
    """An opened model."""

    @property
    def input(self) -> TensorSpec:
        """The input tensor the file declares; its first axis is the batch."""

    @property
    def output(self) -> TensorSpec:
        """The output tensor the file declares."""

    @property
    def batch(self) -> int:
        """Items that one `run` takes."""

    @property
    def used(self) -> Mapping[str, str]:
        """What the runtime says it really uses (threads, provider, delegate, ...)."""

    def prepare(self, images: NDArray[Any]) -> NDArray[Any]:
        """Turn `batch` items into the exact input tensor, as `prepare_images` does.

        Raises:
            ModelUnsupportedError: the model takes items of another shape or kind.
        """

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        """Infer; return once the raw output is visible to the caller.

        The next call may overwrite what this one returned.

        Raises:
            ModelUnsupportedError: the runtime gives up on this model.
        """

    def decode(self, output: NDArray[Any]) -> Scores:
        """Turn a raw output into float32 of the same shape: of a classifier, [batch,C] scores."""

    def close(self) -> None:
        """Give back what the runtime holds."""


@runtime_checkable
class SelfTiming(Protocol):
    """A session whose calls are made and timed by native code, without Python in between."""

    def time_calls(
        self, tensors: Sequence[NDArray[Any]], nanoseconds: int, at_most: int
    ) -> tuple[NDArray[np.uint64], NDArray[Any]]:
        """Call back to back, going round `tensors`, and read each output inside its call.

        Args:
            tensors: What `prepare` made.
            nanoseconds: For how long; at least one call is made.
            at_most: Calls after which to stop earlier.

        Returns:
            uint64[calls] nanoseconds per call, in order, and the output of the last call.
        """


class Occasion(Enum):
    """When a runtime is measured without being named.

    Attributes:
        ALWAYS: Whenever a file of its formats is.
        UNHURRIED: Not by protocols that must end soon: it takes seconds to import.
        NAMED: Only when it is named, or what it belongs to is asked for.
    """

    ALWAYS = "always"
    UNHURRIED = "unhurried"
    NAMED = "named"


class RuntimeModule(Protocol):
    """What a module in `fmnist_edge.runtimes` offers (a module has no `self` to pass).

    Attributes:
        FORMATS: The formats it opens.
        PACKAGE: The Python package it needs; empty when the base install suffices.
        EXTRA: The dependency group that installs it.
        READS_MODEL: False for a runtime whose answer does not depend on the model: it weighs the
            harness, so a run needs it once and not once per artifact.
        OCCASION: When it is measured without being named.
    """

    FORMATS: frozenset[Format]
    PACKAGE: str
    EXTRA: str
    READS_MODEL: bool
    OCCASION: Occasion

    def load_library(self) -> str:
        """Import the runtime and return its version.

        Raises:
            MissingDependencyError: it is not installed.
        """

    def open(self, artifact: Artifact, options: SessionOptions) -> Session:
        """Open a model with one input and one output, of any shape.

        Raises:
            ModelUnreadableError: the file is damaged or of another kind.
            ModelUnsupportedError: the model has several inputs or outputs, leaves another axis
                open than the first, or the options ask for what it or the runtime lacks.
        """
