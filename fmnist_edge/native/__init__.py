"""Calling the shared libraries of runtimes from C, for the cost of an inference without Python.

The C sources are in this folder and are compiled on the machine that uses them, by its own C
compiler. They need no headers except those of the C library, because they declare the prototypes of
the runtimes themselves.
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
