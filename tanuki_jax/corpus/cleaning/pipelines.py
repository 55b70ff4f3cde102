"""Named pipelines, and their fields as options of the command line: `--rules.length.shortest 50`."""

import dataclasses
import json
from typing import Any

from tanuki_jax.config.command_line import Configs
from tanuki_jax.config.registry import Registry
from tanuki_jax.corpus.cleaning.pipeline import Pipeline, names_of_rules, to_plain
from tanuki_jax.corpus.cleaning.rules.rule_table import RULES

corpus = Registry("corpus", Pipeline, folder="corpora", parts=tuple(RULES.values()))
"""The registry of pipelines: `@corpus("name")` above a function of `configs/corpora/`."""


def _tree(pipeline: Pipeline) -> Any:
    """Return a pipeline as a tree of dataclasses: its inputs and rules are fields by name, not items of a tuple."""
    parts: dict[str, dict[str, Any]] = {
        "inputs": {each.name: each for each in pipeline.inputs},
        "rules": dict(zip(names_of_rules(pipeline.rules), pipeline.rules, strict=True)),
    }
    values = {field.name: getattr(pipeline, field.name) for field in dataclasses.fields(pipeline)}
    for part, named in parts.items():
        fields = [(name, type(value), dataclasses.field(default=value)) for name, value in named.items()]
        values[part] = dataclasses.make_dataclass(part.title(), fields, frozen=True)()
    return dataclasses.make_dataclass(
        "PipelineOptions",
        [(part, type(values[part])) for part in parts],
        bases=(Pipeline,),
        namespace={"__post_init__": lambda tree: None},
        frozen=True,
        kw_only=True,
    )(**values)


def _pipeline(tree: Any) -> Pipeline:
    fields = {field.name: getattr(tree, field.name) for field in dataclasses.fields(Pipeline)}
    for name in ("inputs", "rules"):
        fields[name] = tuple(vars(fields[name]).values())
    return Pipeline(**fields)


PIPELINES = Configs(
    registry=corpus,
    noun="pipeline",
    tree=_tree,
    config=_pipeline,
    show=lambda pipeline: json.dumps(to_plain(pipeline), indent=2, ensure_ascii=False) + "\n",
)
"""Pipelines as the command line sees them."""
