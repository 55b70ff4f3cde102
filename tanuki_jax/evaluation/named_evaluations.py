"""Named evaluations, and their fields as options of the command line: `--benchmarks.mgsm_ja_0shot.path FILE`."""

import dataclasses
import json
from typing import Any

from tanuki_jax.config.command_line import Configs
from tanuki_jax.config.fields import fields_as_items, items_as_fields
from tanuki_jax.config.registry import Registry
from tanuki_jax.evaluation.benchmarks.benchmark_table import BENCHMARKS, kind_of
from tanuki_jax.evaluation.evaluation_settings import Evaluation

evaluation = Registry("evaluation", Evaluation, folder="evaluations", parts=tuple(BENCHMARKS.values()))
"""The registry of evaluations: `@evaluation("name")` above a function of `configs/evaluations/`."""


def to_plain(config: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON values."""
    plain = dataclasses.asdict(config)
    plain["benchmarks"] = {
        each.name: {"kind": kind_of(each), **dataclasses.asdict(each)}  # type: ignore[call-overload]
        for each in config.benchmarks
    }
    return plain


EVALUATIONS = Configs(
    registry=evaluation,
    noun="evaluation",
    tree=lambda config: items_as_fields(config, {"benchmarks": {each.name: each for each in config.benchmarks}}),
    config=lambda tree: fields_as_items(tree, Evaluation, ("benchmarks",)),
    show=lambda config: json.dumps(to_plain(config), indent=2, ensure_ascii=False) + "\n",
)
"""Evaluations as the command line sees them."""
