"""OpenVINO's plugins by device: what they are called, set to, need, and tell of a model.

The device is always named: OpenVINO's `AUTO` and `HETERO` choose among several, the CPU with them.
Properties: docs.openvino.ai, "Device properties", and the pages of the GPU and the NPU.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.artifact import Artifact
from fmnist_edge.devices import CPU, Account, Provision, Unit
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.libraries.openvino import openvino, plain_reason
from fmnist_edge.session import Opening, SessionOptions, unavailable

_NPU: Final = "openvino-npu"
CPU_PLUGIN: Final = "CPU"
_PLUGINS: Final = MappingProxyType({CPU: CPU_PLUGIN, "openvino-gpu": "GPU", _NPU: "NPU"})
DEVICES: Final[Mapping[str, Provision]] = MappingProxyType(
    {
        CPU: Provision(),
        "openvino-gpu": Provision(
            system="Intel's OpenCL driver (on Debian and Ubuntu intel-opencl-icd)"
        ),
        _NPU: Provision(system="Intel's NPU driver and Linux 6.6 or newer, or Windows 11"),
    }
)
# Nodes of a graph that compute nothing.
_NO_LAYERS: Final = frozenset(
    {"Const", "Constant", "Input", "Output", "Parameter", "Result", "input_layout", "data"}
)
_TYPES: Final = {"f16": "float16", "f32": "float32"}


def plugin_of(options: SessionOptions) -> str:
    """Return OpenVINO's name of the device that a session computes on."""
    return CPU_PLUGIN if options.opening is Opening.ON_CPU else _PLUGINS[options.device]


def check_available(artifact: Artifact, options: SessionOptions) -> None:
    """Check that the device is there, and computes in a type that is allowed.

    Raises:
        DeviceUnavailableError: OpenVINO cannot use it here.
        ModelUnsupportedError: It is the NPU, which has no float32.
    """
    plugin = plugin_of(options)
    if plugin == CPU_PLUGIN:
        return
    try:
        found = openvino().Core().get_property(plugin, "AVAILABLE_DEVICES")
        reason = "" if found else f"its plugin finds no {plugin}"
    except RuntimeError as error:
        reason = plain_reason(error)
    if reason:
        raise unavailable("OpenVINO", options.device, DEVICES[options.device], reason)
    if options.device == _NPU and not options.fast_math:
        raise ModelUnsupportedError(
            f"The NPU computes {artifact.path} in float16, which is not allowed by default.",
            hint="Allow it with: --fast-math",
        )


def settings_of(options: SessionOptions) -> Mapping[str, str | int]:
    """Return the properties that a model is compiled with."""
    told: dict[str, str | int] = {
        # Without this, it computes in bfloat16 on CPUs that support it, and in float16 on GPUs.
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    if plugin_of(options) == CPU_PLUGIN:
        return told | {"INFERENCE_NUM_THREADS": options.threads}
    if options.fast_math:
        told["INFERENCE_PRECISION_HINT"] = "f16"
    if options.kernel_cache is not None:
        told["CACHE_DIR"] = str(options.kernel_cache)
    return told


def is_on(executing: list[str], plugin: str) -> bool:
    """Return whether the property EXECUTION_DEVICES names this plugin alone, such as "GPU.0"."""
    return len(executing) == 1 and executing[0].partition(".")[0] == plugin


def account_of(model: Any, compiled: Any, options: SessionOptions) -> Account:  # noqa: ANN401 - untyped
    """Return the layers of a compiled model; a plugin runs all of them, or compiles nothing.

    Args:
        model: The model that was compiled.
        compiled: What it was compiled to.
        options: Options of the session.
    """
    layers, source = _layers(compiled.get_runtime_model()), "runtime model"
    if not layers:  # the NPU's is one piece
        layers, source = _layers(model), "EXECUTION_DEVICES"
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    plugin = plugin_of(options)
    is_on_cpu = plugin == CPU_PLUGIN
    return Account(
        source=source,
        unit=None if is_on_cpu else unit_of(openvino().Core(), plugin),
        operators=len(layers),
        on_device=0 if is_on_cpu else len(layers),
        elsewhere=tuple(f"{each} on {plugin}" for each in layers) if is_on_cpu else (),
        precision=_TYPES.get(precision, precision),
    )


def _layers(graph: Any) -> list[str]:  # noqa: ANN401 - untyped
    named = [(node.get_friendly_name(), _kind(node)) for node in graph.get_ordered_ops()]
    return [f"{name} ({kind})" for name, kind in named if kind not in _NO_LAYERS]


def _kind(node: Any) -> str:  # noqa: ANN401 - untyped
    told = node.get_rt_info()
    return str(told["layerType"].astype(str)) if "layerType" in told else node.get_type_name()


def unit_of(core: Any, plugin: str) -> Unit | None:  # noqa: ANN401 - untyped
    """Return the device as its plugin names it; what a plugin does not tell stays empty."""
    told = core.get_property(plugin, "SUPPORTED_PROPERTIES")
    if "FULL_DEVICE_NAME" not in told:
        return None
    memory, driver = f"{plugin}_DEVICE_TOTAL_MEM_SIZE", f"{plugin}_DRIVER_VERSION"
    return Unit(
        name=core.get_property(plugin, "FULL_DEVICE_NAME"),
        driver=str(core.get_property(plugin, driver)) if driver in told else "",
        api=f"OpenVINO {plugin}",
        memory_bytes=int(core.get_property(plugin, memory)) if memory in told else None,
    )
