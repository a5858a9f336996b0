"""The presets as a table: what each costs, and what it was found to reach."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fmnist_edge.report.cells import Table
    from fmnist_edge.training.measured import Measured
    from fmnist_edge.training.preset import Preset

    Row = tuple[Preset, Measured | None]


def preset_table() -> "Table":
    """One row per preset that comes with fmnist-edge; a dash where nothing was measured."""
    from fmnist_edge.report.cells import Column, tabulate
    from fmnist_edge.report.numbers import MISSING
    from fmnist_edge.training import presets

    rows: list[Row] = [
        (preset, presets.measured().get(name)) for name, preset in presets.built_in().items()
    ]

    def accuracy(row: "Row") -> str:
        found = row[1]
        if found is None:
            return MISSING
        spread = "" if found.deviation is None else f" ± {100 * found.deviation:.2f}"
        return f"{100 * found.test_accuracy:.2f}{spread}"

    return tabulate(
        (
            Column("preset", lambda row: row[0].name, numeric=False),
            Column("what for", lambda row: row[0].summary, numeric=False),
            Column("parameters", lambda row: f"{row[0].parameters:,}"),
            Column("int8 bytes", lambda row: f"{row[1].file_bytes:,}" if row[1] else MISSING),
            Column("test accuracy %", accuracy),
            Column(
                "trains in s", lambda row: f"{row[1].training_seconds:.0f}" if row[1] else MISSING
            ),
        ),
        rows,
        spare=("what for", "trains in s"),
    )
