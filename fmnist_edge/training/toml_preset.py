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
    """The preset in the file `path`, called like the file.

    Raises:
        PresetError: the file cannot be read, or says something unknown or impossible.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}.", hint=_START) from error
    return parse_preset(payload, path.stem, str(path))


def parse_preset(payload: bytes, name: str, where: str) -> Preset:
    """The preset that the bytes of a TOML file describe.

    Args:
        payload: UTF-8.
        name: What it is called.
        where: The file, for messages.

    Raises:
        PresetError: it is not TOML, or says something unknown or impossible.
    """
    try:
        data = tomllib.loads(payload.decode(), parse_float=_finite)
    except ValueError as error:
        raise PresetError(f"{where} is not TOML: {error}.", hint=_START) from error
    return preset_from(data, name, where)


def preset_from(data: Mapping[str, Any], name: str, where: str) -> Preset:
    """The preset that tables of TOML describe.

    Args:
        data: As `tomllib` reads them.
        name: What it is called.
        where: The file, for messages.

    Raises:
        PresetError: they say something unknown or impossible.
    """
    _check_keys(Preset, data, where, "")
    if "name" in data:
        raise PresetError(f"{where} names itself.", hint="A preset is called like its file.")
    try:
        return decode(Preset, {"name": name, "summary": "", **data})
    except RecordError as error:
        raise PresetError(f"{where} describes no preset: {error}.", hint=_START) from error


def _check_keys(kind: type[Record], data: Mapping[str, Any], where: str, table: str) -> None:
    """Refuse a key that no field has, and name the field that may be meant."""
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
        inner = fields[key]
        for each in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(each, dict):
                _check_keys(inner, each, where, f"{table}{key}.")


def _record_in(annotation: Any) -> type[Record] | None:  # noqa: ANN401 - any annotation
    """Return the record that an annotation is about: itself, optional, or in a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    return next(filter(None, map(_record_in, typing.get_args(annotation))), None)


def _finite(text: str) -> float:
    """Return a number of TOML, which unlike JSON also knows `inf` and `nan`."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number
