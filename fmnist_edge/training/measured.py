"""What presets were found to reach, for those who choose between them."""

from collections.abc import Mapping

from fmnist_edge.records import Record, decode_json


class Measured(Record):
    """A preset's exported int8 TFLite file, run in LiteRT on the 10,000 test images.

    Args:
        file_bytes: Size of the file.
        test_accuracy: Mean over the seeds, 0..1.
        deviation: Standard deviation over the seeds; None for fewer than two.
        seeds: How many trainings.
        training_seconds: Mean time of a training, without TensorFlow's start and any teacher's.
    """

    file_bytes: int
    test_accuracy: float
    deviation: float | None
    seeds: int
    training_seconds: float


class Table(Record):
    """What lies in `presets/measured.json`.

    Args:
        source: The committed result file that it is taken from.
        presets: By name.
    """

    source: str
    presets: Mapping[str, Measured]


def parse_measured(payload: bytes) -> Mapping[str, Measured]:
    """The table in a JSON file.

    Raises:
        RecordError: it is no such table.
    """
    return decode_json(Table, payload).presets
