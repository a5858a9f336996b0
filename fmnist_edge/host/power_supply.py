"""Whether the machine runs on its battery."""

from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, glob_sorted, read_or_empty, read_text

_BATTERIES: Final = frozenset({"Battery", "UPS"})
# Content of /sys/class/power_supply/*/status, and whether the battery feeds the machine then.
_DRAINED: Final = {"Discharging": True, "Charging": False, "Not charging": False, "Full": False}
_ONLINE: Final = {"0": False, "1": True, "2": True}


class PowerSupplies:
    """The power supplies of the machine, which are looked for once.

    Args:
        root: Folder in which `sys` is mounted.
    """

    def __init__(self, root: Path) -> None:
        folders = glob_sorted(root / "sys/class/power_supply", "*")
        # Scope "Device" marks the batteries of mice, keyboards and other peripherals.
        own = [folder for folder in folders if read_or_empty(folder / "scope") != "Device"]
        kinds = {folder: read_or_empty(folder / "type") for folder in own}
        self._batteries = [folder for folder, kind in kinds.items() if kind in _BATTERIES]
        self._mains = [folder for folder in own if (folder / "online").exists()]

    def on_battery(self) -> bool | None:
        """Return whether a battery feeds the machine; None where there is no power supply to ask.

        Raises:
            UnreadableError: There are power supplies, and none of them reports its state.
        """
        if not self._batteries and not self._mains:
            return None
        drained = [_DRAINED.get(read_or_empty(folder / "status")) for folder in self._batteries]
        if True in drained or False in drained:
            return True in drained
        online = [_ONLINE.get(read_or_empty(folder / "online")) for folder in self._mains]
        if True in online or False in online:
            return True not in online
        raise UnreadableError(_why(self._batteries, self._mains))


def _why(batteries: list[Path], mains: list[Path]) -> str:
    files = [folder / "status" for folder in batteries] + [folder / "online" for folder in mains]
    return "; ".join(f"{path.parent.name}: {_state(path)}" for path in files)


def _state(path: Path) -> str:
    try:
        return f"{path.name} is {read_text(path)[:20]!r}"
    except UnreadableError as error:
        return f"{path.name} is unreadable: {error}"
