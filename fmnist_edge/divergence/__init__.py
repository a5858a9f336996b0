"""Where two answers to the same images part: rules about arrays, and the record.

`stages` holds what layers are to compute, `cuts` files that end one layer later, `bounds` what
rounding explains, `weights` and `arithmetic` how two layers are related, `cause` the rules about
layers, `pattern` those about scores alone, `changes` the images that get another label, `sides`
what made an answer, and `judge` the record of all of it.
"""

from fmnist_edge.divergence.cause import Chain, compare_chains
from fmnist_edge.divergence.changes import Answers
from fmnist_edge.divergence.judge import Compared, judge
from fmnist_edge.divergence.record import (
    SCHEMA_VERSION,
    Cause,
    Changed,
    Detail,
    Divergence,
    LayerDifference,
    Side,
)
from fmnist_edge.divergence.sides import known_of, side
from fmnist_edge.divergence.stages import Grid, Layer, Stage

__all__ = [
    "SCHEMA_VERSION",
    "Answers",
    "Cause",
    "Chain",
    "Changed",
    "Compared",
    "Detail",
    "Divergence",
    "Grid",
    "Layer",
    "LayerDifference",
    "Side",
    "Stage",
    "compare_chains",
    "judge",
    "known_of",
    "side",
]
