"""Whether two runs can be compared at all, and which of their rows belong together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fmnist_edge.errors import NotComparableError
from fmnist_edge.report.numbers import counted, label, listed, quantity
from fmnist_edge.report.rows import ordered
from fmnist_edge.result import Case, Row, Run, Settings, Value

# They shape no number that is compared: the order of the processes, when one is given up, and a
# load that begins when everything else is measured.
_FREE: Final = {"seed", "limit_seconds", "sustain_seconds", "sustain_hz"}
_MACHINE: Final = ("cpu", "model", "memory_bytes")


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
    """Refuse to compare runs of other protocols or on other data.

    Raises:
        NotComparableError: The data differ, or the settings: all but the seed, the limit and the
            sustained load.
    """
    changed = [
        f"{name} {before} and {after}"
        for name in Settings.__struct_fields__
        if name not in _FREE
        and (before := getattr(old.settings, name)) != (after := getattr(new.settings, name))
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
    """Return the rows of the same model, by its hash, on the same runtime with the same options.

    Raises:
        NotComparableError: There are none but the baseline's.
    """
    before, after = _by_case(old), _by_case(new)
    both = [key for key in after if key in before]
    if all(after[key][0].case.subject.is_baseline for key in both):
        raise NotComparableError(f"No row of the two runs is the same case: {_why(old, new)}.")
    pairs = tuple(pair for key in both for pair in _paired(before[key], after[key]))
    matched = [{id(pair[side]) for pair in pairs} for side in (0, 1)]
    return Matched(
        pairs,
        tuple(row for row in ordered(old) if id(row) not in matched[0]),
        tuple(row for row in ordered(new) if id(row) not in matched[1]),
    )


def _by_case(run: Run) -> dict[tuple[object, ...], list[Row]]:
    """Return the rows by what they are recognised by; copies of one file stand together."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in ordered(run):
        found.setdefault(_key(row.case), []).append(row)
    return found


def _paired(before: Sequence[Row], after: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Yield copies of one file in pairs: those of the same path first, the others in order."""
    left = list(before)
    others = []
    for row in after:
        same = next(
            (each for each in left if each.case.subject.path == row.case.subject.path), None
        )
        if same is None:
            others.append(row)
            continue
        left.remove(same)
        yield same, row
    yield from zip(left, others, strict=False)


def _key(case: Case) -> tuple[object, ...]:
    model = case.subject.sha256 or case.subject.path
    how = case.runtime, case.environment, case.device, case.threads, case.batch, case.fast_math
    return model, *how


def _why(old: Run, new: Run) -> str:
    """Return what keeps the rows apart, as far as their names tell."""
    hashes = [
        {
            row.case.subject.name: row.case.subject.sha256
            for row in run.rows
            if not row.case.subject.is_baseline
        }
        for run in (old, new)
    ]
    shared = [name for name in hashes[0] if name in hashes[1]]
    other = [name for name in shared if hashes[0][name] != hashes[1][name]]
    if other:
        verb = "is another file" if len(other) == 1 else "are other files"
        return f"{listed(other)} {verb} than before (the hashes differ)"
    if shared:
        return (
            "the files are the same, but not runtime, environment, device, threads, batch and "
            "fast math"
        )
    sizes = " and ".join(counted(len(each), "file") for each in hashes)
    return f"they measured {sizes}, and none is in both"


def same_machine(old: Run, new: Run) -> bool:
    """Return whether both were measured on machines of the same kind, as far as is known.

    Two hosts of other names are two machines; a host may be measured from itself, without a name.
    """
    if old.host_name and new.host_name and old.host_name != new.host_name:
        return False
    return not differing(old.host, new.host, _MACHINE)


def differing(
    old: Mapping[str, Value], new: Mapping[str, Value], names: Sequence[str]
) -> tuple[str, ...]:
    """Return what differs, in words: "governor: powersave, now performance".

    Values that are written alike do not differ: schema 2 kept the memory in tenths of a GiB.
    """
    pairs = ((name, _written(old, name), _written(new, name)) for name in names)
    return tuple(
        f"{label(name)}: {before}, now {after}" for name, before, after in pairs if before != after
    )


def _written(values: Mapping[str, Value], name: str) -> str:
    return quantity(name, values.get(name, "unknown"))
