"""Config of a synthesis run: the recipe, what it reads, who writes, and what is dropped."""

import dataclasses
import re
from typing import Annotated

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.limits import (
    Limits,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    Seed,
    check_fields,
    check_tuples,
)
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.synthesis.filters.filter_table import FILTERS
from tanuki_jax.corpus.synthesis.made import Filter
from tanuki_jax.corpus.synthesis.recipe import Recipe
from tanuki_jax.corpus.synthesis.recipes.recipe_table import RECIPES

COUNT = 1_000
"""Number of items where there is no input and no other number is named."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Synthesis:
    """Everything that determines the records of a synthesis run."""

    name: str
    """Name of the run; its folder is synthetic/NAME unless the command says otherwise."""
    recipe: Recipe
    """Recipe by which records are made."""
    inputs: tuple[str, ...] = ()
    """Files or globs of the records that the recipe works on: JSON lines (also .gz or .zst), Parquet."""
    text_field: str = "text"
    """Field of the inputs that holds the text of documents."""
    count: NonNegativeInt = 0
    """Number of input records to use, the first ones; 0: all. Without inputs: number of items; 0: 1,000."""
    times: PositiveInt = 1
    """Number of items made of each input record, each with random choices of its own."""
    teacher: RemoteModel = dataclasses.field(default_factory=RemoteModel)
    """Model that writes."""
    judge: RemoteModel = dataclasses.field(default_factory=RemoteModel)
    """Model that judges, for recipes with a judge; without an address the teacher does."""
    requests: Requests = dataclasses.field(default_factory=Requests)
    """Limits of time and of failures."""
    filters: tuple[Filter, ...] = ()
    """Filters, in the order in which they judge a record."""
    duplicates: Duplicates | None = None
    """Search for near copies among the records; None: there is none."""
    seed: Seed = 0
    """Seed of all random choices, and of the teacher's."""
    max_cost: NonNegativeFloat = 0.0
    """Cost, in the unit of the prices, at which the run stops; 0: no limit."""
    gate_items: NonNegativeInt = 200
    """Number of finished items of each task after which the share of dropped ones is judged; 0: never."""
    gate_share: Annotated[float, Limits(at_least=0, at_most=1)] = 0.8
    """Share of dropped items among the first --gate-items of a task above which the run stops."""
    kind: str = ""
    """Description of the records in a few words, for the dataset card and the registry."""
    language: str = ""
    """Language of the records, for the registry: ja, en, code, or ja+en; empty: that of the recipe, or ja."""
    licence: str = ""
    """Licence of the inputs, for the dataset card."""
    part_items: PositiveInt = 10_000
    """Number of items that one task makes of nothing."""
    part_bytes: PositiveInt = 8 << 20
    """Bytes of the input, as it is stored, that one task works on. A file that cannot be cut is one task."""

    def __post_init__(self) -> None:
        if type(self.recipe) not in RECIPES.values() and type(self.recipe).__module__.startswith("tanuki_jax."):
            raise InputError(f"recipe is {self.recipe!r:.80}, which has no row in recipes/recipe_table.py")
        if not isinstance(self.recipe, Recipe) or not dataclasses.is_dataclass(self.recipe):
            raise InputError(f"recipe is {self.recipe!r:.80}, and must be a recipe, such as RagQa()")
        check_tuples(self)
        for index, each in enumerate(self.filters):
            if type(each) not in FILTERS.values():
                raise InputError(f"filters[{index}] is {each!r:.80}, and must be a filter of filters/filter_table.py")
        kinds = [type(each) for each in self.filters]
        if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
            raise InputError(f"filters has two of the kind {twice.__name__}: each kind may be there once")
        check_fields(self)
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise InputError(f"name is {self.name!r:.80}, and must consist of letters, digits, _, - and .")
        if not self.judge.urls and self.judge != RemoteModel():
            raise InputError("the judge has settings and no address: give it by --judge.urls, or leave them out")
        if self.max_cost and not any(
            price for each in (self.teacher, self.judge) for price in (each.input_price, each.output_price)
        ):
            raise InputError("max_cost needs prices: give --teacher.input-price and --teacher.output-price")
        if self.inputs and self.recipe.reads == "nothing":
            raise InputError(f"the recipe {type(self.recipe).__name__} reads no inputs: leave them out")

    @property
    def language_of_records(self) -> str:
        """Return the language of the records for the registry."""
        of_recipe = getattr(self.recipe, "language", "ja")
        return self.language or (of_recipe if of_recipe in ("ja", "en") else "ja+en")
