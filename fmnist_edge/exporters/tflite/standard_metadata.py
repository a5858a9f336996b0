"""TensorFlow Lite's standard metadata, which Netron and Android's tools read.

The flatbuffer has the schema `metadata_schema.fbs` of TensorFlow Lite Support, identifier `M001`.
It is the metadata entry `TFLITE_METADATA` of the model. The file of the labels that it names is
appended to the `.tflite` file as a ZIP archive, which readers of the flatbuffer ignore.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fmnist_edge.exporters.tflite.sharing import EXTRA, sharing_builder
from fmnist_edge.optional import require
from fmnist_edge.session import IMAGE_SHAPE, WHITE

ENTRY: Final = b"TFLITE_METADATA"

_IDENTIFIER: Final = b"M001"
_PARSER: Final = "1.0.0"
_LABELS_FILE: Final = "labels.txt"
# Members of the schema's enums and unions.
_AXIS_LABELS: Final = 2
_GRAYSCALE: Final = 2
_FEATURE, _IMAGE = 1, 2
_NORMALIZATION: Final = 1
# The first time that a ZIP archive can hold, so that equal files have equal bytes.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3


def standard_metadata(
    *, description: str, license_: str, scaled: bool, probabilities: bool
) -> bytes:
    """Return the flatbuffer of the entry `TFLITE_METADATA`.

    Args:
        description: One sentence about the model.
        license_: The licence of the model.
        scaled: Whether the real values of the input are pixels in 0..1, and not in 0..255.
        probabilities: Whether the scores are probabilities, and not logits.
    """
    writer = _Writer(sharing_builder())
    graph = writer.table(
        {
            2: writer.tables([_input(writer, scaled=scaled)]),
            3: writer.tables([_output(writer, probabilities=probabilities)]),
        }
    )
    model = writer.table(
        {
            0: writer.text("Fashion-MNIST classifier"),
            1: writer.text(description),
            3: writer.tables([graph]),
            5: writer.text(license_),
            7: writer.text(_PARSER),
        }
    )
    return writer.finished(model)


def with_labels(payload: bytes, labels: Sequence[str]) -> bytes:
    """Return a `.tflite` file with the labels appended as `labels.txt` in a ZIP archive.

    Args:
        payload: The file, whose standard metadata names `labels.txt`.
        labels: The names of the classes, in the order of the scores.
    """
    stream = io.BytesIO(payload)
    text = "".join(f"{label}\n" for label in labels)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo(_LABELS_FILE, _TIME)
        entry.create_system = _UNIX
        archive.writestr(entry, text)
    return stream.getvalue()


class _Writer:
    """Writes the tables of a schema by the numbers of their fields."""

    def __init__(self, builder: Any) -> None:  # noqa: ANN401 - untyped
        self._builder = builder
        self._types = require("flatbuffers.number_types", extra=EXTRA)

    def text(self, text: str) -> int:
        """Write a string and return its offset."""
        return int(self._builder.CreateString(text))

    def tables(self, offsets: Sequence[int]) -> int:
        """Write a vector of tables and return its offset."""
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):  # a builder works from the end to the beginning
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def numbers(self, *values: float) -> int:
        """Write a vector of float32 numbers and return its offset."""
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return int(self._builder.EndVector())

    def table(
        self,
        offsets: Mapping[int, int],
        *,
        codes: Mapping[int, int] | None = None,
        sizes: Mapping[int, int] | None = None,
    ) -> int:
        """Write a table and return its offset.

        Args:
            offsets: The offsets of strings, vectors and tables, by the numbers of their fields.
            codes: The members of enums and unions, uint8, by the numbers of their fields.
            sizes: The uint32 fields by their numbers.
        """
        small, large = codes or {}, sizes or {}
        self._builder.StartObject(max((*offsets, *small, *large), default=-1) + 1)
        for field, offset in offsets.items():
            self._builder.PrependUOffsetTRelativeSlot(field, offset, 0)
        for field, size in large.items():
            self._builder.PrependSlot(self._types.Uint32Flags, field, size, 0)
        for field, code in small.items():
            self._builder.PrependSlot(self._types.Uint8Flags, field, code, 0)
        return int(self._builder.EndObject())

    def finished(self, root: int) -> bytes:
        """Return the flatbuffer whose root is this table."""
        self._builder.Finish(root, file_identifier=_IDENTIFIER)
        return bytes(self._builder.Output())


def _input(writer: _Writer, *, scaled: bool) -> int:
    height, width = IMAGE_SHAPE
    size = writer.table({}, sizes={0: width, 1: height})
    image = writer.table({1: size}, codes={0: _GRAYSCALE})
    # (pixel - mean) / std, before the quantization of the tensor.
    options = writer.table(
        {0: writer.numbers(0.0), 1: writer.numbers(float(WHITE) if scaled else 1.0)}
    )
    return writer.table(
        {
            0: writer.text("image"),
            1: writer.text("Gray image; 0 is the background."),
            3: writer.table({1: image}, codes={0: _IMAGE}),
            4: writer.tables([writer.table({1: options}, codes={0: _NORMALIZATION})]),
            5: _range(writer, 1.0 if scaled else float(WHITE)),
        }
    )


def _output(writer: _Writer, *, probabilities: bool) -> int:
    file = writer.table(
        {0: writer.text(_LABELS_FILE), 1: writer.text("The names of the classes.")},
        codes={2: _AXIS_LABELS},
    )
    fields = {
        0: writer.text("scores"),
        1: writer.text(
            "Probabilities of the classes." if probabilities else "Logits of the classes."
        ),
        3: writer.table({1: writer.table({})}, codes={0: _FEATURE}),
        6: writer.tables([file]),
    }
    return writer.table({**fields, 5: _range(writer, 1.0)} if probabilities else fields)


def _range(writer: _Writer, largest: float) -> int:
    return writer.table({0: writer.numbers(largest), 1: writer.numbers(0.0)})
