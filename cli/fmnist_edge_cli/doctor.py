"""`fmnist-edge doctor`: whether this machine is ready to measure, and what to do if not."""

from typing import Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    ARTIFACTS,
    ArtifactsOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    check_json,
    limit_option,
)


def doctor(
    artifacts: ArtifactsOption = ARTIFACTS,
    quick: Annotated[
        bool, typer.Option("--quick", help="Try no device; what remains takes three seconds.")
    ] = False,
    limit: Annotated[float | None, limit_option("a probe", "15")] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell whether this machine is ready to measure, and what would help.

    It looks at what a benchmark depends on: which runtimes and devices work, sensors and meters,
    clock and power, what else is running (measured for two seconds), memory and disk. What it
    expects of a benchmark's figures comes from the benchmark's own checks. Each cure is a command
    to copy; nothing on the machine is changed.

    The exit code is 0 if figures can be measured here, also if some of them would be in doubt, and
    95 if there would be none or none to be used. --verbose tells everything that was found.

    \b
    Examples:
      fmnist-edge doctor
      fmnist-edge doctor --quick
      fmnist-edge doctor --json - | jq .findings
    """
    from fmnist_edge.errors import NotReadyError
    from fmnist_edge.pipeline.devices import SECONDS
    from fmnist_edge.pipeline.doctor import diagnose
    from fmnist_edge.report.diagnosis import verdict

    check_json(json, force=False)
    found = diagnose(
        artifacts,
        quick=quick,
        seconds=SECONDS if limit is None else limit,
        progress=render.progress_display(quiet=quiet, verbose=verbose),
    )
    if json is None or not render.json_answer(found, json):
        render.diagnosis(found, whole=verbose)
    if not found.ready:
        raise NotReadyError(
            verdict(found),
            hint="The lines above say what to do."
            if json is None
            else "The findings in the JSON say why.",
        )
