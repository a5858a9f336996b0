"""What is written down about an environment, and what it tells of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from fmnist_edge.records import Record

SCHEMA_VERSION: Final = 1
# The name of the environment that this program runs in.
HERE: Final = "."


class Library(Record):
    """The package of a runtime, as an environment has it.

    Args:
        distribution: Its name in the package index: the module `onnxruntime` comes from
            "onnxruntime", "onnxruntime-gpu" and others.
        version: Empty where the environment does not tell.
    """

    distribution: str
    version: str


class Description(Record):
    """What an environment tells of itself.

    Args:
        version: Of its fmnist-edge.
        source: Hash of that fmnist-edge's source (`identity.source_digest`).
        python: Version of its Python.
        machine: What the interpreter is built for (`identity.machine`).
        runtimes: The runtimes whose package it has, by name; those that need no more than every
            install has are left out.
    """

    version: str
    source: str
    python: str
    machine: str
    runtimes: Mapping[str, Library]


class EnvironmentFile(Record):
    """The file that marks a folder as a whole environment.

    Args:
        interpreter: Path of the Python that was registered; empty for an environment that was made,
            whose Python is in its folder.
        packages: What was installed, as the user named it.
        made_with: Path of the Python that the environment was made with, if the user named it.
        wheels: Folder of the wheels that were installed, if the user named it.
        kind: Marks the file as such.
        schema_version: Of this schema.
    """

    interpreter: str = ""
    packages: tuple[str, ...] = ()
    made_with: str = ""
    wheels: str = ""
    kind: Literal["fmnist-edge environment"] = "fmnist-edge environment"
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Environment:
    """An interpreter that can measure.

    Args:
        name: As the user calls it; `HERE` for the one that this program runs in.
        python: Path of its interpreter.
        description: What it told of itself.
    """

    name: str
    python: Path
    description: Description
