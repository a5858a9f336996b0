"""Train the default preset with three seeds and write what they reached.

    python benchmarks/train_seeds.py [OUT.json]

Without an argument, the file goes to artifacts/seeds/result.json; a copy that documents a claim
lies under benchmarks/results/.
"""

import statistics
import sys
from pathlib import Path
from typing import Final

from fmnist_edge import dataset
from fmnist_edge.files import write_atomically
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.training import TrainRequest, train
from fmnist_edge.records import encode_json
from fmnist_edge_cli import render

SEEDS: Final = (0, 1, 2)
PRESET: Final = "default"
FOLDER: Final = Path("artifacts/seeds")


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "result.json"
    progress = render.progress_display()
    folder = dataset.locate(progress=progress).path
    trained = [
        train(
            TrainRequest(FOLDER / f"{PRESET}-{seed}.keras", PRESET, seed, force=True),
            folder,
            progress,
        )
        for seed in SEEDS
    ]
    reached = [each.training.test_accuracy for each in trained]
    result = {
        "preset": PRESET,
        "test_accuracy_mean": statistics.mean(reached),
        "test_accuracy_sd": statistics.stdev(reached),
        "host": facts(),
        "tools": trained[0].manifest.tools,
        "trainings": [each.training for each in trained],
    }
    write_atomically(out, encode_json(result).encode())
    render.json_text({"test_accuracy": reached, "written": str(out)})


if __name__ == "__main__":
    main()
