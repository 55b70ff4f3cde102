"""The table of recipes: a new recipe is one file beside this one, a folder of templates, and one row here."""

from collections.abc import Mapping

from tanuki_jax.corpus.synthesis.recipe import Recipe
from tanuki_jax.corpus.synthesis.recipes.augment import Augment
from tanuki_jax.corpus.synthesis.recipes.by_rule import ByRule
from tanuki_jax.corpus.synthesis.recipes.coverage_gaps import CoverageGaps
from tanuki_jax.corpus.synthesis.recipes.fixed import Fixed
from tanuki_jax.corpus.synthesis.recipes.instruct import Instruct
from tanuki_jax.corpus.synthesis.recipes.judged import Judged
from tanuki_jax.corpus.synthesis.recipes.keyword import Keyword
from tanuki_jax.corpus.synthesis.recipes.logic_math_code import LogicMathCode
from tanuki_jax.corpus.synthesis.recipes.magpie import Magpie
from tanuki_jax.corpus.synthesis.recipes.pairs import Pairs
from tanuki_jax.corpus.synthesis.recipes.rag_qa import RagQa
from tanuki_jax.corpus.synthesis.recipes.reanswer import Reanswer
from tanuki_jax.corpus.synthesis.recipes.regenerate import Regenerate
from tanuki_jax.corpus.synthesis.recipes.short_answer import ShortAnswer
from tanuki_jax.corpus.synthesis.recipes.similar import Similar
from tanuki_jax.corpus.synthesis.recipes.translate import Translate
from tanuki_jax.corpus.synthesis.recipes.weakness import Weakness

RECIPES: Mapping[str, type[Recipe]] = {
    "augment": Augment,
    "by_rule": ByRule,
    "coverage": CoverageGaps,
    "fixed": Fixed,
    "instruct": Instruct,
    "judged": Judged,
    "keyword": Keyword,
    "logic_math_code": LogicMathCode,
    "magpie": Magpie,
    "pairs": Pairs,
    "rag_qa": RagQa,
    "reanswer": Reanswer,
    "regenerate": Regenerate,
    "short_answer": ShortAnswer,
    "similar": Similar,
    "translate": Translate,
    "weakness": Weakness,
}
"""Name -> recipe. Cards and records call a recipe by this name, and its templates lie in the folder of this name."""


def name_of(recipe: Recipe) -> str:
    """Return the name of a recipe; that of its class, if it has no row, as a recipe in a file of one's own."""
    return next((name for name, kind in RECIPES.items() if type(recipe) is kind), type(recipe).__name__)
