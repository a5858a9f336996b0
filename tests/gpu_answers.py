"""What LiteRT answers on the CPU and on the GPU: `python tests/gpu_answers.py FILE`.

It runs as a process of its own, because only that finds the GPU. Its last line is JSON: `cpu` and
`gpu` with the scores of the same image, and `everything` with whether all of the model ran on the
GPU.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.optional import require
from fmnist_edge.runtimes.litert import EXTRA

_COMPILED = require("ai_edge_litert.compiled_model", extra=EXTRA)
_HARDWARE = require("ai_edge_litert.hardware_accelerator", extra=EXTRA)
_OPTIONS = require("ai_edge_litert.options", extra=EXTRA)


def _answer(model: Any, image: NDArray[np.float32]) -> list[float]:  # noqa: ANN401
    (given,), (taken,) = model.create_input_buffers(0), model.create_output_buffers(0)
    given.write(image)
    model.run_by_index(0, [given], [taken])
    (signature,) = model.get_signature_list()
    (output,) = model.get_output_tensor_details(signature).values()
    scores: list[float] = taken.read(int(np.prod(output["shape"])), np.float32).tolist()
    return scores


def main(file: Path) -> None:
    """Answer for one image of noise."""
    image = np.random.default_rng(0).random((1, 28, 28), np.float32)
    told: dict[str, object] = {}
    for name in ("CPU", "GPU"):
        options = _OPTIONS.Options.create()
        options.hardware_accelerators = getattr(_HARDWARE.HardwareAccelerator, name)
        options.gpu_options.enforce_f32 = True  # halves are what it takes otherwise
        model = _COMPILED.CompiledModel.from_buffer(file.read_bytes(), options=options)
        told[name.lower()] = _answer(model, image)
        told["everything"] = model.is_fully_accelerated()
    print(json.dumps(told))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
