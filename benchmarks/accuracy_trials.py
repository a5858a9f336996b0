"""Train variants of presets and write what they reach on the validation split.

    python benchmarks/accuracy_trials.py TRIALS.toml OUT.json [NAME ...]

A trial is a preset with something changed; those in TRIALS.toml are trained one after the other,
and what OUT.json holds already is not trained again. The test split is not looked at: choices are
made here, and figures to be claimed are measured elsewhere, once.
"""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from fmnist_edge import dataset
from fmnist_edge.clock import NS_PER_SECOND, timed
from fmnist_edge.dataset import Dataset
from fmnist_edge.files import write_atomically
from fmnist_edge.host.facts import facts
from fmnist_edge.libraries.keras import keep_to_cpu
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.pipeline import teaching
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.progress import Progress
from fmnist_edge.records import decode_json, encode, encode_json
from fmnist_edge.training import fit, presets
from fmnist_edge.training.outcome import Setting
from fmnist_edge.training.preset import Preset
from fmnist_edge.training.toml_preset import preset_from
from fmnist_edge_cli import render

# Below it lies the teacher, which `make reference` trains.
MODELS: Final = Path("artifacts/reference-work")


@dataclass(frozen=True)
class Trial:
    """A preset with something changed.

    Args:
        name: Of the trial.
        question: What it is to find out.
        preset: What is trained.
        seeds: With which seeds.
    """

    name: str
    question: str
    preset: Preset
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """One trial with one seed.

    Args:
        trial: Its name.
        question: What it is to find out.
        fingerprint: Of the preset.
        widths: Values between the layers of the deployed network.
        parameters: Its weights and biases.
        seed: Of everything random.
        epochs: Epochs run.
        validation_accuracy: Of the float model on 5,000 images, 0..1.
        training_accuracy: Running mean over the last epoch, 0..1.
        seconds: The training took, on one thread beside other work.
    """

    trial: str
    question: str
    fingerprint: str
    widths: tuple[int, ...]
    parameters: int
    seed: int
    epochs: int
    validation_accuracy: float
    training_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Outcomes:
    """What lies in OUT.json.

    Args:
        outcomes: In the order in which they were found.
        host: The machine.
        tools: Versions.
    """

    outcomes: tuple[Outcome, ...]
    host: Mapping[str, str]
    tools: Mapping[str, str]


def trials_in(path: Path) -> tuple[Trial, ...]:
    """The trials of a TOML file: `base`, `question`, `seeds`, and tables of a preset to change."""
    trials = tomllib.loads(path.read_text())
    return tuple(_trial(name, path.parent, dict(each)) for name, each in trials.items())


def _trial(name: str, folder: Path, changes: dict[str, Any]) -> Trial:
    base = presets.get(str(folder / changes.pop("base")))
    question = changes.pop("question", "")
    seeds = tuple(changes.pop("seeds", (0,)))
    data = _merged(encode(base), changes)
    return Trial(name, question, preset_from(data, name, name), seeds)


def _merged(base: Any, changes: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The preset's tables with those keys replaced that the changes name."""
    merged = {key: value for key, value in base.items() if key != "name"}
    for key, value in changes.items():
        kept = merged.get(key)
        merged[key] = {**kept, **value} if isinstance(kept, dict) else value
    return merged


def run(trial: Trial, seed: int, data: Dataset, progress: Progress) -> Outcome:
    """Train once and judge on validation."""
    preset = trial.preset
    scores = teaching.scores_for(preset, MODELS, data, _no_teacher, progress)
    with suppress_native_output():
        fitted, spent = timed(
            lambda: fit.fit(preset, data, Setting(seed, teacher=scores), progress)
        )
        reached = fit.accuracy(fitted.model, data.validation)
    return Outcome(
        trial=trial.name,
        question=trial.question,
        fingerprint=preset.fingerprint,
        widths=preset.architecture.widths,
        parameters=preset.parameters,
        seed=seed,
        epochs=fitted.epochs,
        validation_accuracy=reached,
        training_accuracy=fitted.history["accuracy"][-1],
        seconds=spent / NS_PER_SECOND,
    )


def _no_teacher(path: Path) -> None:
    sys.exit(f"{path} is missing: run make reference first, which trains it.")


def _read(path: Path) -> Outcomes:
    if path.exists():
        return decode_json(Outcomes, path.read_bytes())
    return Outcomes((), facts(), made_with(fit.TOOLS))


def main(arguments: Sequence[str]) -> None:
    trials, out, *names = arguments
    keep_to_cpu(1)
    progress = render.progress_display()
    data = dataset.load(dataset.locate(progress=progress).path)
    wanted_trials = trials_in(Path(trials))
    order = {trial.name: number for number, trial in enumerate(wanted_trials)}
    for trial in wanted_trials:
        for seed in trial.seeds:
            known = _read(Path(out))
            done = {(each.trial, each.fingerprint, each.seed) for each in known.outcomes}
            wanted = not names or trial.name in names
            if not wanted or (trial.name, trial.preset.fingerprint, seed) in done:
                continue
            found = run(trial, seed, data, progress)
            print(f"{found.trial} {seed}: {found.validation_accuracy:.2%} {found.seconds:.0f} s")
            # Read again: another process may have added its own meanwhile.
            known = _read(Path(out))
            every = sorted(
                (*known.outcomes, found), key=lambda each: (order[each.trial], each.seed)
            )
            write_atomically(Path(out), encode_json(replace(known, outcomes=tuple(every))).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
