"""Trainings, one after the other in one process: starting TensorFlow takes longer than most.

`python tests/trainings.py DATA FOLDER NAME=EPOCHS ...` trains presets without their teachers and
without fine-tuning, and answers with the accuracy that each reached on test, as JSON.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from fmnist_edge.pipeline.train import TrainRequest, train
from fmnist_edge.records import encode_json
from fmnist_edge.training import presets


def _without_tuning(name: str, folder: Path) -> Path:
    """The preset's file in `folder`, short of what only lengthens it."""
    record = json.loads(encode_json(presets.get(name)))
    path = folder / f"{name}.toml"
    path.write_text("\n".join(_toml(record, ("name", "distillation", "fine_tuning"))))
    return path


def _toml(record: dict[str, object], left_out: Sequence[str]) -> Sequence[str]:
    kept = {key: value for key, value in record.items() if key not in left_out}
    plain = [f"{key} = {_value(each)}" for key, each in kept.items()]
    return [line for line in plain if line]


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def main(data: str, folder: str, *wanted: str) -> None:
    reached = {}
    for name, epochs in (each.split("=") for each in wanted):
        path = _without_tuning(name, Path(folder))
        request = TrainRequest(Path(folder) / f"{name}.keras", str(path), epochs=int(epochs))
        reached[name] = train(request, Path(data)).training.test_accuracy
    sys.stdout.write(json.dumps(reached))


if __name__ == "__main__":
    main(*sys.argv[1:])
