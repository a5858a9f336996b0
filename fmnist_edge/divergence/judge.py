"""From two answers, and what is known of their layers, to the record."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import __version__
from fmnist_edge.artifact import utc_now
from fmnist_edge.divergence.changes import Answers, changes, moves
from fmnist_edge.divergence.pattern import Known, by_pattern
from fmnist_edge.divergence.record import Cause, Detail, Divergence, LayerDifference, Side

# No difference, one that float32 makes of the same sums, and one that came with the inputs.
_NO_CAUSE: Final = frozenset({"identical", "reordered-sums", "inherited"})


@dataclass(frozen=True, eq=False)
class Compared:
    """Two answers, and what is known of them.

    Args:
        sides: What made them.
        answers: The answers.
        truth: int64[N], the true classes; None where they are not known.
        names: Of the classes.
        source: Where the images come from.
        known: What is known besides.
        unread: Why no layers are compared; empty where they are.
        layers: What differs in each layer.
        other_layers: Whether the files have other layers.
    """

    sides: tuple[Side, Side]
    answers: tuple[Answers, Answers]
    truth: NDArray[np.int64] | None
    names: tuple[str, ...]
    source: str
    known: Known
    unread: str = ""
    layers: tuple[LayerDifference, ...] = ()
    other_layers: bool = False


def judge(found: Compared, at_most: int) -> Divergence:
    """Return the record of a comparison.

    Args:
        found: What is compared.
        at_most: How many changed images are kept.
    """
    a, b = found.answers
    moved = moves(a, b)
    changed = a.labels != b.labels
    cause, detail, first = _cause(found, 1 - float(changed.mean()))
    rights = [
        None if found.truth is None else int((each.labels == found.truth).sum()) for each in (a, b)
    ]
    return Divergence(
        created=utc_now(),
        version=__version__,
        a=found.sides[0],
        b=found.sides[1],
        source=found.source,
        images=len(a.labels),
        changed=int(changed.sum()),
        changes=changes(a, b, found.truth, found.names, at_most),
        correct_a=rights[0],
        correct_b=rights[1],
        scores="top" if a.scores.shape[1] == 1 else "all",
        differing=moved.differing,
        max_abs=float(moved.gap.max()),
        mean_abs=float(moved.gap.mean()),
        layers=found.layers,
        unread=found.unread,
        first=first,
        cause=cause,
        detail=detail,
        basis="layers" if found.layers or found.other_layers else "scores",
    )


def _cause(found: Compared, same_labels: float) -> tuple[Cause, Detail, int | None]:
    """Return the cause, what kind of defect it is, and the layer that shows it first."""
    if found.other_layers:
        return "defect", "layers", None
    if not found.layers:
        a, b = found.answers
        return (*by_pattern(a.scores, b.scores, same_labels, found.known), None)
    causes = [each.cause for each in found.layers]
    first = next((at for at, cause in enumerate(causes) if cause not in _NO_CAUSE), None)
    if "defect" in causes:
        # A defect is told even where a harmless difference comes before it.
        first = causes.index("defect")
    if first is not None:
        return causes[first], found.layers[first].detail, first
    return ("reordered-sums" if "reordered-sums" in causes else "identical"), "", None
