"""Environments: interpreters other than the running one, which measure for it.

Packages of one runtime exclude each other (onnxruntime, onnxruntime-gpu and others bring the same
module), and so do two versions of a package. Each can have an environment of its own.
"""

from fmnist_edge.environments.ask import ALONE, ask
from fmnist_edge.environments.identity import machine, source_digest
from fmnist_edge.environments.make import make, register
from fmnist_edge.environments.record import HERE, Description, Environment, Library
from fmnist_edge.environments.store import environments_folder, interpreter_of, names, read, remove

__all__ = [
    "ALONE",
    "HERE",
    "Description",
    "Environment",
    "Library",
    "ask",
    "environments_folder",
    "interpreter_of",
    "machine",
    "make",
    "names",
    "read",
    "register",
    "remove",
    "source_digest",
]
