"""Classifiers that other people might start from: `python tests/parents.py DATA FOLDER`.

It runs as a process of its own, because it needs TensorFlow.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from fmnist_edge import dataset
from fmnist_edge.libraries.keras import keras, tensorflow

_IMAGES = 6_000


def _networks() -> dict[str, Any]:
    layers, library = keras().layers, keras()
    convolutional = (
        layers.Reshape((28, 28, 1)),
        layers.Conv2D(8, 3, strides=2, activation="relu"),
        layers.Conv2D(16, 3, strides=2, activation="relu"),
        layers.Flatten(),
    )
    pooled = (
        *(layers.Rescaling(2.0, -1.0), layers.Reshape((28, 28, 1))),
        *(layers.AveragePooling2D(2), layers.Flatten(), layers.Dropout(0.1)),
        layers.Dense(64, activation="relu"),
    )
    normalized = (
        *(layers.Flatten(), layers.Rescaling(2.0, -1.0), layers.Dense(32)),
        *(layers.BatchNormalization(), layers.Activation("relu")),
    )
    image = library.Input((28, 28))
    first = layers.Dense(32, activation="relu")(layers.Flatten()(image))
    both = layers.Add()([first, layers.Dense(32, activation="relu")(first)])
    functional = library.Model(image, layers.Dense(10, activation="softmax")(both))
    return {
        "logits": library.Sequential(
            [layers.Input((28, 28)), layers.Flatten(), layers.Dense(32, "relu"), layers.Dense(10)]
        ),
        "convolutional": _sequence(*convolutional),
        "normalized": _sequence(*normalized),
        "pooled": _sequence(*pooled),
        "functional": functional,
    }


def _sequence(*stack: Any) -> Any:  # noqa: ANN401 - Keras objects
    layers = keras().layers
    return keras().Sequential(
        [layers.Input((28, 28)), *stack, layers.Dense(10, activation="softmax")]
    )


def _fit(model: Any, data: Path) -> None:  # noqa: ANN401 - a Keras model
    train = dataset.load(data).train
    logits = model.layers[-1].activation.__name__ == "linear"
    model.compile("adam", keras().losses.SparseCategoricalCrossentropy(from_logits=logits))
    model.fit(train.images[:_IMAGES] / 255, train.labels[:_IMAGES], epochs=3, verbose=0)


def _save_served(model: Any, path: Path, dtype: str, *, written: Path | None = None) -> None:  # noqa: ANN401 - a Keras model
    tf = tensorflow()
    module = tf.Module()
    module.held = [weight.value for weight in model.weights]
    size = model.input_shape[1:]

    def serve(pixels: Any) -> Any:  # noqa: ANN401 - a tensor
        if written is not None:
            tf.io.write_file(str(written), "")
        scale = 1 / 255 if dtype == "uint8" else 1.0
        return {"answer": model(tf.cast(pixels, tf.float32) * scale, training=False)}

    signature = [tf.TensorSpec((None, *size), dtype, "pixels")]
    module.serve = tf.function(serve, input_signature=signature)
    tf.saved_model.save(module, str(path), signatures=module.serve)


def _save_refused(folder: Path) -> None:
    library, layers = keras(), keras().layers
    mark = str(folder / "it-ran")

    # A nameless function travels as bytecode.
    mischief = layers.Lambda(
        lambda values: (open(mark, "w").close(), values)[1],  # noqa: PTH123 - no imports
        output_shape=(784,),
    )
    _sequence(layers.Flatten(), mischief).save(folder / "lambda.keras")
    Path(mark).unlink(missing_ok=True)

    class Strange(layers.Layer):  # type: ignore[misc] # the base is untyped
        def call(self, values: Any) -> Any:  # noqa: ANN401 - a tensor
            return values

    _sequence(layers.Flatten(), Strange()).save(folder / "custom.keras")
    broken = _sequence(layers.Flatten())
    broken.layers[-1].set_weights([np.full((784, 10), np.nan), np.zeros(10)])
    broken.save(folder / "not-numbers.keras")
    _save_served(broken, folder / "not-numbers.saved-model", "float32")
    fine = _sequence(layers.Flatten())
    _save_served(fine, folder / "writes.saved-model", "float32", written=Path(mark))
    larger = library.Sequential([layers.Input((32, 32)), layers.Flatten(), layers.Dense(10)])
    _save_served(larger, folder / "larger.saved-model", "float32")
    (folder / "damaged.saved-model").mkdir()
    (folder / "damaged.saved-model/saved_model.pb").write_bytes(b"I am no model.\n")


def main(data: Path, folder: Path) -> None:
    """Write all of them."""
    keras().utils.set_random_seed(0)
    for name, model in _networks().items():
        _fit(model, data)
        model.save(folder / f"{name}.keras")
        if name == "convolutional":
            _save_served(model, folder / "float.saved-model", "float32")
            _save_served(model, folder / "bytes.saved-model", "uint8")
        if name == "logits":
            _save_served(model, folder / "logits.saved-model", "float32")
    _save_refused(folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
