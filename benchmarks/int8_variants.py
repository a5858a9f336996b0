"""Which way to int8 is the more accurate, and which the faster?

    pip install nncf
    python benchmarks/int8_variants.py OUT.json MODEL.keras [MODEL.keras ...]

ONNX with a scale per tensor or per output channel; OpenVINO by carrying over the ONNX file's scales
or by NNCF, OpenVINO's own quantizer. Judged on the validation images; the test images are not
looked at. The first model's files are measured on one thread.
"""

import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import Format, Parity, open_artifact
from fmnist_edge.bench import protocols
from fmnist_edge.exporters import EXPORTERS, load_parent, onnx_from_tf, verify
from fmnist_edge.exporters.onnx.bytes import integer_input
from fmnist_edge.exporters.onnx.graph import parse
from fmnist_edge.exporters.onnx.int8 import quantize
from fmnist_edge.exporters.onnx.tidy import tidy_quantized
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.files import write_atomically
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.libraries.openvino import openvino
from fmnist_edge.optional import require
from fmnist_edge.pipeline import calibrating, planning
from fmnist_edge.pipeline.benching import BenchRequest, bench
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.recipes import CALIBRATION_SAMPLES, RECIPES, Choices
from fmnist_edge.records import encode_json
from fmnist_edge.session import Images, SessionOptions, classify
from fmnist_edge_cli import render

PROCESSES: Final = 9


@dataclass(frozen=True)
class Variant:
    """One way to int8.

    Args:
        name: Of the way.
        change: Mean change of validation accuracy against Keras, in points.
        agreement: Mean share of validation images that keep their label.
        largest: Largest difference of a class probability, over all models.
        p50_ns: Median latency of the first model.
    """

    name: str
    change: float
    agreement: float
    largest: float
    p50_ns: int


def _exported(name: str) -> Callable[[Parent, Images, Path], None]:
    def write(parent: Parent, images: Images, path: Path) -> None:
        files = EXPORTERS[Format.KERAS, name].export(parent, RECIPES[name], Choices(), images)
        for suffix, payload in files.items():
            path.with_suffix(suffix).write_bytes(payload)

    return write


def _per_channel(parent: Parent, images: Images, path: Path) -> None:
    floating = onnx_from_tf.convert(parent, Choices(), "float32")
    model = integer_input(parse(quantize(floating, images, per_channel=True)))
    path.write_bytes(tidy_quantized(model).SerializeToString())


def _nncf(parent: Parent, images: Images, path: Path) -> None:
    library, nncf = openvino(), require("nncf", extra="openvino")
    files = EXPORTERS[Format.KERAS, "openvino-float32"].export(
        parent, RECIPES["openvino-float32"], Choices(), images[:0]
    )
    model = library.Core().read_model(*files.values())
    samples = nncf.Dataset(list(images), lambda image: image[None])
    quantized: Any = nncf.quantize(model, samples, subset_size=len(images))
    library.save_model(quantized, path, compress_to_fp16=False)


VARIANTS: Final[Mapping[str, Callable[[Parent, Images, Path], None]]] = {
    "scale-per-tensor.onnx": _exported("onnx-int8"),
    "scale-per-channel.onnx": _per_channel,
    "carried-over.xml": _exported("openvino-int8"),
    "nncf.xml": _nncf,
}


def main() -> None:
    out, *models = map(Path, sys.argv[1:])
    place = out.resolve()
    progress = render.progress_display()
    where = dataset.locate(progress=progress).path
    data = dataset.load(where)
    images = calibrating.from_train(data.train, CALIBRATION_SAMPLES).images
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(index) for index, _ in enumerate(models)]
        with suppress_native_output():
            parents = [load_parent(open_artifact(path)) for path in models]
            for parent, folder in zip(parents, folders, strict=True):
                folder.mkdir()
                for file, write in VARIANTS.items():
                    write(parent, images, folder / file)
        found = {
            file: [
                _judge(folder / file, parent, data.validation)
                for parent, folder in zip(parents, folders, strict=True)
            ]
            for file in VARIANTS
        }
        settings = replace(
            protocols.get("standard"),
            protocol="int8-variants",
            processes=PROCESSES,
            paced_samples=0,
        )
        with contextlib.chdir(folders[0]):  # so that the result tells names and no passing paths
            plan = planning.plan(
                tuple(map(Path, VARIANTS)), settings, runtimes_named=("onnxruntime", "openvino")
            )
            run = bench(BenchRequest(plan, settings, where), progress)
    own = {"onnx": "onnxruntime", "xml": "openvino"}
    medians = {
        row.case.subject.name: round(row.back_to_back.p50)
        for row in run.rows
        if row.back_to_back
        and own.get(row.case.subject.name.rpartition(".")[2]) == row.case.runtime
    }
    result = {
        "models": [parent.artifact.sha256 for parent in parents],
        "judged_on": f"{len(data.validation)} validation images",
        "tools": made_with(("tensorflow", "onnxruntime", "onnx", "openvino", "nncf")),
        "variants": [_summary(file, found[file], medians[file]) for file in VARIANTS],
        "run": run,
    }
    write_atomically(place, encode_json(result).encode())


def _judge(path: Path, parent: Parent, held_back: dataset.Split) -> Parity:
    artifact = open_artifact(path)
    runtime = runtimes.get(runtimes.reading(artifact.format)[0])
    with suppress_native_output():
        runtime.load_library()
        given = classify(runtime.open(artifact, SessionOptions()), held_back.images)
        assert parent.scores is not None
        expected = parent.scores(held_back.images)
    return verify.compare(expected, given, held_back.labels, path.name)


def _summary(name: str, found: list[Parity], p50_ns: int) -> Variant:
    changes = [each.accuracy.own - each.accuracy.parent for each in found if each.accuracy]
    return Variant(
        name,
        change=100 * statistics.mean(changes),
        agreement=statistics.mean(each.agreement for each in found),
        largest=max(each.max_abs_difference for each in found),
        p50_ns=p50_ns,
    )


if __name__ == "__main__":
    main()
