"""The teacher of a preset that has one: it is trained once, run once, and its scores are kept."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from fmnist_edge import dataset
from fmnist_edge.arrays import ArraysError, read_arrays
from fmnist_edge.artifact import Artifact, open_artifact
from fmnist_edge.files import write_atomically
from fmnist_edge.keras_file import load_model
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.progress import Progress
from fmnist_edge.training.distillation import TeacherLogits, compute_teacher_logits
from fmnist_edge.training.preset import Augmentation, Preset

# Teachers are kept in this folder below that of the student, and are used again.
_FOLDER: Final = Path("teachers")
_ARRAY: Final = "scores"


def teacher_path(folder: Path, preset: Preset) -> Path | None:
    """Return the `.keras` file of the preset's teacher; None if the preset has no teacher.

    Args:
        folder: The folder of the student's model.
        preset: The student.
    """
    if preset.distillation is None:
        return None
    return folder / _FOLDER / f"{Path(preset.distillation.teacher).stem}.keras"


def teacher_logits(
    preset: Preset,
    folder: Path,
    data: dataset.Dataset,
    train_teacher: Callable[[Path], object],
    progress: Progress,
) -> TeacherLogits | None:
    """Return the logits of the preset's teacher; None if the preset has no teacher.

    Args:
        preset: The student.
        folder: The folder of the student's model.
        data: The teacher is run on its train split.
        train_teacher: It writes the teacher to the given path, and is called if no teacher exists.
        progress: It follows the computation of the logits.

    Raises:
        FmnistEdgeError: The teacher cannot be trained, read or kept.
    """
    path = teacher_path(folder, preset)
    if path is None:
        return None
    if not path.exists():
        train_teacher(path)
    teacher = open_artifact(path)
    kept = _logits_path(path, teacher, preset.augmentation, data)
    if (logits := _read(kept)) is not None:
        return logits
    model = load_model(teacher)
    with suppress_native_output():
        logits = compute_teacher_logits(model, data.train, preset.augmentation, progress)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{_ARRAY: logits.values})
    write_atomically(kept, stream.getvalue())
    return logits


def _logits_path(
    path: Path, teacher: Artifact, augmentation: Augmentation, data: dataset.Dataset
) -> Path:
    """Return the file for the logits of this teacher, on these data, in these positions."""
    positions = f"{'flip' if augmentation.flip else 'noflip'}-shift{augmentation.shift}"
    return path.with_name(
        f"{path.stem}-{teacher.sha256[:12]}-{data.sha256[:12]}-{positions}.scores.npz"
    )


def _read(path: Path) -> TeacherLogits | None:
    """Return the logits in a file; None if it is missing or damaged, for they can be made again."""
    try:
        values = read_arrays(path.read_bytes()).get(_ARRAY)
    except (OSError, ArraysError):
        return None
    return None if values is None else TeacherLogits(values.astype(np.float16))
