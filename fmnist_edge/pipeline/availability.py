"""Which exports this machine can make, and which packages the others need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fmnist_edge.artifact import Format
from fmnist_edge.errors import MissingDependencyError
from fmnist_edge.exporters import ROUTES, not_convertible
from fmnist_edge.optional import install_command, installed
from fmnist_edge.recipes import Recipe


@dataclass(frozen=True)
class AvailableRecipes:
    """The recipes that this machine can make, and those that it cannot.

    Args:
        recipes: The recipes whose packages are installed.
        left_out: The names of the other recipes, by the extras that install what they need,
            with commas between them.
    """

    recipes: tuple[Recipe, ...]
    left_out: Mapping[str, tuple[str, ...]]


def available_recipes(recipes: Sequence[Recipe], source: Format) -> AvailableRecipes:
    """Return the recipes that this machine can make from a parent of the format `source`.

    Raises:
        MissingDependencyError: Each of the recipes needs a package that is not installed.
        UsageError: None of the recipes can start from this format.
    """
    known = [recipe for recipe in recipes if (source, recipe.name) in ROUTES]
    if not known:
        raise not_convertible(recipes, source)
    made: list[Recipe] = []
    left_out: dict[str, tuple[str, ...]] = {}
    for recipe in known:
        if extras := _lacking(recipe, source):
            left_out[extras] = (*left_out.get(extras, ()), recipe.name)
        else:
            made.append(recipe)
    if not made:
        extras = next(iter(left_out))
        raise MissingDependencyError(
            f"Nothing can be exported: the packages for {', '.join(left_out[extras])} are missing.",
            hint=f"Install them with: {install_command(*extras.split(','))}",
        )
    return AvailableRecipes(tuple(made), left_out)


def _lacking(recipe: Recipe, source: Format) -> str:
    """Return the missing extras, separated by commas; empty if none is missing."""
    needs = ROUTES[source, recipe.name].needs
    return ",".join(sorted({extra for package, extra in needs.items() if not installed(package)}))
