"""Where ONNX Runtime put the nodes of a graph: read from its own assignment, or from a profile."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fmnist_edge.libraries.onnxruntime import CPU

_KERNEL: Final = "_kernel_time"
# What ONNX Runtime adds to copy between devices is no operator of the model.
_COPIES: Final = frozenset({"MemcpyFromHost", "MemcpyToHost"})
_FLOATS: Final = {"float": "float32", "float16": "float16", "double": "float64"}


@dataclass(frozen=True)
class Node:
    """A node of the optimized graph.

    Args:
        name: Its name.
        kind: Its operator.
        provider: The execution provider that runs it.
        floats: The floating-point types of its outputs; empty where they are not told.
    """

    name: str
    kind: str
    provider: str
    floats: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Placement:
    """The nodes of a graph and who told of them."""

    source: str
    nodes: Sequence[Node]

    def on(self, provider: str) -> Sequence[Node]:
        """Return the nodes of a provider."""
        return [node for node in self.nodes if node.provider == provider]

    def beside(self, provider: str) -> Sequence[str]:
        """Return the other nodes, each as "name (kind) on provider"."""
        return [
            f"{node.name} ({node.kind}) on {node.provider}"
            for node in self.nodes
            if node.provider != provider
        ]


def read_assignment(subgraphs: Iterable[Any]) -> Placement | None:
    """Read what `get_provider_graph_assignment_info` returns.

    Returns:
        None where only nodes of the CPU are told, as by providers that compile nothing; then it
        does not show what the device runs.
    """
    nodes = [
        Node(node.name, node.op_type, subgraph.ep_name)
        for subgraph in subgraphs
        for node in subgraph.get_nodes()
    ]
    if all(node.provider == CPU for node in nodes):
        return None
    return Placement("graph assignment", nodes)


def read_profile(text: str) -> Placement:
    """Read the profile of a session that has run: one event for each node of each run."""
    events = [each for each in json.loads(text) if each.get("cat") == "Node"]
    nodes = {
        each["args"].get("node_index", each["name"]): _node(each)
        for each in events
        if each["name"].endswith(_KERNEL) and each["args"].get("op_name") not in _COPIES
    }
    return Placement("profile", list(nodes.values()))


def _node(event: Any) -> Node:  # noqa: ANN401 - JSON
    told = event["args"]
    types = {kind for output in told.get("output_type_shape", ()) for kind in output}
    return Node(
        event["name"].removesuffix(_KERNEL),
        told["op_name"],
        told.get("provider", ""),
        frozenset(_FLOATS[kind] for kind in types & _FLOATS.keys()),
    )
