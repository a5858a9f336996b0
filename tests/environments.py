"""Runtimes that cannot be in the environment of the tests."""

import platform

# Older than the one that the tests are installed with.
OTHER_LITERT = "ai-edge-litert==2.1.6"
# ONNX Runtime with its provider for WebGPU, where there is a release for the processor.
WEBGPU = ("onnxruntime-webgpu==1.27.0",) if platform.machine() == "x86_64" else ()
