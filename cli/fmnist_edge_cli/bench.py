"""`fmnist-edge bench`: measure artifacts on runtimes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import ARTIFACTS, ArtifactsOption, DataDirOption, numbers

if TYPE_CHECKING:
    from fmnist_edge.result import Run

__all__ = ["bench"]


def bench(
    models: Annotated[
        list[Path] | None,
        typer.Argument(metavar="MODEL", help="Files or folders; every artifact if left out."),
    ] = None,
    artifacts: ArtifactsOption = ARTIFACTS,
    runtime: Annotated[
        list[str] | None,
        typer.Option("--runtime", metavar="NAME", help="Only this one (repeatable)."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            metavar="NAME",
            help="How long to measure: standard, quick, tiny-like, mobile-like, edge-like, smoke.",
            show_default="standard",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The same as --protocol quick: half a minute.")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option("--processes", min=1, help="Processes per row.", show_default="protocol's"),
    ] = None,
    threads: Annotated[
        list[str] | None,
        typer.Option(
            "--threads",
            metavar="N[,N...]",
            help="Threads; each count makes rows.",
            show_default="1",
        ),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images per inference.")] = 1,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            min=0.1,
            max=10_000,
            metavar="HZ",
            help="Arrivals per second of the paced regime.",
            show_default="30",
        ),
    ] = None,
    pin: Annotated[
        str | None,
        typer.Option("--pin", metavar="CPU[,CPU...]", help="Hold measured processes to CPUs."),
    ] = None,
    native: Annotated[
        bool,
        typer.Option("--native", help="Also call the runtimes from C (needs a C compiler)."),
    ] = False,
    energy: Annotated[
        float | None,
        typer.Option(
            "--energy",
            min=1.0,
            max=3_600,
            metavar="SECONDS",
            help="Also measure energy, so long per row.",
        ),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(
            "--limit",
            min=0.1,
            max=86_400,
            metavar="SECONDS",
            help="When a measuring process counts as hung.",
            show_default="protocol's",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of the order of processes and turns.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="FILE.npz", help="Your own images (and labels) for the models."
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="RESULT.json", help="Measure once more what that did."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Keep everything measured.")
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Measure accuracy and latency of model files.

    Every file is measured on every runtime that opens it, in fresh processes that import only
    their runtime and take turns. A row that fails says why, the others stand, and the exit code
    is 90. Any .tflite, .onnx, .xml, .keras or SavedModel with one input and one output can be
    measured, whoever made it.

    \b
    Examples:
      fmnist-edge bench
      fmnist-edge bench --quick
      fmnist-edge bench artifacts/default-int8.tflite --threads 1,2 --json result.json
      fmnist-edge bench my.tflite my.onnx --data my-images.npz
      fmnist-edge bench --replay result.json --json again.json
    """
    from fmnist_edge.bench import protocols
    from fmnist_edge.files import check_room
    from fmnist_edge.pipeline import benching, planning

    if json is not None:
        check_room(json)
    progress = render.progress_display()
    if replay is not None:
        _refuse_beside_replay(
            *(models, runtime, protocol, quick, processes, threads, batch != 1, rate, pin, native),
            *(energy, limit, seed is not None, data),
        )
        plan, settings, data = planning.replay(replay)
    else:
        named = _protocol(protocol, quick=quick)
        counts = numbers("--threads", threads or ["1"], least=1)
        settings = protocols.get(
            named,
            processes=processes,
            limit_seconds=limit,
            paced_hz=rate,
            energy_seconds=energy,
            seed=seed,
            pin=numbers("--pin", [pin], least=0) if pin is not None else None,
        )
        plan = planning.plan(
            planning.model_files(models or (), artifacts),
            settings,
            runtimes_named=tuple(runtime or ()),
            threads=counts,
            batch=batch,
            native=native,
        )
    folder = planning.data_folder(plan, data, data_dir, progress)
    run = benching.bench(benching.BenchRequest(plan, settings, folder, data), progress)
    _keep_and_show(run, json)
    _conclude(run)


def _refuse_beside_replay(*others: object) -> None:
    """A replay takes everything from the result.

    Raises:
        UsageError: one of the others was given, too.
    """
    from fmnist_edge.errors import UsageError

    if any(others):
        raise UsageError(
            "--replay measures what the result names, as it was measured; it goes with --json "
            "and --data-dir only.",
            hint="Leave out the rest, or measure anew without --replay.",
        )


def _protocol(named: str | None, *, quick: bool) -> str:
    """The name of the protocol to measure with.

    Raises:
        UsageError: `--quick` was given, and another one named.
    """
    from fmnist_edge.bench import protocols
    from fmnist_edge.errors import UsageError

    if quick and named not in {None, "quick"}:
        raise UsageError(f"--quick and --protocol {named} contradict each other.")
    return "quick" if quick else named or protocols.DEFAULT


def _keep_and_show(run: "Run", file: Path | None) -> None:
    from fmnist_edge.result import write_run

    try:  # whatever becomes of the one, the other is not lost
        if file is not None:
            write_run(file, run)
    finally:
        render.benchmark(run)


def _conclude(run: "Run") -> None:
    """End with what a script can tell from the exit code.

    Raises:
        UsageError: nothing was measured.
        RowsFailedError: a row failed.
    """
    from fmnist_edge.errors import RowsFailedError, UsageError

    if not run.rows:
        raise UsageError("Nothing could be measured.", hint="The remarks above say why.")
    failed = sum(row.failure is not None for row in run.rows)
    if failed:
        raise RowsFailedError(f"{failed} of {len(run.rows)} rows failed; the others stand.")
