"""Calling the runtimes' own shared libraries from C: what an inference costs without Python.

The C sources lie beside this file and are compiled where they are used, by whatever C compiler the
machine has. They need no headers but those of the C library: the few prototypes they use are
declared in them.
"""

from fmnist_edge.native.build import build, compiler
from fmnist_edge.native.driver import Model, NativeError, Tensor
from fmnist_edge.native.library import find_library, load_library

__all__ = [
    "Model",
    "NativeError",
    "Tensor",
    "build",
    "compiler",
    "find_library",
    "load_library",
]
