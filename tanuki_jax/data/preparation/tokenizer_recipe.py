"""Recipe of a trained tokenizer, kept beside it, so that another one is noticed the next time."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.json_object import read_object
from tanuki_jax.config import experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.tokenizer_sample import shares

RECIPE = "recipe.json"


def recipe_of(
    config: experiment.Tokenizer, mixture: Mixture, inventories: Sequence[Inventory]
) -> dict[str, Mapping[str, Any]]:
    """Return everything that a trained tokenizer depends on: its settings, and share, field and size of each source
    that is trained on."""
    share = shares(mixture)
    settings = {"pieces": config.pieces, "sample_bytes": config.sample_bytes, "mecab": config.mecab}
    sources = {
        inventory.name: {
            "share": round(share[inventory.name], 6),
            "text_field": inventory.source.text_field,
            "files": len(inventory.inputs),
            "bytes": sum(entry.bytes for entry in inventory.inputs),
        }
        for inventory in inventories
        if share[inventory.name]
    }
    return {"settings": settings, **{f"source {name}": entry for name, entry in sources.items()}}


def write_recipe(tokenizer: Path, recipe: Mapping[str, Any]) -> None:
    """Write the recipe into the folder of a tokenizer that was trained by it."""
    replace_text(tokenizer / RECIPE, json.dumps(recipe, ensure_ascii=False, indent=2) + "\n")


def recipe_change(tokenizer: Path, recipe: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the first difference between a recipe and that of an existing tokenizer.

    Empty: there is none, the tokenizer was not trained here, or it was trained with other sources alone, as that of a
    model that is tuned.
    """
    if not (tokenizer / RECIPE).is_file():
        return ""
    before = read_object(tokenizer / RECIPE)
    if before.keys() & recipe.keys() <= {"settings"}:
        return ""
    for part in dict.fromkeys((*before, *recipe)):
        if part not in recipe or part not in before:
            return f"it was trained {'with' if part in before else 'without'} the {part}"
        for name, value in recipe[part].items():
            if before[part].get(name) != value:
                of = "" if part == "settings" else f"of the {part} "
                return f"it was trained with {name} {of}{before[part].get(name)!r}, not {value!r}"
    return ""
