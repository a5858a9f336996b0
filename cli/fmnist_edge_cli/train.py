"""The command `fmnist-edge train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge.training.preset_names import PRESET_NAMES, PRESET_SUFFIX
from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    ARTIFACTS,
    DataDirOption,
    ForceOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    check_json,
)
from fmnist_edge_cli.preset_table import TEACHER_NOTE, preset_table

if TYPE_CHECKING:
    from fmnist_edge.pipeline.train import Trained


def _checked(given: str) -> str:
    if given in PRESET_NAMES or given.endswith(PRESET_SUFFIX):
        return given
    raise typer.BadParameter(
        f"{given!r} is not one of {', '.join(PRESET_NAMES)}, nor a file *{PRESET_SUFFIX}."
    )


def _list_presets(json: Path | None) -> None:
    if json is None:
        render.table(preset_table())
        render.line(TEACHER_NOTE)
        return
    from fmnist_edge.training import presets

    measured = presets.measured()
    render.json_answer(
        {
            name: {
                "preset": preset,
                "measured": measured.presets.get(name),
                "seconds_with_teacher": measured.training_seconds(preset),
            }
            for name, preset in presets.built_in().items()
        },
        json,
    )


def train(
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="NAME|FILE.toml",
            help="Which model to train: a name from --list-presets, or a file of your own.",
            parser=_checked,
            autocompletion=lambda: list(PRESET_NAMES),
        ),
    ] = "default",
    list_presets: Annotated[
        bool,
        typer.Option(
            "--list-presets",
            help="Show the presets with their size, accuracy, teacher and training time, and exit.",
        ),
    ] = False,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, max=2**31 - 1, help="The seed of everything random."),
    ] = 0,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="The most epochs.", show_default="preset's"),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=1, help="Images per step.", show_default="preset's"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            help="Threads of TensorFlow; with 1, the same seed gives the same weights.",
            show_default="all cores",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.keras",
            help="The file to write.",
            show_default="artifacts/PRESET.keras",
        ),
    ] = None,
    teacher: Annotated[
        bool,
        typer.Option(
            "--teacher/--no-teacher",
            help="Learn from the preset's teacher, if it has one. The teacher is trained first, "
            "which takes a quarter to half an hour, and kept.",
        ),
    ] = True,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue an interrupted training, or that of its teacher."),
    ] = False,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            metavar="DIR",
            help="Folder for learning curves as PNG, SVG and JSON.",
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option("--tensorboard", metavar="DIR", help="Folder for TensorBoard logs."),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Train a dense Fashion-MNIST classifier.

    The result is a .keras file of plain Dense layers and its manifest: normalizations are folded
    into the layers, and convolutions are written out as matrices. A checkpoint beside the file is
    written after each epoch and removed at the end; --resume continues from it and ends with the
    same model.

    \b
    Examples:
      fmnist-edge train
      fmnist-edge train --list-presets
      fmnist-edge train --preset tiny --seed 1 --out artifacts/tiny-1.keras
      fmnist-edge train --preset mine.toml --plots curves/
      fmnist-edge train --resume
    """
    check_json(json, force=force)
    if list_presets:
        _list_presets(json)
        return
    from fmnist_edge import dataset
    from fmnist_edge.pipeline.curves import check_drawable, draw_curves
    from fmnist_edge.pipeline.train import TrainRequest, check, train_checked
    from fmnist_edge.training.tensorboard import tensorboard_logger

    progress = render.progress_display(quiet=quiet, verbose=verbose)
    path = out or ARTIFACTS / f"{Path(preset).stem}.keras"
    if plots is not None:
        check_drawable(plots, path.stem, force=force or resume)
    checked = check(
        TrainRequest(path, preset, seed, epochs, batch_size, force, resume, threads, teacher)
    )
    with tensorboard_logger(tensorboard) as on_epoch_end:
        folder = dataset.locate(data_dir, progress=progress).path
        try:
            trained = train_checked(checked, folder, progress, on_epoch_end)
        except KeyboardInterrupt:
            if any(each.exists() for each in checked.checkpoints):
                render.warning("The finished epochs are kept; continue with --resume.")
            raise
    drawn = () if plots is None else draw_curves(plots, path.stem, trained.training)
    if json is not None and render.json_answer(trained.manifest, json):
        return
    _print_result(trained)
    for each in drawn:
        render.line(f"{each}")


def _print_result(trained: "Trained") -> None:
    from fmnist_edge.sparkline import sparkline

    found = trained.training
    render.line(
        f"{trained.path}: {found.test_accuracy:.2%} on the 10,000 test images, "
        f"{found.validation_accuracy:.2%} on validation."
    )
    if not found.epochs:
        return
    best = f"; epoch {found.best_epoch} validated best" if found.best_epoch != found.epochs else ""
    render.line(f"Trained for {found.epochs} epochs in {trained.seconds:.1f} s{best}.")
    for name, label in (("loss", "loss"), ("val_accuracy", "validation accuracy")):
        values = found.history[name]
        render.line(f"{label:>20} {sparkline(values)} {values[0]:.3f} to {values[-1]:.3f}")
