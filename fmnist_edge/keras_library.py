"""Keras on TensorFlow: imported in one way, wherever it is needed."""

import os
from pathlib import Path
from typing import Any, Final

from fmnist_edge.optional import require

__all__ = ["EXTRA", "keras", "tensorflow"]

EXTRA: Final = "train"
# Keras would make a folder in the user's home, and follow what a file there says about backends
# and number formats. Below a file that is no folder there is neither.
_NO_HOME: Final = str(Path(os.devnull) / "keras")


def tensorflow() -> Any:  # noqa: ANN401 - the module is untyped
    """Import TensorFlow.

    Raises:
        MissingDependencyError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_HOME"] = _NO_HOME
    os.environ["KERAS_BACKEND"] = "tensorflow"
    return require("tensorflow", extra=EXTRA)


def keras() -> Any:  # noqa: ANN401 - the module is untyped
    """Import Keras, which computes by TensorFlow.

    Raises:
        MissingDependencyError: one of the two is not installed.
    """
    tensorflow()
    return require("keras", extra=EXTRA)
