"""The command `fmnist-edge study`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fmnist_edge.pipeline.study import StudyModel
    from fmnist_edge.report.cells import Table


def study(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder for the models.")
    ] = ARTIFACTS / "study",
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**31 - 1, help="The seed of every training.")
    ] = 0,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="The most epochs of each.", show_default="presets'"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="Threads of TensorFlow.", show_default="all cores"),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Train and compare the models of the study: majority, smallest, study, default.

    They are the majority class, the smallest network that beats it, the regularized network of the
    study, and the recommended default. A model that exists already is not trained again, and an
    interrupted training continues.

    \b
    Examples:
      fmnist-edge study
      fmnist-edge study --seed 1 --out artifacts/study-1 --json -
    """
    from fmnist_edge import dataset
    from fmnist_edge.pipeline.study import StudyRequest
    from fmnist_edge.pipeline.study import study as train_study

    check_json(json, force=force)
    progress = render.progress_display(quiet=quiet, verbose=verbose)
    request = StudyRequest(out, seed, epochs, force, threads)
    folder = dataset.locate(data_dir, progress=progress).path
    models = list(train_study(request, folder, progress))
    if json is not None and render.json_answer(models, json):
        return
    render.table(_table(models))
    for text in _summary(models):
        render.line(text)


def _table(models: "Sequence[StudyModel]") -> "Table":
    from fmnist_edge.report.cells import Column, tabulate
    from fmnist_edge.report.numbers import MISSING, percent, significant

    def interval(model: "StudyModel") -> str:
        return " to ".join(percent(end) for end in model.interval)

    return tabulate(
        (
            Column("preset", lambda model: model.preset, numeric=False),
            Column("parameters", lambda model: f"{model.parameters:,}"),
            Column("validation %", lambda model: percent(model.validation_accuracy)),
            Column("test %", lambda model: percent(model.test_accuracy)),
            Column("95 % interval", interval),
            Column("epochs", lambda model: f"{model.epochs}"),
            Column(
                "trained in s",
                lambda model: MISSING if model.seconds is None else significant(model.seconds),
            ),
        ),
        models,
        spare=("epochs", "validation %"),
    )


def _summary(models: "Sequence[StudyModel]") -> list[str]:
    """Return the findings of the table as sentences."""
    majority, smallest, ours, default = models
    share = default.parameters / ours.parameters
    return [
        f"Always predicting the most frequent class gets {majority.test_accuracy:.1%} right.",
        f"The smallest model that beats it gets {smallest.test_accuracy:.1%}.",
        f"The study's regularized network reaches {ours.test_accuracy:.1%}.",
        f"The default reaches {default.test_accuracy:.1%} with {share:.0%} of its parameters.",
        f"Next step: fmnist-edge export {default.file}",
    ]
