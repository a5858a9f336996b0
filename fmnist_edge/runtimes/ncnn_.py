"""ncnn: `.param` files with their `.bin`, on the CPU, and on GPUs through Vulkan (`ncnn_vulkan`).

A file is read here first (`fmnist_edge.ncnn_file`), because ncnn declares no shapes and trusts what
it reads; it is then given the graph that was understood, in place of the text of the file.
"""

from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.devices import CPU, Account, Provision
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.ncnn_file import Network, param_text, read_network
from fmnist_edge.optional import require
from fmnist_edge.runtimes import ncnn_vulkan
from fmnist_edge.runtimes.weights_file import weights_of
from fmnist_edge.session import (
    IMAGE_SHAPE,
    DefaultUse,
    Opening,
    PlainSession,
    SessionOptions,
    check_device,
)

FORMATS = frozenset({Format.NCNN})
PACKAGE = "ncnn"
EXTRA = "ncnn"
DEVICES: Mapping[str, Provision] = MappingProxyType(
    {CPU: Provision(), ncnn_vulkan.DEVICE: ncnn_vulkan.PROVISION}
)
READS_MODEL = True
DEFAULT_USE = DefaultUse.ALWAYS

# Whatever lets ncnn compute in 16 bits where a processor can.
_REDUCED: Final = (
    "use_bf16_packed",
    "use_bf16_storage",
    "use_fp16_arithmetic",
    "use_fp16_packed",
    "use_fp16_storage",
)


def load_library() -> str:
    """Import ncnn and return its version."""
    return str(_ncnn().__version__)


def _ncnn() -> Any:  # noqa: ANN401 - untyped
    return require(PACKAGE, extra=EXTRA)


class _Session(PlainSession):
    def __init__(self, artifact: Artifact, network: Network, net: Any, batch: int) -> None:  # noqa: ANN401 - untyped
        first, last = network.products[0], network.products[-1]
        width = first.inputs * network.pool**2
        shape = IMAGE_SHAPE if width == prod(IMAGE_SHAPE) else (width,)
        source = TensorSpec(network.source, (None, *shape), "float32")
        super().__init__(source, TensorSpec(network.target, (None, last.units), "float32"), batch)
        # Of the shorter type that it uses where it may, ncnn does not tell.
        precision = "" if any(getattr(net.opt, each) for each in _REDUCED) else "float32"
        self.used: Mapping[str, str] = {
            "threads": str(net.opt.num_threads),
            **({"precision": precision} if precision else {}),
            "device": ncnn_vulkan.DEVICE if net.opt.use_vulkan_compute else CPU,
        }
        self._artifact: Final = artifact
        # Bound once, because making a Mat of an array takes 10 us inside ncnn. An image is
        # a channel of the Mat in front of a pool, and otherwise a row.
        self._given: Final = np.zeros((batch, *shape), np.float32)
        self._source: Final = _ncnn().Mat(
            self._given if network.pool > 1 else self._given.reshape(batch, width)
        )
        (self._first,), (self._last,) = net.input_indexes(), net.output_indexes()
        # It keeps the net. An extractor holds what it computed, so that each call needs a new one.
        self._extractor: Final = net.create_extractor

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        np.copyto(self._given, tensor, casting="no")
        extractor = self._extractor()
        extractor.input(self._first, self._source)
        failed, scores = extractor.extract(self._last)
        if failed:
            raise ModelUnsupportedError(
                f"ncnn cannot run {self._artifact.path} on {self.batch} images (code {failed}).",
                hint="Try a smaller batch, or update ncnn.",
            )
        return np.asarray(scores)


class _VulkanSession(_Session):
    def __init__(self, artifact: Artifact, network: Network, net: Any, batch: int) -> None:  # noqa: ANN401 - untyped
        super().__init__(artifact, network, net, batch)
        self._net: Final = net

    def account(self) -> Account:
        return ncnn_vulkan.account_of(_ncnn(), self._net, self.used.get("precision", ""))


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Open a `.param` file with the `.bin` beside it, with arithmetic in float32."""
    check_device("ncnn", options, DEVICES)
    on_gpu = options.device != CPU and options.opening is not Opening.ON_CPU
    if on_gpu:
        ncnn_vulkan.check_gpu(_ncnn())
    weights = weights_of(artifact)
    network = read_network(artifact, weights)
    net = _ncnn().Net()
    _configure(net.opt, options)
    if on_gpu:
        ncnn_vulkan.use_gpu(net)
    failed = net.load_param_mem(param_text(network, weights))
    if failed:
        raise ModelUnreadableError(
            f"ncnn cannot open {artifact.path} (code {failed}).",
            hint="Export it again, or update ncnn.",
        )
    net.load_model_mem(weights)
    if on_gpu:
        ncnn_vulkan.check_layers(artifact, net, options)
    kind = _Session if options.device == CPU else _VulkanSession
    return kind(artifact, network, net, options.batch)


def _configure(settings: Any, options: SessionOptions) -> None:  # noqa: ANN401 - untyped
    settings.num_threads = options.threads
    settings.use_vulkan_compute = False
    if options.device == CPU or not options.fast_math:
        for each in _REDUCED:
            setattr(settings, each, False)
