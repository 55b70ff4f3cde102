"""Named arenas, and their fields as options of the command line: `--models.tiny_sft.remote.urls URL`."""

import dataclasses
import json
import re
from typing import Any

from tanuki_jax.config.command_line import Configs
from tanuki_jax.config.fields import fields_as_items, items_as_fields
from tanuki_jax.config.registry import Registry
from tanuki_jax.evaluation.arena.arena_settings import Arena, Contestant

arena = Registry("arena", Arena, folder="arenas", parts=(Contestant,))
"""The registry of arenas: `@arena("name")` above a function of `configs/arenas/`."""


def _tree(config: Arena) -> Any:
    """Return an arena as a tree; a model's options have its name, with _ for what no option may have."""
    models: dict[str, Contestant] = {}
    for number, model in enumerate(config.models):
        word = re.sub(r"\W", "_", model.name)
        models[word if word.isidentifier() and word not in models else f"model_{number}"] = model
    return items_as_fields(config, {"models": models})


ARENAS = Configs(
    registry=arena,
    noun="arena",
    tree=_tree,
    config=lambda tree: fields_as_items(tree, Arena, ("models",)),
    show=lambda config: json.dumps(dataclasses.asdict(config), indent=2, ensure_ascii=False) + "\n",
)
"""Arenas as the command line sees them."""
