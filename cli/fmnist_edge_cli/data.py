"""`fmnist-edge data`: find or fetch Fashion-MNIST."""

from typing import Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    DataDirOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    check_json,
)


def data(
    data_dir: DataDirOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not use the network.")] = False,
    mirror: Annotated[
        list[str] | None,
        typer.Option("--mirror", metavar="URL", help="Fetch from this address (repeatable)."),
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Find or fetch Fashion-MNIST, and verify all four files.

    The files are looked for in this order: --data-dir, the cache, the system's copy (Debian's
    package dataset-fashion-mnist), the official mirrors, the Debian package fetched without root.

    \b
    Examples:
      fmnist-edge data
      fmnist-edge data --data-dir ~/fashion-mnist --offline
    """
    from fmnist_edge import dataset

    check_json(json, force=False)
    folder = dataset.locate(
        data_dir,
        mirrors=None if offline else tuple(mirror or dataset.MIRRORS),
        progress=render.progress_display(quiet=quiet, verbose=verbose),
    )
    told = {"path": str(folder.path), "source": folder.source, "sha256": dataset.DATASET_SHA256}
    if json is None or not render.json_answer(told, json):
        render.line(
            f"Fashion-MNIST is in {folder.path} (from: {folder.source}), all files verified."
        )
