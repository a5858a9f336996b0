"""Models that other people might bring: `python tests/strangers.py FOLDER` writes them.

It runs as a process of its own, because it needs TensorFlow.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fmnist_edge.exporters.ort import file as ort_file
from fmnist_edge.keras_library import keras, tensorflow
from fmnist_edge.openvino_library import openvino

_GENERATOR = np.random.default_rng(0)
# Name, shape of one image, scores, inputs: each is wrong in one way.
_SHAPES: Sequence[tuple[str, tuple[int, ...], int, int]] = (
    ("larger-images", (32, 32), 10, 1),
    ("seven-scores", (28, 28), 7, 1),
    ("two-inputs", (28, 28), 10, 2),
)


def _kernel(pixels: int, scores: int) -> NDArray[np.float32]:
    return _GENERATOR.normal(0, 0.1, (pixels, scores)).astype(np.float32)


def _tflite(
    image: tuple[int, ...], scores: int, inputs: int = 1, *, batch: int = 1, rows: int = -1
) -> bytes:
    tf = tensorflow()
    pixels = int(np.prod(image))
    kernel = tf.constant(_kernel(pixels, scores))

    def serve(*images: Any) -> Any:  # noqa: ANN401 - tensors
        return tf.nn.softmax(tf.matmul(tf.reshape(sum(images), [rows, pixels]), kernel))

    signature = [tf.TensorSpec((batch, *image), tf.float32) for _ in range(inputs)]
    traced = tf.function(serve, input_signature=signature).get_concrete_function()
    converted: bytes = tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert()
    return converted


def _onnx(  # noqa: PLR0913 - each is a way to be unusual
    image: tuple[int, ...],
    scores: int,
    inputs: int = 1,
    *,
    batch: int | str = "N",
    rows: int = -1,
    dtype: int = TensorProto.FLOAT,
) -> bytes:
    pixels = int(np.prod(image))
    names = [f"image_{i}" for i in range(inputs)]
    nodes = [helper.make_node("Reshape", [name, "flat_shape"], [f"{name}_flat"]) for name in names]
    nodes += [
        helper.make_node("Sum", [f"{name}_flat" for name in names], ["flat"]),
        helper.make_node("Cast", ["flat"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["real", "kernel"], ["linear"]),
        helper.make_node("Softmax", ["linear"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "stranger",
        [helper.make_tensor_value_info(name, dtype, [batch, *image]) for name in names],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, scores])],
        [
            numpy_helper.from_array(_kernel(pixels, scores), "kernel"),
            numpy_helper.from_array(np.array([rows, pixels]), "flat_shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    written: bytes = model.SerializeToString()
    return written


def _ort(payload: bytes) -> bytes:
    return ort_file.save(onnx.ModelProto.FromString(payload))


def _save_openvino(path: Path) -> None:
    library = openvino()
    made = library.convert_model(path.with_suffix(".onnx"))
    library.save_model(made, path, compress_to_fp16=False)


def _save_saved_model(path: Path, image: tuple[int, ...], scores: int, inputs: int) -> None:
    tf = tensorflow()
    kernel = tf.constant(_kernel(int(np.prod(image)), scores))
    module = tf.Module()

    def serve(*images: Any) -> Any:  # noqa: ANN401 - tensors
        flat = tf.reshape(sum(images), [-1, kernel.shape[0]])
        return {"scores": tf.nn.softmax(tf.matmul(flat, kernel))}

    signature = [tf.TensorSpec((None, *image), tf.float32, f"image_{i}") for i in range(inputs)]
    module.serve = tf.function(serve, input_signature=signature)
    tf.saved_model.save(module, str(path), signatures=module.serve)


def _save_npz(path: Path, image: tuple[int, ...], scores: int) -> None:
    kernel = _kernel(int(np.prod(image)), scores)
    np.savez(path, activations=["softmax"], kernel_0=kernel, bias_0=np.zeros(scores, np.float32))


def _save_keras_models(folder: Path) -> None:
    library = keras()
    layers = library.layers

    def save(name: str, image: Any, *stack: Any) -> None:  # noqa: ANN401 - Keras objects
        values = image
        for layer in (layers.Flatten(), *stack, layers.Dense(10, activation="softmax")):
            values = layer(values)
        library.Model(image, values).save(folder / f"{name}.keras")

    usual = library.Input((28, 28))
    twice = layers.Dense(16, activation="relu")
    save("larger-images", library.Input((32, 32)))
    save("with-channel", library.Input((28, 28, 1)))
    save("without-bias", usual, layers.Dense(16, activation="relu", use_bias=False))
    # The order of its layers is not the order of its computation.
    save("layer-used-twice", usual, layers.Dense(16), twice, twice)
    save("foreign-layer", usual, layers.Rescaling(1 / 255))
    save("unusual-activation", usual, layers.Dense(16, activation="gelu"))
    save("code-inside", usual, layers.Lambda(lambda values: values * 2, output_shape=(784,)))


def main(folder: Path) -> None:
    """Write all of them."""
    for name, image, scores, inputs in _SHAPES:
        (folder / f"{name}.tflite").write_bytes(_tflite(image, scores, inputs))
        (folder / f"{name}.onnx").write_bytes(_onnx(image, scores, inputs))
        (folder / f"{name}.ort").write_bytes(_ort(_onnx(image, scores, inputs)))
        _save_openvino(folder / f"{name}.xml")
        _save_saved_model(folder / f"{name}.saved-model", image, scores, inputs)
        if inputs == 1:
            _save_npz(folder / f"{name}.npz", image, scores)
    usual = ((28, 28), 10)
    (folder / "four-at-once.tflite").write_bytes(_tflite(*usual, batch=4, rows=4))
    (folder / "four-at-once.onnx").write_bytes(_onnx(*usual, batch=4))
    (folder / "one-at-a-time.onnx").write_bytes(_onnx(*usual, rows=1))
    (folder / "wide-numbers.onnx").write_bytes(_onnx(*usual, dtype=TensorProto.DOUBLE))
    _save_keras_models(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
