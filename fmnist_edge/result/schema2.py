"""Results of schema 2, read as runs of the present schema.

Fields are renamed, and what schema 2 wrote as sentences is kept as such: a reason, remark or rule
whose values hold a `text` was written by schema 2, and `report` shows that text.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from fmnist_edge.records import RecordError, decode
from fmnist_edge.result.run import SCHEMA_VERSION, Run
from fmnist_edge.stats.intervals import samples_needed

VERSION: Final = 2
Fields = dict[str, Any]
_GIB: Final = 1 << 30
_TAILS: Final = ("p90", "p95", "p99", "p99.9")
_HOT: Final = ("ratio", "p50", *_TAILS)
_PACED: Final = ("paced-p50", "paced-p90")
_TIMES: Final = (*_HOT, *_PACED, "throughput")
# The figures that each reason of schema 2 spoils, where it does not spoil all times: those that the
# same check of the present schema names. Rows took turns, so that what slowed all of them for a
# while spoils their times and not their ratios.
_SPOILS: Final[Mapping[str, tuple[str, ...]]] = {
    "outputs-differ": (*_TIMES, "accuracy"),
    "not-audited": (*_TIMES, "accuracy"),
    "throttled": (*_TIMES, "cold"),
    "throttle-events": (*_TIMES, "cold"),
    "few-processes": ("ratio", "p50", "paced-p50", "throughput"),
    "few-samples": ("p50", *_TAILS),
    "unsteady": ("p50",),
    "drift": ("p50", *_TAILS),
    "two-speeds": ("p50", *_TAILS),
    "preempted": _TAILS,
    "busy": ("p50", *_TAILS, *_PACED),
    "warmed-up": ("p50", *_TAILS),
    "on-battery": ("p50", *_TAILS, *_PACED),
    "governor": ("p50",),
    "memory-pressure": ("p50", *_TAILS, "memory", "cold"),
}
# What a row of schema 2 need not say.
_ROW: Final[Fields] = {
    **dict.fromkeys(("measurements", "readings", "rules", "remarks"), ()),
    **dict.fromkeys(("cold", "back_to_back", "paced", "service", "throughput", "stages")),
    **dict.fromkeys(("accuracy", "energy", "verdict")),
}
_LATENCY: Final = {
    "count": "samples",
    "p50": "p50_ns",
    "interval": "p50_interval_ns",
    "mean": "mean_ns",
    "fastest": "min_ns",
    "slowest": "max_ns",
    "process_medians": "process_p50_ns",
    "turn_medians": "turn_p50_ns",
}
_COLD: Final = {
    "start": "process_start_ns",
    "import_": "import_ns",
    "load": "load_ns",
    "first": "first_call_ns",
    "total": "total_ns",
}
_STAGES: Final = {"prepare": "prepare_ns", "run": "run_ns", "decode": "decode_ns"}
_MEMORY: Final = {
    name: f"{name}_bytes" for name in ("start", "imported", "loaded", "steady", "peak")
}
_READING: Final = {
    "seconds": "at_seconds",
    "temperatures": "temperatures_celsius",
    "megahertz": "clocks_mhz",
    "counters": "event_counters",
}
_ENERGY: Final = {"joules": "energy_j", "idle_watts": "idle_w", "seconds": "duration_seconds"}
_DIFFERENCE: Final = {"largest_difference": "max_abs_difference"}


def decode_run(text: bytes) -> Run:
    """Return the run that a document of schema 2 describes.

    Raises:
        RecordError: It is damaged.
    """
    data = json.loads(text)
    try:
        data["host"] = _host(data["host"])
        data["rows"] = [_row(row) for row in data["rows"]]
        data["skipped"] = [_skipped(each) for each in data["skipped"]]
        data["rounds"] = data["settings"]["processes"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RecordError(f"it is damaged ({type(error).__name__}: {error})") from error
    data["schema_version"] = SCHEMA_VERSION
    return decode(Run, data)


def _renamed(fields: Fields, names: Mapping[str, str]) -> Fields:
    return {names.get(name, name): value for name, value in fields.items()}


def _known(fields: Fields | None, change: Callable[[Fields], Fields]) -> Fields | None:
    return None if fields is None else change(fields)


def _host(host: Fields) -> Fields:
    """Return the facts with `cores` and `memory_bytes` as numbers, where they are such."""
    changed = dict(host)
    if host.get("cores", "").isdecimal():
        changed["cores"] = int(host["cores"])
    amount, _, unit = host.get("memory", "").partition(" ")
    if unit == "GiB":
        del changed["memory"]
        changed["memory_bytes"] = round(float(amount) * _GIB)
    return changed


def _row(given: Fields) -> Fields:
    row = _ROW | given
    verdict = row.pop("verdict")
    changed = {
        **row,
        "measurements": [_measurement(each) for each in row["measurements"]],
        "cold": _known(row["cold"], lambda fields: _renamed(fields, _COLD)),
        "stages": _known(row["stages"], lambda fields: _renamed(fields, _STAGES)),
        "accuracy": _known(row["accuracy"], _accuracy),
        "energy": _known(row["energy"], lambda fields: _renamed(fields, _ENERGY)),
        "readings": [_renamed(each, _READING) for each in row["readings"]],
        "rules": [_rule(each) for each in row["rules"]],
        "remarks": [{"code": "schema-2", "values": {"text": text}} for text in row["remarks"]],
        **{name: _known(row[name], _latency) for name in ("back_to_back", "paced", "service")},
    }
    if verdict is not None:
        reasons = [_reason(each) for each in verdict["reasons"]]
        changed |= {
            "reasons": reasons,
            "not_checked": [
                {"code": "schema-2", "values": {"text": text}} for text in verdict["unknown"]
            ],
            "verdicts": _verdicts(changed, reasons),
        }
    return changed


def _measurement(fields: Fields) -> Fields:
    footprint = dict(fields["footprint"])
    preempted = footprint.pop("preempted")
    hot = _renamed(
        fields["back_to_back"],
        {"warmups": "warmup_ns", "samples": "sample_ns", "turns": "turn_samples"},
    )
    hot["cpu"] = {
        "wall_ns": hot["busy_ns"],
        "own_ns": None,
        "others_ns": None,
        "stolen_ns": None,
        "preemptions": preempted,
        "cpus": None,
    }
    return {
        **fields,
        "cold": _renamed(fields["cold"], _COLD),
        "back_to_back": hot,
        "paced": _known(fields["paced"], _paced),
        "stages": _known(fields["stages"], lambda stages: _renamed(stages, _STAGES)),
        "audit": _renamed(fields["audit"], _DIFFERENCE),
        "memory": _renamed(fields["memory"], _MEMORY),
        "footprint": footprint,
        "predictions": _known(
            fields["predictions"],
            lambda each: _renamed(each, {"confidence": "confidence_millionths"}),
        ),
    }


def _paced(fields: Fields) -> Fields:
    names = {"response": "response_ns", "service": "service_ns"}
    return {**_renamed(fields, names), "cpu": None}


def _latency(fields: Fields) -> Fields:
    percentiles = [_percentile(each) for each in fields["percentiles"]]
    return {**_renamed(fields, _LATENCY), "percentiles": percentiles}


def _percentile(fields: Fields) -> Fields:
    refused = fields["refused"]
    changed = {"share": fields["share"], "bound_ns": fields["nanoseconds"]}
    if not refused:
        return changed
    if "mean of" in refused:
        return {**changed, "refusal": "samples-are-means"}
    needed = samples_needed(fields["share"])
    return {**changed, "refusal": "too-few-samples", "samples_needed": needed}


def _accuracy(fields: Fields) -> Fields:
    against = _known(fields["against"], lambda each: _renamed(each, _DIFFERENCE))
    return {**fields, "against": against}


def _rule(fields: Fields) -> Fields:
    protocol, _, rule = fields["rule"].partition(": ")
    values = {"text": fields["found"]}
    return {"protocol": protocol, "rule": rule, "met": fields["met"], "values": values}


def _reason(fields: Fields) -> Fields:
    return {
        "code": fields["code"],
        "level": fields["level"],
        "figures": list(_SPOILS.get(fields["code"], _TIMES)),
        "values": {"text": fields["text"], "cure": fields["cure"]},
    }


def _verdicts(row: Fields, reasons: list[Fields]) -> Fields:
    """Return the worst level of each figure that the row has."""
    present = {
        **dict.fromkeys(_HOT, row["back_to_back"]),
        **dict.fromkeys(_PACED, row["paced"]),
        **{name: row[name] for name in ("throughput", "cold", "accuracy", "energy")},
        "memory": row["measurements"],
    }
    levels = {figure: "VALID" for figure, value in present.items() if value}
    for level in ("SUSPECT", "INVALID"):
        spoilt = {name for each in reasons if each["level"] == level for name in each["figures"]}
        levels |= dict.fromkeys(spoilt & levels.keys(), level)
    return levels


def _skipped(fields: Fields) -> Fields:
    path, _, runtime = fields["what"].partition(" on ")
    values = {"text": fields["reason"], "cure": fields["hint"]}
    return {"path": path, "runtime": runtime or None, "code": "schema-2", "values": values}
