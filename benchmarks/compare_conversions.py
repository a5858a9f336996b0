"""Are our int8 files as fast as what else the same model can be converted to?

    python benchmarks/compare_conversions.py OUT.json MODEL.keras [PROCESSES]

Each conversion is made afresh, measured on one thread in fresh processes that take turns, and
compared with ours by the medians of those that lived through the same round. Run it on a machine
that has nothing else to do.
"""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import Format, open_artifact
from fmnist_edge.bench import protocols
from fmnist_edge.exporters import EXPORTERS, load_parent
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.files import write_atomically
from fmnist_edge.libraries.keras import keras, tensorflow
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.optional import require
from fmnist_edge.pipeline import calibrating, planning
from fmnist_edge.pipeline.benching import BenchRequest, bench
from fmnist_edge.recipes import CALIBRATION_SAMPLES, RECIPES, Choices
from fmnist_edge.records import encode_json
from fmnist_edge.result import Row, Settings
from fmnist_edge.session import Images, scale_pixels
from fmnist_edge.stats.intervals import turnwise_ratio
from fmnist_edge_cli import render

OURS: Final = "ours"
PROCESSES: Final = 7


@dataclass(frozen=True)
class Ratio:
    """How many times as long as our file another one takes; above 1, ours is faster.

    Args:
        low: Lower end of its 95 % interval.
        high: The upper one.
    """

    file: str
    accuracy: float | None
    p50_ns: int
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Given:
    """What every conversion starts from."""

    path: Path
    parent: Parent
    calibration: Images
    folder: Path

    def samples(self) -> Iterator[Any]:
        """float32[1,28,28] in 0..1, one by one."""
        for image in self.calibration:
            yield scale_pixels(image[None])

    def export(self, name: str, choices: Choices = Choices()) -> bytes:  # noqa: B008 - frozen
        """One of our own exports."""
        recipe = RECIPES[name]
        images = self.calibration if recipe.calibrated else self.calibration[:0]
        files = EXPORTERS[Format.KERAS, name].export(self.parent, recipe, choices, images)
        return next(iter(files.values()))

    def model(self) -> Any:  # noqa: ANN401 - a Keras model
        """The model as Keras loads it."""
        return keras().saving.load_model(self.path, compile=False)


def _keras_converter(given: Given, *, full: bool) -> bytes:
    """As TensorFlow's guide to post-training quantization does it."""
    tf = tensorflow()
    converter = tf.lite.TFLiteConverter.from_keras_model(given.model())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if full:
        converter.representative_dataset = lambda: ([each] for each in given.samples())
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    payload: bytes = converter.convert()
    return payload


def _keras_export(given: Given) -> bytes:
    """Keras's own export to LiteRT; it has no way to give representative images."""
    path = given.folder / "export.tflite"
    options = {"optimizations": [tensorflow().lite.Optimize.DEFAULT]}
    given.model().export(path, format="litert", verbose=False, **options)
    return path.read_bytes()


def _litert_quantizer(given: Given) -> bytes:
    recipes = require("litert_quantizer.recipe", extra="quantize")
    tf = tensorflow()
    floating = tf.lite.TFLiteConverter.from_keras_model(given.model()).convert()
    maker = require("litert_quantizer.quantizer", extra="quantize").Quantizer(
        floating, recipes.static_wi8_ai8()
    )
    (name,) = (
        require("ai_edge_litert.interpreter", extra="litert")
        .Interpreter(model_content=floating)
        .get_signature_list()["serving_default"]["inputs"]
    )
    ranges = maker.calibrate({"serving_default": [{name: each} for each in given.samples()]})
    return bytes(maker.quantize(ranges).quantized_model)


def _float_onnx(given: Given) -> Path:
    tf, path = tensorflow(), given.folder / "float.onnx"
    model = given.model()
    signature = [tf.TensorSpec((None, 28, 28), tf.float32, name="image")]
    function = tf.function(lambda image: model(image, training=False), signature)
    require("tf2onnx", extra="train").convert.from_function(
        function, input_signature=signature, opset=18, output_path=str(path)
    )
    return path


