"""The table of recipes: a new recipe is one file beside this one, a folder of templates, and one row here."""

from collections.abc import Mapping

from tanuki_jax.corpus.synthesis.recipe import Recipe
from tanuki_jax.corpus.synthesis.recipes.coverage_gaps import CoverageGaps

RECIPES: Mapping[str, type[Recipe]] = {
    "coverage": CoverageGaps,
}
"""Name -> recipe. Cards and records call a recipe by this name, and its templates lie in the folder of this name."""


def name_of(recipe: Recipe) -> str:
    """Return the name of a recipe; that of its class, if it has no row, as a recipe in a file of one's own."""
    return next((name for name, kind in RECIPES.items() if type(recipe) is kind), type(recipe).__name__)
