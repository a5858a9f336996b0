"""Hypothesis strategies for this project's records, made from the types of their fields."""

import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Final, Literal

import msgspec
import numpy as np
from hypothesis import strategies as st

from fmnist_edge.artifact import Manifest, PairedAccuracy, Parity, Quantization
from fmnist_edge.bench.wire import Job
from fmnist_edge.records import Record
from fmnist_edge.result import (
    Accuracy,
    AgainstReference,
    Case,
    Course,
    Failure,
    Interval,
    LoadWindow,
    Measurement,
    NotChecked,
    Percentile,
    Predictions,
    Reason,
    Remark,
    RuleCheck,
    Run,
    Samples,
    Settings,
    Skipped,
    SpeedLevel,
    Sustained,
    codes,
)

texts = st.text(max_size=8)
whole = st.integers(0, 2**63)
reals = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)
sha256s = st.text("0123456789abcdef", min_size=64, max_size=64)
nanoseconds = st.lists(st.integers(0, 2**64 - 1), max_size=50).map(lambda x: np.array(x, np.uint64))
samples = nanoseconds.map(Samples.pack)

_PLAIN: Final[Mapping[Any, st.SearchStrategy[Any]]] = {
    type(None): st.none(),
    bool: st.booleans(),
    int: whole,
    float: reals,
    str: texts,
    Samples: samples,
}
_count = st.integers(1, 2**63)
_seconds = st.floats(0, 1e9)
_above_zero = st.floats(1e-9, 1e15)
# Fields that take less than their type says.
_NARROWER: Final[Mapping[type[Record], Mapping[str, st.SearchStrategy[Any]]]] = {
    Accuracy: {
        "images": st.integers(5, 9),
        "correct": st.integers(0, 5),
        "confusion": st.integers(0, 3).flatmap(
            lambda size: st.lists(
                st.lists(whole, min_size=size, max_size=size).map(tuple),
                min_size=size,
                max_size=size,
            ).map(tuple)
        ),
        "calibration_error": shares,
    },
    AgainstReference: {"agreement": shares, "p_value": shares},
    Case: {"threads": _count, "batch": _count},
    Interval: {"confidence": shares},
    Manifest: {
        "file": st.from_regex(r"[a-z]{1,8}\.[a-z]{3,6}", fullmatch=True),
        "sha256": sha256s,
        "companions": st.dictionaries(
            st.from_regex(r"[a-z]{1,5}/[a-z]{1,5}\.bin", fullmatch=True), sha256s, max_size=2
        ),
    },
    PairedAccuracy: {"parent": shares, "own": shares, "p_value": shares},
    Parity: {"agreement": shares},
    LoadWindow: {"calls": _count, "duration_seconds": _above_zero, "p50_ns": _above_zero},
    Percentile: {"share": shares},
    Predictions: {"labels": st.text("0123456789", max_size=8)},
    Quantization: {"scale": st.floats(1e-6, 1e6)},
    Settings: {
        "processes": _count,
        "together": _count,
        "max_samples": _count,
        "distinct_images": _count,
        "throughput_batch": _count,
        "paced_hz": st.floats(0.1, 1e4),
        "turn_seconds": _seconds,
        "min_seconds": _seconds,
        "throughput_seconds": _seconds,
        "energy_seconds": _seconds,
        "limit_seconds": _seconds,
        "sustain_seconds": _seconds,
        "sustain_hz": st.floats(0, 1e4),
    },
    SpeedLevel: {"time_ns": _above_zero},
    Course: {
        "first_ns": _above_zero,
        "ratio": _above_zero,
        "levels": st.deferred(lambda: _some(SpeedLevel)),
    },
    Sustained: {"windows": st.deferred(lambda: _some(LoadWindow))},
}
# What has a code has the values that belong to this code.
_CODED: Final[Mapping[type[Record], tuple[str, Mapping[str, codes.Names]]]] = {
    Reason: ("code", codes.REASONS),
    NotChecked: ("code", codes.NOT_CHECKED),
    Remark: ("code", codes.REMARKS),
    RuleCheck: ("rule", codes.RULES),
    Skipped: ("code", codes.SKIPPED),
}
_VALUES_OF_TEXT: Final = frozenset(
    {
        "limits", "events", "cpu", "sensor", "what", "why", "network", "precision", "governor",
        "machine", "emulator", "reference", "regime", "format", "runtimes", "extra",
    }
)  # fmt: skip


@cache
def records(kind: type[Record]) -> st.SearchStrategy[Any]:
    """Records of a kind, with anything in their fields that may be there."""
    narrower = _NARROWER.get(kind, {})
    parts = {
        field.name: narrower.get(field.name, _of(field.type))
        for field in msgspec.structs.fields(kind)
        if field.name not in {"kind", "schema_version", "values"}
    }
    if kind not in _CODED:
        return st.builds(kind, **parts)
    name, table = _CODED[kind]
    del parts[name]
    return st.sampled_from(sorted(table)).flatmap(
        lambda code: st.builds(kind, **{name: st.just(code)}, **parts, values=_values(table[code]))
    )


def _some(kind: type[Record]) -> st.SearchStrategy[Any]:
    return st.lists(records(kind), min_size=1, max_size=2).map(tuple)


def _values(names: codes.Names) -> st.SearchStrategy[dict[str, Any]]:
    numbers = whole | reals
    return st.fixed_dictionaries(
        {name: texts if name in _VALUES_OF_TEXT else numbers for name in names}
    )


def _of(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - the type of a field
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {types.UnionType, typing.Union}:
        return st.one_of(*map(_of, arguments))
    if origin is tuple:
        return st.lists(_of(arguments[0]), max_size=2).map(tuple)
    if origin is not None:
        return st.dictionaries(*map(_of, arguments), max_size=2)
    return st.sampled_from(kind) if issubclass(kind, Enum) else records(kind)


manifests = records(Manifest)
measurements = records(Measurement)
failures = records(Failure)
runs = records(Run)
jobs = records(Job)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
