"""Does an exported file compute what its parent computes?"""

from pathlib import Path

import numpy as np

from fmnist_edge.artifact import Parity
from fmnist_edge.errors import ParityError
from fmnist_edge.recipes import Recipe
from fmnist_edge.session import Scores

__all__ = ["check", "compare"]


def compare(expected: Scores, given: Scores, runtime: str) -> Parity:
    """Compare class scores image by image.

    Args:
        expected: float32[N,10] of the parent.
        given: float32[N,10] of the exported file.
        runtime: What executed the exported file.
    """
    same = expected.argmax(axis=1) == given.argmax(axis=1)
    # A score that is no number must not pass as "no difference".
    difference = np.nan_to_num(np.abs(expected - given), nan=np.inf)
    largest = float(min(difference.max(), np.finfo(np.float32).max))
    return Parity(runtime, len(expected), float(same.mean()), largest)


def check(path: Path, parity: Parity, recipe: Recipe) -> None:
    """Refuse a file that strays further than its precision explains.

    Raises:
        ParityError: it does.
    """
    if parity.agreement < recipe.min_agreement or parity.max_abs_difference > recipe.max_difference:
        raise ParityError(
            f"{path.name} gives {parity.agreement:.1%} of {parity.images:,} images the label of "
            f"its parent, and scores differ by up to {parity.max_abs_difference:.3g}; "
            f"{recipe.name} must reach {recipe.min_agreement:.1%} "
            f"within {recipe.max_difference:.3g}.",
            hint="Nothing was written. This is worth a bug report, with the model attached.",
        )
