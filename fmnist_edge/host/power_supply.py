"""Whether the machine runs on its battery."""

from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, entries, text, word

__all__ = ["PowerSupplies"]

_BATTERIES: Final = frozenset({"Battery", "UPS"})
# What /sys/class/power_supply/*/status may say, and whether the battery feeds the machine then.
_DRAINED: Final = {"Discharging": True, "Charging": False, "Not charging": False, "Full": False}
_ONLINE: Final = {"0": False, "1": True, "2": True}


class PowerSupplies:
    """The supplies of the machine itself, found once.

    Args:
        root: Where `sys` is mounted.
    """

    def __init__(self, root: Path) -> None:
        folders = entries(root / "sys/class/power_supply", "*")
        # A mouse has a battery, too; the kernel says that it is a device's.
        own = [folder for folder in folders if word(folder / "scope") != "Device"]
        kinds = {folder: word(folder / "type") for folder in own}
        self._batteries = [folder for folder, kind in kinds.items() if kind in _BATTERIES]
        self._mains = [folder for folder in own if (folder / "online").exists()]

    def on_battery(self) -> bool | None:
        """Whether a battery feeds the machine; None where there is no supply to ask.

        Raises:
            UnreadableError: there are supplies, and none of them tells.
        """
        if not self._batteries and not self._mains:
            return None
        told = [_DRAINED.get(word(folder / "status")) for folder in self._batteries]
        if True in told or False in told:
            return True in told
        plugged = [_ONLINE.get(word(folder / "online")) for folder in self._mains]
        if True in plugged or False in plugged:
            return True not in plugged
        raise UnreadableError(_why(self._batteries, self._mains))


def _why(batteries: list[Path], mains: list[Path]) -> str:
    asked = [folder / "status" for folder in batteries] + [folder / "online" for folder in mains]
    return "; ".join(f"{path.parent.name}: {_state(path)}" for path in asked)


def _state(path: Path) -> str:
    try:
        return f"{path.name} is {text(path)[:20]!r}"
    except UnreadableError as error:
        return f"{path.name} is unreadable: {error}"
