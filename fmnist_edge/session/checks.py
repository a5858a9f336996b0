"""Checks of models, batch sizes and devices before a session is opened."""

from collections.abc import Collection, Sequence
from typing import Final

from fmnist_edge.artifact import Artifact, TensorSpec
from fmnist_edge.devices import DEVICES, Provision
from fmnist_edge.errors import DeviceUnavailableError, ModelUnsupportedError
from fmnist_edge.session.contract import SessionOptions
from fmnist_edge.session.tensors import IMAGE_SHAPE, NUMBERS, holds_pixels

_CLASSES: Final = 10
_PIXELS: Final = 28 * 28
# An image without channel axis, a flat one, and one with the channel axis last or first.
_IMAGE_SHAPES: Final = (IMAGE_SHAPE, (_PIXELS,), (*IMAGE_SHAPE, 1), (1, *IMAGE_SHAPE))
_CLASSIFIERS_ONLY: Final = (
    "Only Fashion-MNIST classifiers (28x28 images in, 10 scores out) can be used."
)
_SHOWN_BY: Final = "What can be used here is shown by: fmnist-edge devices"
_ONE_OF_EACH: Final = "Only models with one input and one output can be used."


def single_pair(
    artifact: Artifact, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> tuple[TensorSpec, TensorSpec]:
    """Return the one input and the one output of a model.

    Raises:
        ModelUnsupportedError: The model has more or fewer of them, its input has no batch axis or
            another axis without fixed size, or one of them does not hold numbers.
    """
    _check_one_of_each(artifact, inputs, outputs, _ONE_OF_EACH)
    source, target = inputs[0], outputs[0]
    _check_numbers(artifact, "takes", source)
    _check_numbers(artifact, "gives", target)
    if not source.shape:
        raise ModelUnsupportedError(
            f"{artifact.path} takes a single number, not a batch of items.",
            hint="Export it again with the batch as the first axis of its input.",
        )
    if None in source.shape[1:]:
        raise ModelUnsupportedError(
            f"{artifact.path} leaves axis {source.shape.index(None, 1)} of its input open "
            f"({_shape(source.shape)}).",
            hint="Only the first axis, the batch, may be open; export it again with fixed sizes.",
        )
    return source, target


def check_classifier(
    artifact: Artifact, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> tuple[TensorSpec, TensorSpec]:
    """Return the input [N,28,28] and the output [N,10] of a classifier of Fashion-MNIST.

    Raises:
        ModelUnsupportedError: The model is of another kind.
    """
    _check_one_of_each(artifact, inputs, outputs, _CLASSIFIERS_ONLY)
    _check_shape(artifact, "takes", inputs[0], IMAGE_SHAPE)
    _check_shape(artifact, "gives", outputs[0], (_CLASSES,))
    return inputs[0], outputs[0]


def is_image_classifier(source: TensorSpec, target: TensorSpec) -> bool:
    """Return whether a model takes 28x28 pixels and returns ten scores.

    The pixels may be [N,28,28], flat [N,784], or have a channel axis: [N,28,28,1], [N,1,28,28].
    """
    is_image = source.shape[1:] in _IMAGE_SHAPES and holds_pixels(source)
    return is_image and target.shape[1:] == (_CLASSES,)


def check_batch(artifact: Artifact, source: TensorSpec, batch: int) -> None:
    """Check that a model of a fixed batch size is opened with that one.

    Raises:
        ModelUnsupportedError: The batch size of its input is another one.
    """
    if source.shape[0] not in {None, batch}:
        raise ModelUnsupportedError(
            f"{artifact.path} takes {source.shape[0]} images at once, not {batch}.",
            hint="Its batch size is fixed; measure it with that one.",
        )


def check_device(runtime: str, options: SessionOptions, devices: Collection[str]) -> None:
    """Check that a runtime has the device that is asked for.

    Args:
        runtime: Name of the runtime, for the error message.
        options: Options of the session.
        devices: The devices that the runtime has.

    Raises:
        DeviceUnavailableError: The options name another device, or one that this operating system
            does not have.
    """
    if options.device not in devices:
        raise DeviceUnavailableError(
            f"{runtime} does not run on {options.device}, but on {', '.join(devices)}.",
            hint=_SHOWN_BY,
        )
    if not DEVICES[options.device].exists_here:
        raise DeviceUnavailableError(
            f"{options.device} is for {DEVICES[options.device].title}, which this operating system "
            "does not have.",
            hint=_SHOWN_BY,
        )


def unavailable(
    runtime: str, device: str, provision: Provision, reason: str
) -> DeviceUnavailableError:
    """Return the error about a device that a runtime cannot use on this machine.

    Args:
        runtime: Name of the runtime, for the error message.
        device: The device.
        provision: What it needs.
        reason: The runtime's own, as part of a sentence.
    """
    needs = [f"the package {each}" for each in provision.packages]
    if provision.apart and needs:
        needs[-1] += ", in an environment of its own (fmnist-edge environment add)"
    if provision.system:
        needs.append(provision.system)
    return DeviceUnavailableError(
        f"{runtime} cannot use {device} here: {reason}.",
        hint=f"It needs {', and '.join(needs)}." if needs else _SHOWN_BY,
    )


def _check_one_of_each(
    artifact: Artifact, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], hint: str
) -> None:
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelUnsupportedError(
            f"{artifact.path} has {len(inputs)} inputs and {len(outputs)} outputs, "
            "not one of each.",
            hint=hint,
        )


def _check_numbers(artifact: Artifact, verb: str, spec: TensorSpec) -> None:
    if spec.dtype not in NUMBERS:
        raise ModelUnsupportedError(
            f"{artifact.path} {verb} {spec.dtype}, and only numbers of 8 to 64 bits can be used.",
            hint="Export it again with float32, or with integers.",
        )


def _check_shape(artifact: Artifact, verb: str, spec: TensorSpec, wanted: tuple[int, ...]) -> None:
    if spec.shape[1:] != wanted:
        raise ModelUnsupportedError(
            f"{artifact.path} {verb} {_shape(spec.shape)}, not {_shape((None, *wanted))}.",
            hint=_CLASSIFIERS_ONLY,
        )


def _shape(shape: tuple[int | None, ...]) -> str:
    return "[" + ",".join("N" if size is None else str(size) for size in shape) + "]"
