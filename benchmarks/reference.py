"""Train every preset with three seeds, export it to int8 TFLite, and publish the best of each.

    python benchmarks/reference.py [PRESET ...]

It takes hours. Each step keeps its outcome, and a second run goes on where the first one stopped:
models and checkpoints are in artifacts/reference-work/, figures in
artifacts/reference/reference.json. Of each preset the file with the best *validation* accuracy is
published; the test split is read once per file, when its figure is taken.
"""

import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from fmnist_edge import dataset
from fmnist_edge.artifact import Artifact, Format, Precision, open_artifact, write_artifact
from fmnist_edge.evaluation.record import SplitName
from fmnist_edge.files import write_atomically
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.evaluate import EvaluateRequest, evaluate
from fmnist_edge.pipeline.export import ExportRequest, export
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.pipeline.teacher import teacher_path
from fmnist_edge.pipeline.train import TrainRequest, checkpoint_path, train
from fmnist_edge.progress import Progress
from fmnist_edge.recipes import Choices, select
from fmnist_edge.records import decode_json, encode_json, replace
from fmnist_edge.training import fit, presets
from fmnist_edge.training.measured import Measured, MeasuredPresets
from fmnist_edge.training.preset import Preset
from fmnist_edge.training.preset_names import PRESET_NAMES
from fmnist_edge_cli import render

SEEDS: Final = (0, 1, 2)
# One thread, so that the same seed gives the same bits. A second process can train other presets.
THREADS: Final = 1
FEW: Final = 100
WORK: Final = Path("artifacts/reference-work")
PUBLISHED: Final = Path("artifacts/reference")
FIGURES: Final = PUBLISHED / "reference.json"
MEASURED: Final = Path("fmnist_edge/training/presets/measured.json")


@dataclass(frozen=True)
class Figure:
    """One preset trained with one seed, exported to int8 and run in LiteRT.

    Args:
        preset: The preset's name.
        fingerprint: The SHA-256 of the preset's training recipe.
        seed: The seed of the training.
        parameters: The number of weights and biases.
        widths: The number of values between the layers, from the first layer's input on.
        file_bytes: The size of the int8 TFLite file in bytes.
        file_sha256: The SHA-256 of the int8 TFLite file.
        float_sha256: The SHA-256 of the float32 `.keras` file that it was made from.
        validation_accuracy: The accuracy of the int8 file on 5,000 images, 0..1.
        test_accuracy: The accuracy of the int8 file on the 10,000 test images, 0..1.
        float_validation_accuracy: The accuracy of the `.keras` file on the same 5,000 images, 0..1.
        float_test_accuracy: The accuracy of the `.keras` file on the test images, 0..1.
        epochs: The number of epochs trained.
        training_seconds: The time without TensorFlow's start and without the teacher's training.
    """

    preset: str
    fingerprint: str
    seed: int
    parameters: int
    widths: tuple[int, ...]
    file_bytes: int
    file_sha256: str
    float_sha256: str
    validation_accuracy: float
    test_accuracy: float
    float_validation_accuracy: float
    float_test_accuracy: float
    epochs: int
    training_seconds: float


@dataclass(frozen=True)
class Teacher:
    """The network that the students learned from.

    Args:
        preset: The name of the teacher's preset.
        fingerprint: The SHA-256 of that preset's training recipe.
        validation_accuracy: The accuracy on 5,000 images, 0..1.
        test_accuracy: The accuracy on the 10,000 test images, 0..1.
        epochs: The number of epochs trained.
        training_seconds: The time of its training without TensorFlow's start; None if unknown.
    """

    preset: str
    fingerprint: str
    validation_accuracy: float
    test_accuracy: float
    epochs: int
    training_seconds: float | None = None


@dataclass(frozen=True)
class Reference:
    """The content of reference.json.

    Args:
        host: Facts about the machine, by name.
        tools: The versions of Python and of the packages, by name.
        teacher: The students' teacher; None until a student has been trained.
        figures: One figure per preset and seed.
        published: The seed of the published file, by preset.
    """

    host: Mapping[str, str]
    tools: Mapping[str, str]
    teacher: Teacher | None = None
    figures: tuple[Figure, ...] = ()
    published: Mapping[str, int] | None = None
    kind: Literal["fmnist-edge reference"] = "fmnist-edge reference"


def make(preset: Preset, seed: int, folder: Path, progress: Progress) -> Figure:
    """Train one preset with one seed, export it, and measure the accuracy of the files."""
    model = WORK / f"{preset.name}-{seed}.keras"
    request = TrainRequest(
        model,
        preset.name,
        seed,
        force=True,
        resume=checkpoint_path(model).exists(),
        threads=THREADS,
    )
    trained = train(request, folder, progress)
    wanted = ExportRequest(
        model,
        select((Format.TFLITE,), (Precision.INT8,)),
        WORK,
        force=True,
        choices=Choices(metadata=preset.embed_metadata),
        # Twenty weights in 8 bits give other labels than in 32; the figures show the cost.
        verify="none" if preset.parameters < FEW else "full",
        max_drop=100,
    )
    (outcome,) = export(wanted, folder, progress)
    if outcome.path is None or outcome.manifest is None:
        sys.exit(f"{preset.name} {seed}: {outcome.failure}")
    return Figure(
        preset=preset.name,
        fingerprint=preset.fingerprint,
        seed=seed,
        parameters=preset.parameters,
        widths=preset.architecture.widths,
        file_bytes=outcome.manifest.size_bytes,
        file_sha256=outcome.manifest.sha256,
        float_sha256=trained.manifest.sha256,
        validation_accuracy=accuracy(outcome.path, "validation", folder, progress),
        test_accuracy=accuracy(outcome.path, "test", folder, progress),
        float_validation_accuracy=trained.training.validation_accuracy,
        float_test_accuracy=trained.training.test_accuracy,
        epochs=trained.training.epochs,
        training_seconds=trained.seconds,
    )


