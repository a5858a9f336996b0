"""What a bundle holds, in a table and in sentences."""

import shlex

from fmnist_edge.bundle import BundleIndex
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.numbers import KILO, MEGA, counted


def bundle_table(index: BundleIndex) -> Table:
    """Return a row per model."""
    sizes = {each.path: each.size_bytes for each in index.members}
    rows = [(name, sizes[name], f"{name}.json" in sizes) for name in index.models]
    return tabulate(
        (
            Column[tuple[str, int, bool]]("model", lambda row: row[0], numeric=False),
            Column("kB", lambda row: f"{row[1] / KILO:,.0f}"),
            Column("manifest", lambda row: "yes" if row[2] else "no", numeric=False),
        ),
        rows,
    )


def bundle_text(index: BundleIndex, file: str, size_bytes: int, sha256: str) -> list[str]:
    """Return the sentences below the table.

    Args:
        index: What the bundle holds.
        file: The bundle, as the user names it.
        size_bytes: Its size.
        sha256: Its SHA-256, hexadecimal.
    """
    models = f"{counted(len(index.models), 'model')} with {index.model_bytes / MEGA:.1f} MB"
    images = f"the test images of Fashion-MNIST with {index.data_bytes / MEGA:.1f} MB"
    held = f"{models} and {images}" if index.data_sha256 else f"{models}, and no images"
    command = shlex.join(("fmnist-edge", "bench", file))
    return [
        f"{file} ({size_bytes / MEGA:.1f} MB, SHA-256 {sha256}) holds {held}.",
        f"Copy it to any machine that has fmnist-edge, and measure with: {command}",
    ]
