"""`fmnist-edge train`: train a preset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge.training.preset_names import PRESET_NAMES, PRESET_SUFFIX
from fmnist_edge_cli import render
from fmnist_edge_cli.options import ARTIFACTS, DataDirOption, ForceOption, JsonFlag
from fmnist_edge_cli.preset_table import preset_table

if TYPE_CHECKING:
    from fmnist_edge.pipeline.train import Trained


def _checked(given: str) -> str:
    if given in PRESET_NAMES or given.endswith(PRESET_SUFFIX):
        return given
    raise typer.BadParameter(
        f"{given!r} is not one of {', '.join(PRESET_NAMES)}, nor a file *{PRESET_SUFFIX}."
    )


def _list_presets(*, json: bool) -> None:
    if not json:
        render.table(preset_table())
        return
    from fmnist_edge.training import presets

    known, found = presets.built_in(), presets.measured()
    render.json_text({name: {"preset": known[name], "measured": found.get(name)} for name in known})


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
            help="Show the presets with size, accuracy and training time, and exit.",
        ),
    ] = False,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, max=2**31 - 1, help="Same seed, same model."),
    ] = 0,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Epochs at most.", show_default="preset's")
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
            help="Of TensorFlow; with 1, the same seed gives the same bits.",
            show_default="all cores",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.keras",
            help="Where to write.",
            show_default="artifacts/PRESET.keras",
        ),
    ] = None,
    teacher: Annotated[
        bool,
        typer.Option(
            "--teacher/--no-teacher",
            help="Learn from a teacher, where the preset has one; it is trained first, for half "
            "an hour or more, and kept.",
        ),
    ] = True,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where an interrupted training stopped."),
    ] = False,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots", metavar="DIR", help="Draw learning curves there: PNG, SVG and JSON."
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option("--tensorboard", metavar="DIR", help="Write logs for TensorBoard there."),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonFlag = False,
) -> None:
    """Train a dense Fashion-MNIST classifier.

    What comes out is a .keras file of plain Dense layers and its manifest: normalizations are
    folded in, convolutions written out. After each epoch a checkpoint is kept beside it until the
    training has ended; --resume goes on from there to the very same model.

    \b
    Examples:
      fmnist-edge train
      fmnist-edge train --list-presets
      fmnist-edge train --preset tiny --seed 1 --out artifacts/tiny-1.keras
      fmnist-edge train --preset mine.toml --plots curves/
      fmnist-edge train --resume
    """
    if list_presets:
        _list_presets(json=json)
        return
    from fmnist_edge import dataset
    from fmnist_edge.pipeline.curves import check_drawable, draw_curves
    from fmnist_edge.pipeline.train import TrainRequest, check, checkpoint_path
    from fmnist_edge.pipeline.train import train as train_model
    from fmnist_edge.training.tensorboard import logging

    progress = render.progress_display()
    path = out or ARTIFACTS / f"{Path(preset).stem}.keras"
    if plots is not None:
        check_drawable(plots, path.stem, force=force or resume)
    with logging(tensorboard) as watch:
        request = TrainRequest(
            path, preset, seed, epochs, batch_size, force, resume, threads, teacher, watch
        )
        check(request)
        folder = dataset.locate(data_dir, progress=progress).path
        try:
            trained = train_model(request, folder, progress)
        except KeyboardInterrupt:
            if checkpoint_path(path).exists():
                render.warning("The epochs that were done are kept; go on with --resume.")
            raise
    drawn = () if plots is None else draw_curves(plots, path.stem, trained.training)
    if json:
        render.json_text(trained.manifest)
        return
    _tell(trained)
    for each in drawn:
        render.line(f"{each}")


def _tell(trained: "Trained") -> None:
    from fmnist_edge.sparkline import sparkline

    found = trained.training
    render.line(
        f"{trained.path}: {found.test_accuracy:.2%} on the 10,000 test images, "
        f"{found.validation_accuracy:.2%} on validation."
    )
    if not found.epochs:
        return
    best = f", the best of them {found.best_epoch}" if found.best_epoch != found.epochs else ""
    render.line(f"Trained for {found.epochs} epochs in {trained.seconds:.1f} s{best}.")
    for name, label in (("loss", "loss"), ("val_accuracy", "validation accuracy")):
        values = found.history[name]
        render.line(f"{label:>20} {sparkline(values)} {values[0]:.3f} to {values[-1]:.3f}")
