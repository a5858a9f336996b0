"""The answers to single images as text."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.report.cells import Table
from fmnist_edge.report.numbers import counted, percent
from fmnist_edge.result import Case
from fmnist_edge.result.naming import how, unusual

_WRONG: Final = "wrong"
_RIGHT: Final = "right"


def heading(case: Case, runtime_version: str, used: Mapping[str, str]) -> str:
    """What classified the images: "a.tflite on litert 2.1.2 (threads 1, delegate XNNPACK)"."""
    runner = how(case, unusual(case)).replace(case.runtime, f"{case.runtime} {runtime_version}", 1)
    told = ", ".join(f"{name} {value}" for name, value in used.items())
    return f"{case.subject.name} on {runner}" + (f" ({told})" if told else "")


def summary(images: int, right: NDArray[np.bool_] | None, shown: int) -> str:
    """How many images there were, how many got the right label, and how many are shown."""
    known = "" if right is None else f", {int(right.sum()):,} of them with the right label"
    rest = f"; the first {shown:,} are shown" if 0 < shown < images else ""
    return f"{counted(images, 'image')}{known}{rest}."


def predictions_table(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    truth: NDArray[np.int64] | None,
    names: Sequence[str],
) -> Table:
    """A row per image: its label, the second best one, and the true one where it is known.

    Args:
        probabilities: float32[N,C], C at least 1.
        labels: int64[N], the class of the highest score.
        truth: int64[N], or None.
        names: Of the C classes.
    """
    headers = ("image", "label", "probability %", "next", "next %")
    rows = [
        _row(index, row, int(label), names)
        for index, (row, label) in enumerate(zip(probabilities, labels, strict=True))
    ]
    numeric = (True, False, True, False, True)
    if truth is None:
        return Table(headers, tuple(rows), numeric, spare=("next %", "next"))
    judged = tuple(
        (*row, names[right], _RIGHT if right == label else _WRONG)
        for row, right, label in zip(rows, truth, labels, strict=True)
    )
    return Table(
        (*headers, "true", "verdict"), judged, (*numeric, False, False), spare=("next %", "next")
    )


def _row(index: int, row: NDArray[np.float32], label: int, names: Sequence[str]) -> tuple[str, ...]:
    others = np.delete(np.arange(len(row)), label)
    told = (str(index), names[label], percent(float(row[label])))
    if not len(others):
        return (*told, "-", "-")
    second = int(others[row[others].argmax()])
    return (*told, names[second], percent(float(row[second])))
