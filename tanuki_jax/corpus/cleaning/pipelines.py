"""Named pipelines, and their fields as options of the command line: `--rules.length.shortest 50`."""

import json
from typing import Any

from tanuki_jax.config.command_line import Configs
from tanuki_jax.config.fields import fields_as_items, items_as_fields
from tanuki_jax.config.registry import Registry
from tanuki_jax.corpus.cleaning.pipeline import Pipeline, names_of_rules, to_plain
from tanuki_jax.corpus.cleaning.rules.rule_table import RULES

corpus = Registry("corpus", Pipeline, folder="corpora", parts=tuple(RULES.values()))
"""The registry of pipelines: `@corpus("name")` above a function of `configs/corpora/`."""


def _tree(pipeline: Pipeline) -> Any:
    rules = dict(zip(names_of_rules(pipeline.rules), pipeline.rules, strict=True))
    return items_as_fields(pipeline, {"inputs": {each.name: each for each in pipeline.inputs}, "rules": rules})


PIPELINES = Configs(
    registry=corpus,
    noun="pipeline",
    tree=_tree,
    config=lambda tree: fields_as_items(tree, Pipeline, ("inputs", "rules")),
    show=lambda pipeline: json.dumps(to_plain(pipeline), indent=2, ensure_ascii=False) + "\n",
)
"""Pipelines as the command line sees them."""
