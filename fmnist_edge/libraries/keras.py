"""Keras on TensorFlow: imported in one way, wherever it is needed."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from fmnist_edge.optional import require

EXTRA: Final = "train"
# Keras would make a folder in the user's home, and follow what a file there says about backends
# and number formats. Below a file that is no folder there is neither.
_NO_HOME: Final = str(Path(os.devnull) / "keras")
_DRAWS: Final = "matplotlib"


def tensorflow() -> Any:  # noqa: ANN401 - the module is untyped
    """Import TensorFlow.

    Raises:
        MissingDependencyError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_HOME"] = _NO_HOME
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _without_drawing():
        return require("tensorflow", extra=EXTRA)


@contextmanager
def _without_drawing() -> Iterator[None]:
    """Keep Keras from importing Matplotlib, if nobody has yet.

    It does where Matplotlib is installed, to be able to draw. That takes a second, and leaves files
    in the user's home.
    """
    if _DRAWS in sys.modules:
        yield
        return
    sys.modules[_DRAWS] = None  # type: ignore[assignment] # an import of it then fails
    try:
        yield
    finally:
        del sys.modules[_DRAWS]


def keras() -> Any:  # noqa: ANN401 - the module is untyped
    """Import Keras, which computes by TensorFlow.

    Raises:
        MissingDependencyError: one of the two is not installed.
    """
    tensorflow()
    with _without_drawing():
        return require("keras", extra=EXTRA)


def failures() -> tuple[type[Exception], ...]:
    """What TensorFlow raises when a model cannot be run on what it is given.

    Raises:
        MissingDependencyError: it is not installed.
    """
    return ValueError, TypeError, tensorflow().errors.OpError


def keep_to_cpu(threads: int) -> Mapping[str, str]:
    """Ask TensorFlow for the CPU and so many threads on it, and tell what was heard.

    The first to compute in a process decides: later TensorFlow says that it is too late.

    Returns:
        "threads" and "device", as far as they are what was asked for.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    settings = tensorflow().config
    with suppress(RuntimeError):
        settings.threading.set_intra_op_parallelism_threads(threads)
        settings.threading.set_inter_op_parallelism_threads(1)
        settings.set_visible_devices([], "GPU")
    heard = {
        "threads": settings.threading.get_intra_op_parallelism_threads() == threads,
        "device": not settings.get_visible_devices("GPU"),
    }
    told = {"threads": str(threads), "device": "CPU"}
    return {name: told[name] for name, was_heard in heard.items() if was_heard}
