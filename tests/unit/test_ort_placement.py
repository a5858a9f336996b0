"""What ONNX Runtime tells of its nodes is read as it is told."""

import json
from dataclasses import dataclass
from typing import Any

from fmnist_edge.runtimes.ort_placement import read_assignment, read_profile

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@dataclass(frozen=True)
class AssignedNode:
    name: str
    op_type: str


@dataclass(frozen=True)
class Subgraph:
    """As `OrtEpAssignedSubgraph` of ONNX Runtime 1.27."""

    ep_name: str
    nodes: tuple[AssignedNode, ...]

    def get_nodes(self) -> tuple[AssignedNode, ...]:
        return self.nodes


def _event(name: str, kind: str, provider: str, index: int, types: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    """An event as ONNX Runtime 1.27 writes it, without what is not read."""
    outputs = [{each: [1, 10]} for each in types]
    args = {"op_name": kind, "provider": provider, "node_index": str(index)}
    return {
        "cat": "Node",
        "name": f"{name}_kernel_time",
        "args": {**args, "output_type_shape": outputs},
    }


def test_an_assignment_to_a_device_is_believed() -> None:
    cast = Subgraph(CPU, (AssignedNode("cast_0", "Cast"),))
    rest = Subgraph(CUDA, (AssignedNode("gemm_0", "Gemm"), AssignedNode("softmax", "Softmax")))
    placement = read_assignment([cast, rest])
    assert placement is not None
    assert len(placement.on(CUDA)) == 2
    assert placement.beside(CUDA) == [f"cast_0 (Cast) on {CPU}"]


def test_an_assignment_of_the_cpu_alone_tells_nothing_of_the_device() -> None:
    assert read_assignment([Subgraph(CPU, (AssignedNode("cast_0", "Cast"),))]) is None
    assert read_assignment([]) is None


def test_a_profile_counts_a_node_once_and_copies_not_at_all() -> None:
    events = [
        {"cat": "Session", "name": "model_loading_array", "args": {}},
        _event("cast_0", "Cast", CPU, 0, ("float",)),
        _event("Memcpy", "MemcpyFromHost", CUDA, 8, ("float",)),
        *[_event("gemm_0", "Gemm", CUDA, 1, ("float16",)) for _ in range(3)],
        _event("softmax", "Softmax", CUDA, 2, ("float", "int64")),
    ]
    placement = read_profile(json.dumps(events))
    assert [node.name for node in placement.nodes] == ["cast_0", "gemm_0", "softmax"]
    assert placement.beside(CUDA) == [f"cast_0 (Cast) on {CPU}"]
    assert [sorted(node.floats) for node in placement.on(CUDA)] == [["float16"], ["float32"]]
