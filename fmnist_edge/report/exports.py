"""The closing table of an export: what was made, how large, how close to its parent."""

from collections.abc import Sequence
from dataclasses import dataclass

from fmnist_edge.artifact import Manifest
from fmnist_edge.report.cells import Table
from fmnist_edge.report.numbers import MISSING, percent, points


@dataclass(frozen=True)
class Made:
    """One file that was exported.

    Args:
        name: As the user would look for it.
        manifest: Of the file.
        seconds: What converting and verifying took.
    """

    name: str
    manifest: Manifest
    seconds: float


def exports_table(files: Sequence[Made]) -> Table:
    """Return a row per file."""
    headers = (
        "file",
        "bytes",
        "agreement %",
        "largest difference",
        "accuracy %",
        "change",
        "p",
        "seconds",
    )
    return Table(
        headers=headers,
        rows=tuple(_cells(each) for each in files),
        numeric=(False, *(True for _ in headers[1:])),
    )


def _cells(made: Made) -> tuple[str, ...]:
    parity = made.manifest.parity
    compared = (MISSING,) * 5
    if parity is not None:
        accuracy = parity.accuracy
        compared = (
            percent(parity.agreement),
            f"{parity.max_abs_difference:.2g}",
            percent(accuracy.own if accuracy else None),
            points(accuracy.own - accuracy.parent) if accuracy else MISSING,
            f"{accuracy.p_value:.2g}" if accuracy else MISSING,
        )
    return made.name, f"{made.manifest.size_bytes:,}", *compared, f"{made.seconds:.1f}"
