"""Whether two runs can be compared at all, and which of their rows belong together."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from fmnist_edge.errors import NotComparableError
from fmnist_edge.report.cells import counted, listed
from fmnist_edge.report.rows import ordered
from fmnist_edge.result import Case, Row, Run, Settings

__all__ = ["Matched", "differing", "match", "refuse_other_conditions", "same_machine"]

# They shape no number: the order of the processes, and when one is given up.
_FREE: Final = {"seed", "limit_seconds"}
_MACHINE: Final = ("cpu", "model", "memory")


@dataclass(frozen=True)
class Matched:
    """The rows of two runs.

    Args:
        pairs: Old and new row of the same case.
        only_old: Rows without a partner.
        only_new: Rows without a partner.
    """

    pairs: tuple[tuple[Row, Row], ...]
    only_old: tuple[Row, ...]
    only_new: tuple[Row, ...]


def refuse_other_conditions(old: Run, new: Run) -> None:
    """Runs of other protocols or on other data say nothing about each other.

    Raises:
        NotComparableError: the settings differ (but for the seed and the limit), or the data.
    """
    changed = [
        f"{field.name} {before} and {after}"
        for field in fields(Settings)
        if field.name not in _FREE
        and (before := getattr(old.settings, field.name))
        != (after := getattr(new.settings, field.name))
    ]
    if changed:
        raise NotComparableError(
            f"The two runs were not measured in the same way: {listed(changed)}.",
            hint="Measure again with the protocol and the options of the other run.",
        )
    if _data(old) != _data(new):
        raise NotComparableError(
            "The two runs were measured on different images.",
            hint="Measure again with the same --data.",
        )


def _data(run: Run) -> tuple[str, str]:
    return run.data_sha256, run.own_data.sha256 if run.own_data else ""


def match(old: Run, new: Run) -> Matched:
    """Rows of the same model, by its hash, on the same runtime with the same options.

    Raises:
        NotComparableError: there are none but the floor's.
    """
    before, after = dict(_keyed(ordered(old))), dict(_keyed(ordered(new)))
    both = [key for key in after if key in before]
    if all(after[key].case.subject.is_floor for key in both):
        raise NotComparableError(f"No row of the two runs is the same case: {_why(old, new)}.")
    return Matched(
        tuple((before[key], after[key]) for key in both),
        tuple(row for key, row in before.items() if key not in after),
        tuple(row for key, row in after.items() if key not in before),
    )


def _keyed(rows: Sequence[Row]) -> Iterator[tuple[tuple[object, ...], Row]]:
    """Each row and what it is recognised by; copies of one file are counted through."""
    seen: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        key = _key(row.case)
        yield (*key, seen[key]), row
        seen[key] += 1


def _key(case: Case) -> tuple[object, ...]:
    model = case.subject.sha256 or case.subject.path
    return model, case.runtime, case.device, case.threads, case.batch


def _why(old: Run, new: Run) -> str:
    """What keeps the rows apart, as far as their names tell."""
    hashes = [
        {
            row.case.subject.name: row.case.subject.sha256
            for row in run.rows
            if not row.case.subject.is_floor
        }
        for run in (old, new)
    ]
    shared = [name for name in hashes[0] if name in hashes[1]]
    other = [name for name in shared if hashes[0][name] != hashes[1][name]]
    if other:
        verb = "is another file" if len(other) == 1 else "are other files"
        return f"{listed(other)} {verb} than before (the hashes differ)"
    if shared:
        return "the files are the same, but not runtime, device, threads and batch"
    sizes = " and ".join(counted(len(each), "file") for each in hashes)
    return f"they measured {sizes}, and none is in both"


def same_machine(old: Run, new: Run) -> bool:
    """Whether both were measured on machines of the same kind, as far as their facts tell."""
    return not differing(old.host, new.host, _MACHINE)


def differing(
    old: Mapping[str, str], new: Mapping[str, str], names: Sequence[str]
) -> tuple[str, ...]:
    """What differs, in words: "governor: powersave, now performance"."""
    return tuple(
        f"{name}: {old.get(name, 'unknown')}, now {new.get(name, 'unknown')}"
        for name in names
        if old.get(name) != new.get(name)
    )
