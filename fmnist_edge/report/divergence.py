"""Where two answers part, in a sentence and as tables."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from fmnist_edge.divergence import (
    Cause,
    Changed,
    Detail,
    Divergence,
    LayerDifference,
    Side,
)
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.numbers import MISSING, counted, percent, small
from fmnist_edge.result.naming import how, unusual

_CAUSES: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        "identical": "identical",
        "reordered-sums": "sums in another order",
        "rounding-tie": "rounding at a tie",
        "half-precision": "half precision",
        "quantization": "quantization",
        "saturation": "saturation",
        "inherited": "different inputs",
        "defect": "a defect",
        "undetermined": "undetermined",
    }
)
_EXPLAINED: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        "identical": "None of the values that were compared differs.",
        "reordered-sums": "The same sums were added in another order, and float32 rounds each of "
        "them differently; no difference is larger than that can make it.",
        "rounding-tie": "Values in the middle of two steps are rounded up by one and down by the "
        "other.",
        "half-precision": "One of the two stores weights in 16 bits or computes in them; no "
        "difference is larger than that can make it.",
        "quantization": "The two store weights or values in different steps.",
        "saturation": "Values were clipped at the end of a range in one and not in the other.",
        "inherited": "The layer computes the same from different inputs.",
        "defect": "Rounding does not explain this.",
        "undetermined": "The scores alone do not tell.",
    }
)
_DETAILS: Final[Mapping[Detail, str]] = MappingProxyType(
    {
        "weights": "the weights of the two differ by more than quantization or 16 bits explain",
        "permuted": "the classes or units of B are those of A in another order",
        "arithmetic-a": "A does not give what its own file says",
        "arithmetic-b": "B does not give what its own file says",
        "arithmetic-both": "neither gives what its own file says",
        "layers": "the two have other layers, so that they are different networks",
    }
)
_UNREAD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "answers": "the files hold answers, and not the models",
        "chain": "one of the files is no chain of dense layers",
        "format": "layers are read from TFLite, ONNX and npz files",
        "images": "layers are read for images of 28x28 bytes",
        "package": "a package that reads one of the files is not installed (onnx for ONNX, LiteRT "
        "for TFLite)",
        "run": "a runtime cannot run a file that ends at a layer",
    }
)


def headings(divergence: Divergence) -> tuple[str, str]:
    """What A and B are: a line each."""
    return f"A: {_named(divergence.a)}", f"B: {_named(divergence.b)}"


def _named(side: Side) -> str:
    case = side.case
    runner = how(case, unusual(case)).replace(
        case.runtime, f"{case.runtime} {side.runtime_version}"
    )
    machine = f"{side.architecture}, {side.cpu}"
    if side.emulator:
        machine = f"{side.architecture}, emulated by {side.emulator} on {side.cpu}"
    return f"{case.subject.name} on {runner} ({machine})"


def summary(divergence: Divergence) -> str:
    """The whole in one sentence."""
    images = f"{divergence.changed:,} of {counted(divergence.images, 'image')}"
    verb = "changes" if divergence.changed == 1 else "change"
    return (
        "; ".join(
            [
                f"{images} {verb} label",
                f"scores move by at most {small(divergence.max_abs)}",
                _first(divergence),
                f"cause: {cause(divergence.cause)}",
            ]
        )
        + "."
    )


def _first(divergence: Divergence) -> str:
    if divergence.first is None:
        return (
            "no layer differs by more than rounding in float32"
            if divergence.layers
            else "layers not compared"
        )
    layer = divergence.layers[divergence.first]
    values = layer.units * divergence.images
    return (
        f"first differing layer: {layer.name_a} ({layer.differing:,} of {values:,} values, by at "
        f"most {_size(layer)})"
    )


def _size(layer: LayerDifference) -> str:
    steps = layer.max_steps
    if steps is None:
        return small(layer.max_abs)
    return counted(round(steps), "step") if steps >= 1 else f"{small(steps)} steps"


def cause(code: Cause) -> str:
    """Return a class of cause in words."""
    return _CAUSES[code]


def remarks(divergence: Divergence) -> Iterator[str]:
    """Yield what the cause means, accuracies, and why layers are missing."""
    text = _EXPLAINED[divergence.cause]
    if detail := _DETAILS.get(divergence.detail):
        text = f"{text.rstrip('.')}: {detail}."
    yield text
    if divergence.first is not None:
        layer = divergence.layers[divergence.first]
        if layer.tie_distance is not None:
            yield (
                f"The exact values of these are at most {small(layer.tie_distance)} steps from the "
                "middle of two steps."
            )
        if layer.clipped:
            values = counted(layer.clipped, "value")
            yield f"{values} of this layer {'is' if layer.clipped == 1 else 'are'} clipped."
    if divergence.correct_a is not None and divergence.correct_b is not None:
        yield f"A labels {divergence.correct_a:,} images right, and B {divergence.correct_b:,}."
    if divergence.unread:
        yield (
            f"Layers could not be compared ({_UNREAD[divergence.unread]}), so that the cause is "
            "told by the pattern of the scores alone."
        )


def changes_table(divergence: Divergence) -> Table:
    """A row per image that changed its label, the widest margins first."""
    columns = (
        Column[Changed]("image", lambda each: str(each.index)),
        Column[Changed]("true", lambda each: each.true_label or MISSING, numeric=False),
        Column[Changed]("A", lambda each: each.label_a, numeric=False),
        Column[Changed]("score A %", lambda each: percent(each.score_a)),
        Column[Changed]("margin A %", lambda each: percent(each.margin_a)),
        Column[Changed]("B", lambda each: each.label_b, numeric=False),
        Column[Changed]("score B %", lambda each: percent(each.score_b)),
        Column[Changed]("margin B %", lambda each: percent(each.margin_b)),
    )
    rest = divergence.changed - len(divergence.changes)
    table = tabulate(columns, divergence.changes, spare=("margin B %", "margin A %"))
    note = f"{rest:,} more {'is' if rest == 1 else 'are'} not shown." if rest else ""
    return Table(table.headers, table.rows, table.numeric, table.spare, note)


def layers_table(layers: Sequence[LayerDifference]) -> Table:
    """A row per layer, first to last."""
    columns = (
        Column[LayerDifference]("layer", lambda each: each.name_a, numeric=False),
        Column[LayerDifference]("units", lambda each: f"{each.units:,}"),
        Column[LayerDifference]("differing", lambda each: f"{each.differing:,}"),
        Column[LayerDifference]("beyond float32", lambda each: f"{each.beyond:,}"),
        Column[LayerDifference]("largest", lambda each: small(each.max_abs)),
        Column[LayerDifference](
            "in steps",
            lambda each: MISSING if each.max_steps is None else small(each.max_steps),
        ),
        Column[LayerDifference]("clipped", lambda each: f"{each.clipped:,}"),
        Column[LayerDifference]("cause", _cause_cell, numeric=False),
    )
    return tabulate(columns, layers, spare=("clipped", "units"))


def _cause_cell(layer: LayerDifference) -> str:
    return f"{cause(layer.cause)} ({layer.detail})" if layer.detail else cause(layer.cause)
