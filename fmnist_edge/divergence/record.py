"""The record of where two answers to the same images part, by how much, and from which cause."""

from collections.abc import Mapping
from typing import Final, Literal

from fmnist_edge.records import Record
from fmnist_edge.result import Case

SCHEMA_VERSION: Final = 1  # 1: first

Cause = Literal[
    "identical",
    "reordered-sums",
    "rounding-tie",
    "half-precision",
    "quantization",
    "saturation",
    "inherited",
    "defect",
    "undetermined",
]
Detail = Literal[
    "",
    "weights",
    "permuted",
    "arithmetic-a",
    "arithmetic-b",
    "arithmetic-both",
    "layers",
]


class Side(Record):
    """One of the two that are compared.

    Args:
        case: The file, by its name without folders, the runtime and its options.
        runtime_version: Version of the runtime's library.
        used: What the runtime reports to have used.
        architecture: Of the processor, such as "x86_64".
        cpu: The processor by name.
        emulator: What imitates a processor of that architecture; empty where it is a real one.
    """

    case: Case
    runtime_version: str
    used: Mapping[str, str]
    architecture: str
    cpu: str
    emulator: str


class Changed(Record):
    """An image that got another label.

    Args:
        index: Number of the image, counted from 0.
        true_label: Name of the true class; None where it is not known.
        label_a: Name of the class that A gave.
        label_b: Name of the class that B gave.
        score_a: A's probability of `label_a`.
        score_b: B's probability of `label_b`.
        margin_a: Difference of A's two largest probabilities; None where only one is known.
        margin_b: That of B.
    """

    index: int
    true_label: str | None
    label_a: str
    label_b: str
    score_a: float
    score_b: float
    margin_a: float | None
    margin_b: float | None


class LayerDifference(Record):
    """What differs in the outputs of one layer.

    Args:
        name_a: Name of the layer in A.
        name_b: Name of the layer in B.
        units: Outputs per image.
        differing: Of all outputs of all images, those that differ by any bit.
        beyond: Of these, those that rounding in float32 does not explain.
        max_abs: The largest difference, in real values.
        step: The quantization step of the output, the smaller one of the two; None of floats.
        rounding_share: The largest difference over what rounding in float32 can cause; None where
            that is not known.
        tie_distance: Where A and B are one step apart: how far the exact value is at most from the
            middle of two steps, in steps. None where no value is.
        clipped: Outputs that are clipped at the end of the range of one and not of the other.
        cause: Why the outputs differ, beyond what their inputs explain.
        detail: What kind of defect.
    """

    name_a: str
    name_b: str
    units: int
    differing: int
    beyond: int
    max_abs: float
    step: float | None
    rounding_share: float | None
    tie_distance: float | None
    clipped: int
    cause: Cause
    detail: Detail = ""

    @property
    def max_steps(self) -> float | None:
        """The largest difference in steps; None of floats."""
        return None if self.step is None else self.max_abs / self.step


class Divergence(Record):
    """What differs between the answers of A and of B to the same images.

    Args:
        created: When, ISO 8601, UTC.
        version: Of fmnist-edge.
        a: The first.
        b: The second.
        source: "fashion-mnist" for its test images, else the name of a file.
        images: How many images both answered.
        changed: How many of them got another label.
        changes: Those with the widest margins, at most as many as were asked for.
        correct_a: Images that A labels right; None where the true labels are not known.
        correct_b: Images that B labels right.
        scores: "all" where all probabilities were compared, "top" where only the largest one of
            each image is known.
        differing: Images with any score that differs.
        max_abs: The largest difference of any probability; of "top", on images of equal labels.
        mean_abs: The mean difference over all scores that were compared.
        layers: The layers, first to last; empty where they could not be read.
        unread: Why layers could not be read: a code of `report.divergence`; empty where they were.
        first: Index in `layers` of the first that differs by more than rounding in float32.
        cause: The class of the cause.
        detail: What kind of defect.
        basis: What the class rests on: "layers" or "scores".
    """

    created: str
    version: str
    a: Side
    b: Side
    source: str
    images: int
    changed: int
    changes: tuple[Changed, ...]
    correct_a: int | None
    correct_b: int | None
    scores: Literal["all", "top"]
    differing: int
    max_abs: float
    mean_abs: float
    layers: tuple[LayerDifference, ...]
    unread: str
    first: int | None
    cause: Cause
    detail: Detail
    basis: Literal["layers", "scores"]
    kind: Literal["fmnist-edge divergence"] = "fmnist-edge divergence"
    schema_version: int = SCHEMA_VERSION
