"""The presets that come with the package; each is a TOML file in this folder."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from fmnist_edge.tables import look_up
from fmnist_edge.training.measured import MeasuredPresets, parse_measured
from fmnist_edge.training.preset import Preset
from fmnist_edge.training.preset_names import PRESET_NAMES, PRESET_SUFFIX
from fmnist_edge.training.toml_preset import parse_preset, read_preset

__all__ = ["built_in", "get", "measured"]


@cache
def built_in() -> Mapping[str, Preset]:
    """Return the presets that come with the package, by name."""
    return MappingProxyType(
        {name: parse_preset(_read(f"{name}{PRESET_SUFFIX}"), name, name) for name in PRESET_NAMES}
    )


@cache
def measured() -> MeasuredPresets:
    """Return the measured figures of these presets."""
    return parse_measured(_read("measured.json"))


def get(name: str) -> Preset:
    """Return the preset called `name`, or the one in the TOML file `name`.

    Raises:
        PresetError: The file cannot be read, or has an unknown key or an impossible value.
        UsageError: There is no preset of that name.
    """
    if name.endswith(PRESET_SUFFIX):
        return read_preset(Path(name))
    return look_up(built_in(), name, "preset")


def _read(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()
