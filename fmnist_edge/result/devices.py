"""Which runtime can be used on which device of this machine."""

from enum import StrEnum
from typing import Final, Literal

from fmnist_edge.devices import Account, Unit
from fmnist_edge.records import Record
from fmnist_edge.result.measurement import Failure

DEVICES_SCHEMA_VERSION: Final = 1  # 1: first


class State(StrEnum):
    """Whether a runtime can be used on a device.

    Attributes:
        USABLE: It computed the right answer there.
        UNUSABLE: It is installed, and did not.
        NOT_INSTALLED: A package is missing.
        OTHER_SYSTEM: This operating system does not have the device.
    """

    USABLE = "usable"
    UNUSABLE = "unusable"
    NOT_INSTALLED = "not-installed"
    OTHER_SYSTEM = "other-system"


class Probed(Record):
    """What a probe found.

    Args:
        version: Of the runtime's library; empty where it could not be imported.
        account: What the runtime tells of where it ran; None on the CPU.
        failure: Why it cannot be used; None where it can.
    """

    version: str = ""
    account: Account | None = None
    failure: Failure | None = None


class DeviceState(Record):
    """One pair of runtime and device, in one environment.

    Args:
        runtime: Name of the runtime.
        device: Name of the device.
        state: Whether the runtime can be used there.
        probed: What the probe found; None where nothing was tried.
        unit: The physical device; None where it is not known.
        command: What to type to have it; empty where no package is missing, or where there is none
            for this version of Python.
        system: What the operating system must have besides, as part of a sentence; may be empty.
        environment: Name of the environment; empty for the one that the program runs in.
    """

    runtime: str
    device: str
    state: State
    probed: Probed | None = None
    unit: Unit | None = None
    command: str = ""
    system: str = ""
    environment: str = ""


class DeviceStates(Record):
    """All pairs of runtime and device.

    Args:
        version: Version of fmnist-edge.
        states: By device, the CPU first.
    """

    version: str
    states: tuple[DeviceState, ...]
    kind: Literal["fmnist-edge devices"] = "fmnist-edge devices"
    schema_version: int = DEVICES_SCHEMA_VERSION
