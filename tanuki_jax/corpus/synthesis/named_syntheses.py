"""Named synthesis runs, and their fields as options of the command line: `--recipe.styles essay news`."""

import dataclasses
import json
from typing import Any

from tanuki_jax.config.command_line import Configs
from tanuki_jax.config.fields import fields_as_items, items_as_fields
from tanuki_jax.config.registry import Registry
from tanuki_jax.corpus.synthesis.filters.filter_table import FILTERS
from tanuki_jax.corpus.synthesis.filters.filter_table import name_of as name_of_filter
from tanuki_jax.corpus.synthesis.recipes.recipe_table import RECIPES, name_of
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis

synthesis = Registry("synthesis", Synthesis, folder="recipes", parts=(*RECIPES.values(), *FILTERS.values()))
"""The registry of synthesis runs: `@synthesis("name")` above a function of `configs/recipes/`."""


def to_plain(config: Synthesis) -> dict[str, Any]:
    """Return a synthesis run as JSON values."""
    plain = dataclasses.asdict(config)
    plain["recipe"] = {"name": name_of(config.recipe), **dataclasses.asdict(config.recipe)}  # type: ignore[call-overload]
    plain["filters"] = {name_of_filter(each): dataclasses.asdict(each) for each in config.filters}  # type: ignore[call-overload]
    return plain


def _tree(config: Synthesis) -> Any:
    return items_as_fields(config, {"filters": {name_of_filter(each): each for each in config.filters}}, ("recipe",))


SYNTHESES = Configs(
    registry=synthesis,
    noun="synthesis",
    tree=_tree,
    config=lambda tree: fields_as_items(tree, Synthesis, ("filters",)),
    show=lambda config: json.dumps(to_plain(config), indent=2, ensure_ascii=False) + "\n",
)
"""Synthesis runs as the command line sees them."""
