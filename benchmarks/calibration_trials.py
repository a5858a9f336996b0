"""Which calibration is best? Every method and image count, judged on validation images.

    python benchmarks/calibration_trials.py OUT.json MODEL.keras [MODEL.keras ...]

The test images are not looked at. The defaults in `fmnist_edge/recipes.py` and the table in
docs/formats.md come from the file this wrote.
"""

import statistics
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from fmnist_edge import dataset
from fmnist_edge.artifact import Artifact, open_artifact
from fmnist_edge.exporters import EXPORTERS, load_parent, verify
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.files import write_atomically
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.pipeline import calibrating
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.pipeline.proving import runtime_for
from fmnist_edge.recipes import RECIPES, Choices, Recipe
from fmnist_edge.records import encode_json
from fmnist_edge.runtimes import get
from fmnist_edge.session import SessionOptions, classify
from fmnist_edge_cli import render

COUNTS: Final = (100, 200, 500, 1000, 2000)
# TensorFlow's converter knows min-max alone.
METHODS: Final = {
    "tflite-int8": ("minmax",),
    "onnx-int8": ("minmax", "entropy", "percentile"),
}


@dataclass(frozen=True)
class Trial:
    """One recipe, method and image count over all models.

    Args:
        recipe: Name of the recipe.
        method: How activation ranges were taken.
        images: Calibration images of train.
        change: Mean change of validation accuracy against Keras, in points.
        agreement: Mean share of validation images that keep their label.
        largest: Largest difference of a class probability, over all models.
    """

    recipe: str
    method: str
    images: int
    change: float
    agreement: float
    largest: float


def main() -> None:
    out, *models = map(Path, sys.argv[1:])
    progress = render.progress_display()
    data = dataset.load(dataset.locate(progress=progress).path)
    with suppress_native_output():
        parents = [load_parent(open_artifact(path)) for path in models]
    planned = [
        (RECIPES[name], method, count)
        for name, methods in METHODS.items()
        for method, count in product(methods, COUNTS)
    ]
    progress.start("Calibrate", len(planned))
    trials = []
    for recipe, method, count in planned:
        progress.advance(0, note=f"{recipe.name}, {method}, {count} images")
        trials.append(_try(parents, recipe, method, count, data))
        progress.advance()
    progress.finish()
    result = {
        "models": [parent.artifact.sha256 for parent in parents],
        "judged_on": f"{len(data.validation)} validation images",
        "tools": made_with(("tensorflow", "onnxruntime", "onnx", "ai-edge-litert")),
        "trials": trials,
    }
    write_atomically(out, encode_json(result).encode())


def _try(
    parents: list[Parent], recipe: Recipe, method: str, count: int, data: dataset.Dataset
) -> Trial:
    images = calibrating.from_train(data.train, count).images
    choices = Choices(calibration_method=method)
    found = []
    for parent in parents:
        with suppress_native_output():
            made = EXPORTERS[parent.artifact.format, recipe.name].export(
                parent, recipe, choices, images
            )
            candidate = Artifact(Path("trial"), recipe.format, next(iter(made.values())), None)
            runtime = get(runtime_for(candidate))
            runtime.load_library()
            session = runtime.open(candidate, SessionOptions())
            given = classify(session, data.validation.images)
            assert parent.scores is not None
            expected = parent.scores(data.validation.images)
        found.append(verify.compare(expected, given, data.validation.labels, recipe.name))
    changes = [each.accuracy.own - each.accuracy.parent for each in found if each.accuracy]
    return Trial(
        recipe.name,
        method,
        count,
        change=100 * statistics.mean(changes),
        agreement=statistics.mean(each.agreement for each in found),
        largest=max(each.max_abs_difference for each in found),
    )


if __name__ == "__main__":
    main()