def _ort_dynamic(given: Given) -> bytes:
    out = given.folder / "dynamic.onnx"
    require("onnxruntime.quantization", extra="onnx").quantize_dynamic(_float_onnx(given), out)
    return out.read_bytes()


def _ort_static(given: Given) -> bytes:
    tools = require("onnxruntime.quantization", extra="onnx")
    out, samples = given.folder / "static.onnx", given.samples()

    class Reader(tools.CalibrationDataReader):  # type: ignore[misc] # the base is untyped
        def get_next(self) -> dict[str, Any] | None:
            return next(({"image": each} for each in samples), None)

    tools.quantize_static(_float_onnx(given), out, Reader())
    return out.read_bytes()


CONVERSIONS: Final[Mapping[Format, Mapping[str, Callable[[Given], bytes]]]] = {
    Format.TFLITE: {
        OURS: lambda given: given.export("tflite-int8"),
        "from_keras_model-int8": lambda given: _keras_converter(given, full=True),
        "from_keras_model-dynamic": lambda given: _keras_converter(given, full=False),
        "keras-export-dynamic": _keras_export,
        "litert-quantizer-static": _litert_quantizer,
    },
    Format.ONNX: {
        OURS: lambda given: given.export("onnx-int8"),
        "quantize_dynamic": _ort_dynamic,
        "quantize_static": _ort_static,
    },
}


def main() -> None:
    out, model, *rest = sys.argv[1:]
    place = Path(out).resolve()
    settings = replace(
        protocols.get("standard"),
        protocol="compare-conversions",
        processes=int(rest[0]) if rest else PROCESSES,
        paced_samples=0,
    )
    progress = render.progress_display()
    where = dataset.locate(progress=progress).path
    images = calibrating.from_train(dataset.load(where).train, CALIBRATION_SAMPLES).images
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with suppress_native_output():
            parent = load_parent(open_artifact(Path(model)))
            given = Given(Path(model), parent, images, folder)
            files = {kind: _convert(given, kind) for kind in CONVERSIONS}
        with contextlib.chdir(folder):  # so that the result tells names and no passing paths
            runs = {
                kind: bench(_request(kind, names, settings, where), progress)
                for kind, names in files.items()
            }
    tables = {kind: _ratios(run.rows) for kind, run in runs.items()}
    write_atomically(place, encode_json({"ratios": tables, "runs": runs}).encode())
    for table in tables.values():
        for each in table:
            print(
                f"{each.file:32} {each.p50_ns / 1000:8.2f} us  {each.accuracy or 0:.4f}  "
                f"x{each.ratio:.2f} [{each.low:.2f}, {each.high:.2f}]"
            )


def _request(
    kind: Format, names: tuple[Path, ...], settings: Settings, where: Path
) -> BenchRequest:
    plan = planning.plan(names, settings, runtimes_named=runtimes.reading(kind)[:1])
    return BenchRequest(plan, settings, where)


def _convert(given: Given, kind: Format) -> tuple[Path, ...]:
    names = []
    for name, convert in CONVERSIONS[kind].items():
        path = given.folder / f"{name}{kind.suffix}"
        path.write_bytes(convert(given))
        names.append(Path(path.name))
    return tuple(names)


def _ratios(rows: tuple[Row, ...]) -> list[Ratio]:
    ours, *_ = rows
    return [_ratio(ours, row) for row in rows if not row.case.subject.is_floor]


def _ratio(ours: Row, other: Row) -> Ratio:
    assert ours.back_to_back is not None
    assert other.back_to_back is not None
    found = turnwise_ratio(ours.back_to_back.turn_medians, other.back_to_back.turn_medians)
    return Ratio(
        other.case.subject.name,
        other.accuracy.top1 if other.accuracy else None,
        round(other.back_to_back.p50),
        ratio=found.ratio,
        low=found.low,
        high=found.high,
    )


if __name__ == "__main__":
    main()
