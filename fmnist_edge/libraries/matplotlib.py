"""Matplotlib, imported so that it writes nothing to the user's home."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from fmnist_edge.optional import require

PACKAGE: Final = "matplotlib"
EXTRA: Final = "plots"
_OWN_FOLDER: Final = "MPLCONFIGDIR"
# The cache folder of the programs that Matplotlib asks for the system's fonts.
_CACHE: Final = "XDG_CACHE_HOME"


@cache
def matplotlib(module: str = "") -> Any:  # noqa: ANN401 - a module
    """Import Matplotlib, or a module of it such as "figure", and return it.

    Matplotlib writes a list of fonts to the user's home, unless the environment names a folder
    before it is imported. Here that is a temporary folder, which is removed when the process ends;
    a folder that the user has named is kept.

    Raises:
        MissingDependencyError: It is not installed.
    """
    if _OWN_FOLDER not in os.environ:
        folder = tempfile.mkdtemp(prefix="fmnist-edge-plots-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[_OWN_FOLDER] = folder
    with _caching_in(os.environ[_OWN_FOLDER]):
        require(f"{PACKAGE}.font_manager", extra=EXTRA)
    return require(f"{PACKAGE}.{module}" if module else PACKAGE, extra=EXTRA)


def check_installed() -> None:
    """Check before long work that figures can be drawn.

    Raises:
        MissingDependencyError: Matplotlib is not installed, or cannot be imported.
    """
    matplotlib()


@contextmanager
def _caching_in(folder: str) -> Iterator[None]:
    before = os.environ.get(_CACHE)
    os.environ[_CACHE] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CACHE]
        else:
            os.environ[_CACHE] = before
