"""ONNX Runtime's execution providers by device: what each is called, set to and installed by.

The options are those of the providers' pages at onnxruntime.ai/docs/execution-providers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fmnist_edge.devices import CPU, Provision
from fmnist_edge.session import SessionOptions


def _nothing(_options: SessionOptions) -> Mapping[str, str]:
    return {}


def _flag(choice: bool) -> str:  # noqa: FBT001 - what it turns into text
    return str(int(choice))


def _cuda(options: SessionOptions) -> Mapping[str, str]:
    # TF32, which is on by default, multiplies float32 with 10 bits behind the point.
    return {"use_tf32": _flag(options.fast_math)}


def _tensorrt(options: SessionOptions) -> Mapping[str, str]:
    told = {"trt_fp16_enable": _flag(options.fast_math)}
    if options.kernel_cache is not None:
        told["trt_engine_cache_enable"] = "1"
        told["trt_engine_cache_path"] = str(options.kernel_cache)
    return told


def _coreml(options: SessionOptions) -> Mapping[str, str]:
    told = {
        "ModelFormat": "MLProgram",
        # The Neural Engine computes in float16 only.
        "MLComputeUnits": "ALL" if options.fast_math else "CPUAndGPU",
        "AllowLowPrecisionAccumulationOnGPU": _flag(options.fast_math),
    }
    if options.kernel_cache is not None:
        told["ModelCacheDirectory"] = str(options.kernel_cache)
    return told


def _qnn(options: SessionOptions) -> Mapping[str, str]:
    return {"backend_type": "htp", "enable_htp_fp16_precision": _flag(options.fast_math)}


@dataclass(frozen=True)
class Provider:
    """An execution provider.

    Args:
        name: Its name.
        provision: What brings it.
        options: Its options for those of a session.
        plug_in: Import name of the package that brings it to the usual ONNX Runtime; empty where
            there is none.
        besides: Name and device of a provider that takes what this one leaves, before the CPU does.
        memory: What ONNX Runtime calls the memory of the device, where a copy to it and the end of
            a computation can be awaited; empty otherwise.
        in_order: Whether the session must compute in order and without patterns of memory.
        is_type_told: Whether the profile tells the types that it computes in.
        has_no_option_for_tf32: Whether only the environment keeps it from TF32.
    """

    name: str
    provision: Provision
    options: Callable[[SessionOptions], Mapping[str, str]] = _nothing
    plug_in: str = ""
    besides: str = ""
    memory: str = ""
    in_order: bool = False
    is_type_told: bool = False
    has_no_option_for_tf32: bool = False


_GPU: Final = ("onnxruntime-gpu",)

PROVIDERS: Final = MappingProxyType(
    {
        "cuda": Provider(
            "CUDAExecutionProvider",
            Provision(_GPU, apart=True, system="NVIDIA's driver with CUDA and cuDNN"),
            _cuda,
            memory="cuda",
            is_type_told=True,
        ),
        "tensorrt": Provider(
            "TensorrtExecutionProvider",
            Provision(_GPU, apart=True, system="NVIDIA's driver with CUDA, cuDNN and TensorRT"),
            _tensorrt,
            besides="cuda",
            memory="cuda",
            has_no_option_for_tf32=True,
        ),
        "webgpu": Provider(
            "WebGpuExecutionProvider",
            Provision(
                ("onnxruntime-webgpu",),
                apart=True,
                system="on Linux a Vulkan loader and driver (Debian's libvulkan1 and "
                "mesa-vulkan-drivers)",
            ),
            plug_in="onnxruntime_ep_webgpu",
            is_type_told=True,
        ),
        "coreml": Provider("CoreMLExecutionProvider", Provision(), _coreml),
        "directml": Provider(
            "DmlExecutionProvider",
            Provision(("onnxruntime-directml",), apart=True),
            memory="dml",
            in_order=True,
        ),
        "qnn": Provider(
            "QNNExecutionProvider",
            Provision(("onnxruntime-qnn",)),
            _qnn,
            plug_in="onnxruntime_qnn",
        ),
    }
)
DEVICES: Final[Mapping[str, Provision]] = MappingProxyType(
    {CPU: Provision(), **{device: each.provision for device, each in PROVIDERS.items()}}
)
