"""A teacher for those presets that have one: trained once, asked once, and kept."""

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
from fmnist_edge.training import teaching
from fmnist_edge.training.preset import Augmentation, Preset
from fmnist_edge.training.teaching import TeacherScores

# Below the folder of the model that learns: teachers are kept, and asked again.
FOLDER: Final = Path("teachers")
_TABLE: Final = "scores"


def teacher_path(folder: Path, name: str) -> Path:
    """Where the teacher called `name`, or in the file `name`, lies for models in `folder`."""
    return folder / FOLDER / f"{Path(name).stem}.keras"


def scores_for(
    preset: Preset,
    folder: Path,
    data: dataset.Dataset,
    train_teacher: Callable[[Path], object],
    progress: Progress,
) -> TeacherScores | None:
    """What the preset's teacher says of the training images; None if the preset has no teacher.

    Args:
        preset: The student.
        folder: Of the student's model.
        data: Its train split is what the teacher looks at.
        train_teacher: Makes the teacher at the given path; called where there is none.
        progress: Told of both.

    Raises:
        FmnistEdgeError: the teacher cannot be trained, read or kept.
    """
    if preset.distillation is None:
        return None
    path = teacher_path(folder, preset.distillation.teacher)
    if not path.exists():
        progress.say(f"{preset.name} learns from a teacher, which is trained first: {path}")
        train_teacher(path)
    teacher = open_artifact(path)
    kept = _kept(path, teacher, preset.augmentation, data)
    if (table := _read(kept)) is not None:
        return table
    model = load_model(teacher)
    with suppress_native_output():
        scores = teaching.ask(model, data.train, preset.augmentation, progress)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, scores=scores.table)
    write_atomically(kept, stream.getvalue())
    return scores


def _kept(path: Path, teacher: Artifact, seen: Augmentation, data: dataset.Dataset) -> Path:
    """The file of answers: of this very teacher, on these data, in these positions."""
    positions = f"{'flip' if seen.flip else 'noflip'}-shift{seen.shift}"
    return path.with_name(
        f"{path.stem}-{teacher.sha256[:12]}-{data.sha256[:12]}-{positions}.scores.npz"
    )


def _read(path: Path) -> TeacherScores | None:
    """The answers in a file; None if there are none, or if it is damaged: they can be had again."""
    try:
        table = read_arrays(path.read_bytes()).get(_TABLE)
    except (OSError, ArraysError):
        return None
    return None if table is None else TeacherScores(table.astype(np.float16))
