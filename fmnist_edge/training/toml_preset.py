"""Presets from TOML files."""

import difflib
import math
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from fmnist_edge.errors import PresetError
from fmnist_edge.records import Record, RecordError, decode
from fmnist_edge.training.preset import Preset

_START: Final = (
    "The presets that come with fmnist-edge are such files too: see fmnist_edge/training/presets."
)


def read_preset(path: Path) -> Preset:
    """Return the preset in the file `path`; its name is that of the file without the suffix.

    Raises:
        PresetError: The file cannot be read, or has an unknown key or an impossible value.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}.", hint=_START) from error
    return parse_preset(payload, path.stem, str(path))


def parse_preset(payload: bytes, name: str, where: str) -> Preset:
    """Return the preset that the bytes of a TOML file describe.

    Args:
        payload: The content of the file, in UTF-8.
        name: The name of the preset.
        where: The file, for messages.

    Raises:
        PresetError: It is not TOML, or has an unknown key or an impossible value.
    """
    try:
        data = tomllib.loads(payload.decode())
    except ValueError as error:
        raise PresetError(f"{where} is not TOML: {error}.", hint=_START) from error
    return preset_from(data, name, where)


def preset_from(data: Mapping[str, Any], name: str, where: str) -> Preset:
    """Return the preset that the tables of a TOML file describe.

    Args:
        data: The tables as `tomllib` returns them.
        name: The name of the preset.
        where: The file, for messages.

    Raises:
        PresetError: There is an unknown key or an impossible value.
    """
    _check_keys(Preset, data, where, "")
    if "name" in data:
        raise PresetError(
            f"{where} has the key name.", hint="Remove it: a preset is named after its file."
        )
    try:
        return decode(Preset, {"name": name, "summary": "", **data})
    except RecordError as error:
        raise PresetError(f"{where} describes no preset: {error}.", hint=_START) from error


def _check_keys(kind: type[Record], data: Mapping[str, Any], where: str, table: str) -> None:
    """Refuse an unknown key, with the nearest known one as a hint, and a NaN or infinite value."""
    fields = {each.name: _record_in(each.type) for each in msgspec.structs.fields(kind)}
    for key, value in data.items():
        if key not in fields:
            known = [each for each in fields if each != "name"]
            near = difflib.get_close_matches(key, known, n=1)
            raise PresetError(
                f"{where} says {table}{key}, which is unknown.",
                hint=f"Do you mean {table}{near[0]}?"
                if near
                else f"Known are: {', '.join(known)}.",
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise PresetError(
                f"{where} says {table}{key} is {value}.", hint="Give a finite number."
            )
        inner = fields[key]
        for each in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(each, dict):
                _check_keys(inner, each, where, f"{table}{key}.")


def _record_in(annotation: Any) -> type[Record] | None:  # noqa: ANN401 - any annotation
    """Return the record that an annotation is about: itself, optional, or in a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    return next(filter(None, map(_record_in, typing.get_args(annotation))), None)
