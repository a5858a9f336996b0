"""Exports, one after the other in one process: starting TensorFlow takes longer than most of them.

`python tests/jobs.py DATA < JOBS` answers with what became of each, both as JSON.
"""

import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fmnist_edge import dataset
from fmnist_edge.errors import FmnistEdgeError
from fmnist_edge.pipeline.export import ExportRequest, export
from fmnist_edge.pipeline.parity import Thoroughness
from fmnist_edge.recipes import RECIPES, Choices


@dataclass(frozen=True)
class Job:
    """What to export, into what, and how: `ExportRequest` in words.

    Args:
        source: The parent.
        recipes: Their names.
        out: The folder to write to.
        choices: What is wanted otherwise, as `Choices` calls it.
        verify: Whether the files are proved.
        max_drop: Percentage points of accuracy that a file may lose.
        force: Whether to replace what is there.
        calibration: Images to calibrate on; None for images of train.
        calibration_samples: How many of those.
    """

    source: str | Path
    recipes: Sequence[str]
    out: str | Path
    choices: Mapping[str, Any] = field(default_factory=dict)
    verify: Thoroughness = "none"
    max_drop: float = ExportRequest.max_drop
    force: bool = False
    calibration: str | Path | None = None
    calibration_samples: int = ExportRequest.calibration_samples

    def request(self) -> ExportRequest:
        return ExportRequest(
            Path(self.source),
            tuple(RECIPES[name] for name in self.recipes),
            Path(self.out),
            choices=Choices(**self.choices),
            verify=self.verify,
            max_drop=self.max_drop,
            force=self.force,
            calibration=Path(self.calibration) if self.calibration else None,
            calibration_samples=self.calibration_samples,
        )


@dataclass(frozen=True)
class Attempt:
    """What became of a job.

    Args:
        out: Where the files were to go.
        made: The recipes that became files.
        errors: Exit code, message and hint of each failure.
    """

    out: str
    made: Sequence[str]
    errors: Sequence[tuple[int, str, str]]

    @property
    def folder(self) -> Path:
        return Path(self.out)


Attempts = Mapping[str, Attempt]
ExportEach = Callable[[str, Mapping[str, Job]], Attempts]
"""Does jobs, which have a name together: they are done once in a run of the tests."""


def attempt(job: Job, data: Path) -> Attempt:
    made, errors = [], []
    try:
        for outcome in export(job.request(), data):
            made += [outcome.recipe.name] if outcome.path else []
            errors += [outcome.failure] if outcome.failure else []
    except FmnistEdgeError as error:
        errors.append(error)
    told = [(each.exit_code, each.message, each.hint) for each in errors]
    return Attempt(str(job.out), made, told)


def main(data: Path) -> None:
    jobs = {name: Job(**told) for name, told in json.load(sys.stdin).items()}
    # Each job would read the same 70,000 images again.
    dataset.load = functools.cache(dataset.load)
    told = {name: asdict(attempt(job, data)) for name, job in jobs.items()}
    print(json.dumps(told))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
