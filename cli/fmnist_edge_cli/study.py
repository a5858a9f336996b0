"""`fmnist-edge study`: the whole story in one command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import ARTIFACTS, DataDirOption, ForceOption, JsonFlag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fmnist_edge.pipeline.study import Chapter
    from fmnist_edge.report.cells import Table


def study(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the models go.")
    ] = ARTIFACTS / "study",
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of every training.")
    ] = 0,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="At most, of each.", show_default="presets'"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="Of TensorFlow.", show_default="all cores"),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonFlag = False,
) -> None:
    """Tell the study's story: majority, smallest, study, default.

    From the accuracy that needs no model at all, over the smallest model that beats it and the
    regularized one of the study, to the one that is advised. Models that are there already are not
    trained again; an interrupted one goes on.

    \b
    Examples:
      fmnist-edge study
      fmnist-edge study --seed 1 --out artifacts/study-1 --json
    """
    from fmnist_edge import dataset
    from fmnist_edge.pipeline.study import StudyRequest
    from fmnist_edge.pipeline.study import study as tell

    progress = render.progress_display()
    request = StudyRequest(out, seed, epochs, force, threads)
    folder = dataset.locate(data_dir, progress=progress).path
    chapters = list(tell(request, folder, progress))
    if json:
        render.json_text(chapters)
        return
    render.table(_table(chapters))
    for text in _story(chapters):
        render.line(text)


def _table(chapters: "Sequence[Chapter]") -> "Table":
    from fmnist_edge.report.cells import Column, tabulate
    from fmnist_edge.report.numbers import MISSING, percent, significant

    def interval(chapter: "Chapter") -> str:
        return " to ".join(percent(end) for end in chapter.interval)

    return tabulate(
        (
            Column("preset", lambda chapter: chapter.preset, numeric=False),
            Column("parameters", lambda chapter: f"{chapter.parameters:,}"),
            Column("validation %", lambda chapter: percent(chapter.validation_accuracy)),
            Column("test %", lambda chapter: percent(chapter.test_accuracy)),
            Column("95 % interval", interval),
            Column("epochs", lambda chapter: f"{chapter.epochs}"),
            Column(
                "trained in s",
                lambda chapter: (
                    MISSING if chapter.seconds is None else significant(chapter.seconds)
                ),
            ),
        ),
        chapters,
        spare=("epochs", "validation %"),
    )


def _story(chapters: "Sequence[Chapter]") -> list[str]:
    """What the table says, in words."""
    majority, smallest, ours, default = chapters
    share = default.parameters / ours.parameters
    return [
        f"Always naming the commonest class gets {majority.test_accuracy:.1%} right.",
        f"The smallest model that beats it gets {smallest.test_accuracy:.1%}.",
        f"The study's regularized network reaches {ours.test_accuracy:.1%}.",
        f"The default reaches {default.test_accuracy:.1%} with {share:.0%} of its parameters.",
        f"Next: fmnist-edge export {default.file}",
    ]
