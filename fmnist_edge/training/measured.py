"""The measured figures of the presets that come with the package."""

from collections.abc import Mapping

from fmnist_edge.records import Record, decode_json
from fmnist_edge.training.preset import Preset


class Measured(Record):
    """The figures of a preset's int8 TFLite file, run in LiteRT on the 10,000 test images.

    Args:
        file_bytes: The size of the file in bytes.
        test_accuracy: The mean accuracy over the seeds, 0..1.
        deviation: The standard deviation over the seeds; None for fewer than two.
        seeds: The number of trainings.
        training_seconds: The mean time of a training in seconds, on one thread, without
            TensorFlow's start and without the teacher's training.
    """

    file_bytes: int
    test_accuracy: float
    deviation: float | None
    seeds: int
    training_seconds: float


class MeasuredPresets(Record):
    """The content of `presets/measured.json`.

    Args:
        source: The committed result file that the figures are taken from.
        presets: The figures by preset name.
        teacher_seconds: The time of a training in seconds, on one thread, by the name of the
            teacher's preset.
    """

    source: str
    presets: Mapping[str, Measured]
    teacher_seconds: Mapping[str, float] = {}

    def training_seconds(self, preset: Preset) -> float | None:
        """Return the time to train a preset and its teacher; None where it was not measured."""
        if preset.name in self.teacher_seconds:
            return self.teacher_seconds[preset.name]
        if preset.name not in self.presets:
            return None
        own = self.presets[preset.name].training_seconds
        if preset.distillation is None:
            return own
        teacher = self.teacher_seconds.get(preset.distillation.teacher)
        return None if teacher is None else own + teacher


def parse_measured(payload: bytes) -> MeasuredPresets:
    """Return the figures in a JSON file.

    Raises:
        RecordError: The JSON has another content.
    """
    return decode_json(MeasuredPresets, payload)
