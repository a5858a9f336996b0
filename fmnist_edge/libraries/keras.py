"""Keras and TensorFlow, imported with fixed settings."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from fmnist_edge.optional import require

EXTRA: Final = "train"
# Keras would create a folder in the user's home and read its backend and number format from a file
# there. Below a device file there can be no folder.
_NO_HOME: Final = str(Path(os.devnull) / "keras")
_DRAWS: Final = "matplotlib"


def tensorflow() -> Any:  # noqa: ANN401 - the module is untyped
    """Import TensorFlow and return it.

    Raises:
        MissingDependencyError: It is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_HOME"] = _NO_HOME
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _without_drawing():
        return require("tensorflow", extra=EXTRA)


@contextmanager
def _without_drawing() -> Iterator[None]:
    """Keep Keras from importing Matplotlib, unless it is imported already.

    The import takes a second and leaves files in the user's home.
    """
    if _DRAWS in sys.modules:
        yield
        return
    sys.modules[_DRAWS] = None  # type: ignore[assignment] # its import then fails
    try:
        yield
    finally:
        del sys.modules[_DRAWS]


def keras() -> Any:  # noqa: ANN401 - the module is untyped
    """Import Keras with the TensorFlow backend and return it.

    Raises:
        MissingDependencyError: Keras or TensorFlow is not installed.
    """
    tensorflow()
    with _without_drawing():
        return require("keras", extra=EXTRA)


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions that TensorFlow raises when a model cannot be run on its input.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    return ValueError, TypeError, tensorflow().errors.OpError


def keep_to_cpu(threads: int) -> Mapping[str, str]:
    """Ask TensorFlow to use the CPU only and `threads` threads, and return what took effect.

    TensorFlow accepts these settings only before its first computation in a process.

    Args:
        threads: The number of threads of one operator; 0 uses all cores.

    Returns:
        "threads" and "device", those of the two that have the value that was asked for.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    settings = tensorflow().config
    with suppress(RuntimeError):
        settings.threading.set_intra_op_parallelism_threads(threads)
        settings.threading.set_inter_op_parallelism_threads(1)
        settings.set_visible_devices([], "GPU")
    in_effect = {
        "threads": settings.threading.get_intra_op_parallelism_threads() == threads,
        "device": not settings.get_visible_devices("GPU"),
    }
    wanted = {"threads": str(threads), "device": "CPU"}
    return {name: wanted[name] for name, holds in in_effect.items() if holds}