def accuracy(path: Path, split: SplitName, folder: Path, progress: Progress) -> float:
    """Return the accuracy of a TFLite file in LiteRT on a split, 0..1."""
    request = EvaluateRequest(path, split, runtime="litert", worst=0)
    return evaluate(request, folder, progress).evaluation.accuracy


def best_of(figures: Iterable[Figure]) -> Figure:
    """Return the figure of the file that is published: the best on validation."""
    return max(figures, key=lambda figure: (figure.validation_accuracy, -figure.seed))


def publish(preset: Preset, figures: Iterable[Figure]) -> int:
    """Copy the file that validates best, and its float32 parent, under the preset's own name."""
    best = best_of(figures)
    for made, name in (
        (f"{preset.name}-{best.seed}.keras", f"{preset.name}-float32.keras"),
        (f"{preset.name}-{best.seed}-int8.tflite", f"{preset.name}-int8.tflite"),
    ):
        _copy(open_artifact(WORK / made), name)
    return best.seed


def _copy(artifact: Artifact, name: str) -> None:
    if artifact.manifest is not None:
        write_artifact(PUBLISHED, artifact.payload, replace(artifact.manifest, file=name))


def teacher_of(
    preset: Preset, known: Teacher | None, folder: Path, progress: Progress
) -> Teacher | None:
    """Return the figures of the preset's teacher, which is trained if it does not exist.

    The result is `known` if the teacher exists, and None if the preset has no teacher.
    """
    path = teacher_path(WORK, preset)
    if path is None or preset.distillation is None:
        return None
    if path.exists():
        return known
    name = preset.distillation.teacher
    request = TrainRequest(path, name, resume=checkpoint_path(path).exists(), threads=THREADS)
    trained = train(request, folder, progress)
    return Teacher(
        preset=name,
        fingerprint=presets.get(name).fingerprint,
        validation_accuracy=trained.training.validation_accuracy,
        test_accuracy=trained.training.test_accuracy,
        epochs=trained.training.epochs,
        training_seconds=trained.seconds,
    )


def measured(reference: Reference) -> MeasuredPresets:
    """Return what `--list-presets` shows: means over the seeds, and the size of the best file."""
    found = {}
    for name in PRESET_NAMES:
        figures = [figure for figure in reference.figures if figure.preset == name]
        if figures:
            found[name] = _mean(figures)
    teacher = reference.teacher
    seconds = (
        {teacher.preset: teacher.training_seconds} if teacher and teacher.training_seconds else {}
    )
    return MeasuredPresets(source=str(FIGURES), presets=found, teacher_seconds=seconds)


def _mean(figures: Sequence[Figure]) -> Measured:
    reached = [figure.test_accuracy for figure in figures]
    return Measured(
        file_bytes=best_of(figures).file_bytes,
        test_accuracy=statistics.mean(reached),
        deviation=statistics.stdev(reached) if len(reached) > 1 else None,
        seeds=len(figures),
        training_seconds=statistics.mean(figure.training_seconds for figure in figures),
    )


def _read() -> Reference:
    if FIGURES.exists():
        return decode_json(Reference, FIGURES.read_bytes())
    return Reference(facts(), made_with((*fit.TOOLS, "ai-edge-litert")))


def _keep(reference: Reference) -> None:
    write_atomically(FIGURES, encode_json(reference).encode())
    write_atomically(MEASURED, encode_json(measured(reference)).encode())


def main(names: Sequence[str]) -> None:
    progress = render.progress_display()
    folder = dataset.locate(progress=progress).path
    for name in names or PRESET_NAMES:
        preset = presets.get(name)
        if not preset.deploy:
            continue
        for seed in SEEDS:
            if not _has(_read(), preset, seed):
                teacher = teacher_of(preset, _read().teacher, folder, progress)
                found = make(preset, seed, folder, progress)
                progress.say(_line(found))
                # It is read again because another process may have added its own meanwhile.
                _keep(_with(_read(), found, teacher))
        reference = _read()
        own = [figure for figure in reference.figures if figure.preset == name]
        seeds = {**(reference.published or {}), name: publish(preset, own)}
        _keep(replace(reference, published=seeds))


def _has(reference: Reference, preset: Preset, seed: int) -> bool:
    """Return whether there is a figure of this very recipe with this seed."""
    wanted = (preset.name, preset.fingerprint, seed)
    return any((each.preset, each.fingerprint, each.seed) == wanted for each in reference.figures)


def _with(reference: Reference, found: Figure, teacher: Teacher | None) -> Reference:
    """Return the reference with that figure, which replaces one of an earlier recipe."""
    kept = [
        figure
        for figure in reference.figures
        if figure.preset != found.preset
        or (figure.fingerprint == found.fingerprint and figure.seed != found.seed)
    ]
    order = {name: index for index, name in enumerate(PRESET_NAMES)}
    figures = sorted((*kept, found), key=lambda each: (order[each.preset], each.seed))
    return replace(reference, figures=tuple(figures), teacher=teacher or reference.teacher)


def _line(found: Figure) -> str:
    return (
        f"{found.preset} {found.seed}: {found.file_bytes:,} bytes, "
        f"validation {found.validation_accuracy:.2%}, test {found.test_accuracy:.2%}, "
        f"{found.training_seconds:.0f} s"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
