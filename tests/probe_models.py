"""The models of `fmnist_edge/probe`: `python tests/probe_models.py FOLDER` writes them.

It runs as a process of its own, because it needs TensorFlow. All numbers are halves and the sums
are short, so that every type from bfloat16 on holds the answer and all on the way to it exactly.
"""

import io
import sys
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fmnist_edge.artifact import Format
from fmnist_edge.libraries.keras import keras, tensorflow
from fmnist_edge.ncnn_file import Network, Product, param_text, weights_bytes
from fmnist_edge.probe.models import FILES, NETWORK

_OPSET = 18
_IR_VERSION = 8
_SIZES = (16, 8, 4)
_ACTIVATIONS = ("relu", "linear")

Layers = list[tuple[NDArray[np.float32], NDArray[np.float32]]]


def _layers() -> Layers:
    draw = np.random.default_rng(0)

    def halves(*shape: int) -> NDArray[np.float32]:
        return (draw.integers(-2, 3, shape) / 2).astype(np.float32)

    return [(halves(*sizes), halves(sizes[1])) for sizes in pairwise(_SIZES)]


def _npz(layers: Layers) -> bytes:
    arrays: dict[str, NDArray[Any]] = {"activations": np.array(_ACTIVATIONS)}
    for index, (kernel, bias) in enumerate(layers):
        arrays |= {f"kernel_{index}": kernel, f"bias_{index}": bias}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _onnx(layers: Layers) -> bytes:
    nodes, weights, name = [], [], "input"
    for index, layer in enumerate(layers):
        names = [f"kernel_{index}", f"bias_{index}"]
        weights += [
            numpy_helper.from_array(each, called) for each, called in zip(layer, names, strict=True)
        ]
        is_last = index == len(layers) - 1
        target = "output" if is_last else f"sum_{index}"
        nodes.append(helper.make_node("Gemm", [name, *names], [target]))
        if not is_last:
            nodes.append(helper.make_node("Relu", [target], [f"hidden_{index}"]))
        name = f"hidden_{index}"
    ends = [
        helper.make_tensor_value_info(called, TensorProto.FLOAT, [1, size])
        for called, size in (("input", _SIZES[0]), ("output", _SIZES[-1]))
    ]
    graph = helper.make_graph(nodes, "probe", ends[:1], ends[1:], weights)
    opsets = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
    serialized: bytes = model.SerializeToString()
    return serialized


def _tflite(layers: Layers) -> bytes:
    tf = tensorflow()

    def serve(values: Any) -> Any:  # noqa: ANN401 - tensors
        for (kernel, bias), activation in zip(layers, _ACTIVATIONS, strict=True):
            values = tf.matmul(values, tf.constant(kernel)) + tf.constant(bias)
            values = tf.nn.relu(values) if activation == "relu" else values
        return values

    signature = [tf.TensorSpec((1, _SIZES[0]), tf.float32, name="input")]
    traced = tf.function(serve, input_signature=signature).get_concrete_function()
    converted: bytes = tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert()
    return converted


def _keras(layers: Layers, folder: Path) -> bytes:
    """Compressed: most of HDF5's bytes are zero."""
    library = keras()
    model = library.Sequential(
        [
            library.Input((_SIZES[0],), batch_size=1, name="input"),
            *(
                library.layers.Dense(size, activation=activation)
                for size, activation in zip(_SIZES[1:], _ACTIVATIONS, strict=True)
            ),
        ]
    )
    model.set_weights([array for layer in layers for array in layer])
    path = folder / "plain.keras"
    model.save(path)
    file = io.BytesIO()
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for each in plain.infolist():
            target.writestr(zipfile.ZipInfo(each.filename), plain.read(each), zipfile.ZIP_DEFLATED)
    path.unlink()
    return file.getvalue()


def _ncnn(layers: Layers) -> tuple[bytes, bytes]:
    """The text and the weights."""
    products = tuple(
        Product(inputs, units, activation)
        for (inputs, units), activation in zip(pairwise(_SIZES), _ACTIVATIONS, strict=True)
    )
    weights = b"".join(weights_bytes(kernel, bias, halved=False) for kernel, bias in layers)
    return param_text(Network(products), weights).encode(), weights


def main(folder: Path) -> None:
    layers = _layers()
    param, weights = _ncnn(layers)
    made: Mapping[str, bytes] = {
        ".npz": _npz(layers),
        ".onnx": _onnx(layers),
        ".tflite": _tflite(layers),
        ".keras": _keras(layers, folder),
        ".param": param,
        ".bin": weights,
    }
    beside = Path(FILES[Format.NCNN]).with_suffix(".bin").name
    for name in {NETWORK, *FILES.values(), beside}:
        (folder / name).write_bytes(made[Path(name).suffix])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
