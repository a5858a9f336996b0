"""`fmnist-edge train`: train a preset."""

from pathlib import Path
from typing import Annotated

import typer

from fmnist_edge.training.presets import PRESETS
from fmnist_edge_cli import render
from fmnist_edge_cli.options import ARTIFACTS, DataDirOption, ForceOption, JsonFlag, choice

__all__ = ["train"]


def train(
    preset: Annotated[str, choice("--preset", PRESETS, "Which model to train.")] = "default",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same model.")] = 0,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Epochs at most.", show_default="preset's")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=1, help="Images per step.", show_default="preset's"),
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
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonFlag = False,
) -> None:
    """Train a dense Fashion-MNIST classifier.

    What comes out is a .keras file and its manifest. Training stops early once the validation
    accuracy no longer rises; the best epoch is kept.

    \b
    Examples:
      fmnist-edge train
      fmnist-edge train --preset small --seed 1 --out artifacts/small-1.keras
    """
    from fmnist_edge import dataset
    from fmnist_edge.pipeline.training import TrainRequest
    from fmnist_edge.pipeline.training import train as train_model

    progress = render.progress_display()
    path = out or ARTIFACTS / f"{preset}.keras"
    folder = dataset.locate(data_dir, progress=progress).path
    request = TrainRequest(path, preset, seed, epochs, batch_size, force)
    trained = train_model(request, folder, progress)
    if json:
        render.json_text(trained.manifest)
        return
    found = trained.training
    render.line(
        f"{trained.path}: {found.test_accuracy:.2%} on the 10,000 test images, "
        f"{found.validation_accuracy:.2%} on validation "
        f"(best of {found.epochs} epochs: {found.best_epoch})."
    )
