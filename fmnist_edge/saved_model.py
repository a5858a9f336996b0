"""Loading SavedModels, TensorFlow's own format: a folder that contains `saved_model.pb`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fmnist_edge.artifact import SAVED_MODEL_FILE, Artifact, TensorSpec
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.libraries.keras import EXTRA, tensorflow
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require
from fmnist_edge.temporary_files import temporary_files

_USUAL: Final = "serving_default"
# TensorFlow raises these for a damaged folder, besides its own exceptions.
_DAMAGES: Final = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError)
# Operators that run Python, or read and write files other than the model's own.
_REACHING_OUT: Final = frozenset(
    {"EagerPyFunc", "MatchingFiles", "PyFunc", "PyFuncStateless", "ReadFile", "WriteFile"}
)


@dataclass(frozen=True)
class Signature:
    """A signature of a SavedModel.

    Args:
        function: The traced function, which takes keyword arguments and returns tensors by name.
        inputs: The inputs, named like the arguments.
        outputs: The outputs, named like the returned tensors.
        held: The loaded model, which must stay alive for the function to work.
    """

    function: Any
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    held: Any


def load_signature(artifact: Artifact) -> Signature:
    """Load a SavedModel and find its signature `serving_default`, or its only one.

    The bytes that are loaded are those that were read and checked. A model without a manifest is
    loaded from its folder.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
        ModelUnreadableError: The model is damaged.
        ModelUnsupportedError: It contains operators that run Python or access files, or it has no
            signature.
        StorageError: The temporary folder is full or not writable.
    """
    _check_operators(artifact)
    if artifact.manifest is None and not artifact.companions:
        return _signature(artifact, artifact.path.parent)
    with temporary_files({SAVED_MODEL_FILE: artifact.payload, **artifact.companions}) as folder:
        return _signature(artifact, folder)


def _check_operators(artifact: Artifact) -> None:
    tensorflow()
    from_bytes = _proto().FromString
    damaged = require("google.protobuf.message", extra=EXTRA).DecodeError
    try:
        graphs = [each.graph_def for each in from_bytes(artifact.payload).meta_graphs]
    except damaged as error:
        raise _unreadable(artifact, "saved_model.pb has another format") from error
    bodies = [graph.node for graph in graphs]
    bodies += [each.node_def for graph in graphs for each in graph.library.function]
    found = {node.op for body in bodies for node in body} & _REACHING_OUT
    if not graphs:
        raise _unreadable(artifact, "saved_model.pb contains no graph")
    if found:
        raise ModelUnsupportedError(
            f"{artifact.path} runs code or touches files ({', '.join(sorted(found))}).",
            hint="Remove these operators and save the model again.",
        )


def _proto() -> Any:  # noqa: ANN401 - untyped
    return require("tensorflow.core.protobuf.saved_model_pb2", extra=EXTRA).SavedModel


def _signature(artifact: Artifact, folder: Path) -> Signature:
    tf = tensorflow()
    try:
        loaded = tf.saved_model.load(str(folder))
        signatures = dict(loaded.signatures)
    except (*_DAMAGES, tf.errors.OpError) as error:
        raise _unreadable(artifact, first_line(error)) from error
    function = signatures.get(_USUAL) or next(iter(signatures.values()), None)
    if function is None:
        raise ModelUnsupportedError(
            f"{artifact.path} has no signature that could be called.",
            hint="Save it again with signatures=..., or with Keras's model.export().",
        )
    inputs = function.structured_input_signature[1]
    outputs = function.structured_outputs
    return Signature(function, _specs(inputs), _specs(outputs), loaded)


def _specs(tensors: Any) -> Sequence[TensorSpec]:  # noqa: ANN401 - untyped
    return [
        TensorSpec(name, tuple(each.shape) if each.shape.rank else (), each.dtype.name)
        for name, each in tensors.items()
    ]


def _unreadable(artifact: Artifact, reason: str) -> ModelUnreadableError:
    return ModelUnreadableError(
        f"TensorFlow cannot load {artifact.path}: {reason}.",
        hint="Check that its folder is complete, or export it again.",
    )
