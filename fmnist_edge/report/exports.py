"""The closing table of an export: what was made, how large, how close to its parent."""

from collections.abc import Sequence
from dataclasses import dataclass

from fmnist_edge.artifact import Manifest
from fmnist_edge.report.table import Table

__all__ = ["Made", "exports_table"]

_NONE = "-"


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
    """A row per file."""
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
    compared = (_NONE,) * 5
    if parity is not None:
        accuracy = parity.accuracy
        compared = (
            f"{100 * parity.agreement:.2f}",
            f"{parity.max_abs_difference:.2g}",
            f"{100 * accuracy.own:.2f}" if accuracy else _NONE,
            f"{100 * (accuracy.own - accuracy.parent):+.2f}" if accuracy else _NONE,
            f"{accuracy.p_value:.2g}" if accuracy else _NONE,
        )
    return made.name, f"{made.manifest.size_bytes:,}", *compared, f"{made.seconds:.1f}"
