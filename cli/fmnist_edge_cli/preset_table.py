"""The table of the presets: what each costs, and which accuracy it was measured to reach."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fmnist_edge.report.cells import Table
    from fmnist_edge.training.preset import Preset

TEACHER_NOTE: Final = (
    "A preset with a teacher trains the teacher first, and its training time includes that. The "
    "teacher is kept for other presets; --no-teacher trains without it."
)


def preset_table() -> "Table":
    """Return one row per preset that comes with fmnist-edge; a dash where nothing was measured."""
    from fmnist_edge.report.cells import Column, tabulate
    from fmnist_edge.report.numbers import MISSING
    from fmnist_edge.training import presets

    measured = presets.measured()

    def file_bytes(preset: "Preset") -> str:
        found = measured.presets.get(preset.name)
        return f"{found.file_bytes:,}" if found else MISSING

    def accuracy(preset: "Preset") -> str:
        found = measured.presets.get(preset.name)
        if found is None:
            return MISSING
        spread = "" if found.deviation is None else f" ± {100 * found.deviation:.2f}"
        return f"{100 * found.test_accuracy:.2f}{spread}"

    def seconds(preset: "Preset") -> str:
        found = measured.training_seconds(preset)
        return MISSING if found is None else f"{found:,.0f}"

    return tabulate(
        (
            Column("preset", lambda preset: preset.name, numeric=False),
            Column("what for", lambda preset: preset.summary, numeric=False),
            Column("parameters", lambda preset: f"{preset.parameters:,}"),
            Column("int8 bytes", file_bytes),
            Column("test accuracy %", accuracy),
            Column(
                "teacher first",
                lambda preset: "yes" if preset.distillation else MISSING,
                numeric=False,
            ),
            Column("trains in s", seconds),
        ),
        tuple(presets.built_in().values()),
        spare=("what for", "trains in s"),
    )
