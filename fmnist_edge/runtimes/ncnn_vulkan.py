"""ncnn on GPUs: what it finds through Vulkan, and which layers it runs there.

Without a Vulkan loader or driver, ncnn computes on the CPU and says so on stderr alone.
"""

import re
from typing import Any, Final

from fmnist_edge.artifact import Artifact
from fmnist_edge.devices import Account, Provision, Unit
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.libraries.native_output import collect_native_output
from fmnist_edge.session import Opening, SessionOptions, unavailable

DEVICE: Final = "vulkan"
PROVISION: Final = Provision(
    system="a Vulkan loader and driver (on Debian libvulkan1 and mesa-vulkan-drivers)"
)
_FIRST: Final = 0  # the GPU that is used, in ncnn's order: GPUs of their own come first
_BYTES_PER_MEGABYTE: Final = 1 << 20
_FAILED: Final = re.compile(r"^(.*\bfailed\b.*)$", re.MULTILINE)


def check_gpu(ncnn: Any) -> None:  # noqa: ANN401 - untyped
    """Check that there is a GPU.

    Raises:
        DeviceUnavailableError: ncnn finds none.
    """
    with collect_native_output() as written:
        ncnn.create_gpu_instance()
        count = ncnn.get_gpu_count()
        failed = _FAILED.search(written())
    if not count:
        reason = "it finds no GPU" + (f" ({failed[1].strip()})" if failed else "")
        raise unavailable("ncnn", DEVICE, PROVISION, reason)


def use_gpu(net: Any) -> None:  # noqa: ANN401 - untyped
    """Have a net run on the GPU; to be called before it reads a model."""
    net.opt.use_vulkan_compute = True
    net.set_vulkan_device(_FIRST)


def check_layers(artifact: Artifact, net: Any, options: SessionOptions) -> None:  # noqa: ANN401 - untyped
    """Check that the GPU runs layers of a model, and strictly all of them.

    Raises:
        ModelUnsupportedError: It runs none, or strictly not all.
    """
    left = _left(net)
    if len(left) == len(net.layers()) or (left and options.opening is Opening.STRICT):
        raise ModelUnsupportedError(
            f"ncnn cannot run all of {artifact.path} on {DEVICE}: {', '.join(left)}.",
            hint="ncnn has no Vulkan code for these layers; use it on the CPU.",
        )


def account_of(ncnn: Any, net: Any, precision: str) -> Account:  # noqa: ANN401 - untyped
    """Return which layers of a net run on the GPU, as each layer tells."""
    layers = net.layers()
    if not net.opt.use_vulkan_compute:
        on_cpu = tuple(f"{each.name} ({each.type}) on CPU" for each in layers)
        return Account("use_vulkan_compute", None, len(layers), 0, on_cpu, precision)
    left = _left(net)
    taken = len(layers) - len(left)
    return Account("support_vulkan", _unit(ncnn), len(layers), taken, left, precision)


def _left(net: Any) -> tuple[str, ...]:  # noqa: ANN401 - untyped
    return tuple(
        f"{each.name} ({each.type}) on CPU" for each in net.layers() if not each.support_vulkan
    )


def _unit(ncnn: Any) -> Unit:  # noqa: ANN401 - untyped
    info = ncnn.get_gpu_info(_FIRST)
    version = info.api_version()
    # As VK_MAKE_API_VERSION packs it: docs.vulkan.org/spec/latest/chapters/extensions.html
    api = f"Vulkan {version >> 22 & 0x7F}.{version >> 12 & 0x3FF}.{version & 0xFFF}"
    megabytes = ncnn.get_gpu_device(_FIRST).get_heap_budget()
    return Unit(info.device_name(), "", api, megabytes * _BYTES_PER_MEGABYTE)
