"""100 schemas, five seeds each, with an untrained model: what ends by itself is valid JSON of its schema."""

import itertools
import json
from typing import Any

import jsonschema
import numpy as np
import pytest

from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.grammar import GrammarCompiler
from tanuki_jax.inference.engine.job import Job
from tanuki_jax.inference.load_model import LoadedModel
from tests.inference.engine.conftest import run

pytestmark = pytest.mark.peers

LEAVES: list[dict[str, Any]] = [
    {"type": "boolean"},
    {"type": "null"},
    {"type": "integer", "minimum": -3, "maximum": 120},
    {"type": "number"},
    {"type": "string", "maxLength": 6},
    {"type": "string", "pattern": "^[a-c]{1,3}$"},
    {"enum": ["狸", "狐", 3, None]},
    {"const": "決まり"},
    {"type": "string", "format": "date"},
    {"type": ["integer", "null"]},
]


def random_schema(random: np.random.Generator, depth: int) -> dict[str, Any]:
    """Return a schema of objects, lists, choices and references up to a depth."""
    kind = random.integers(5) if depth else 0
    if kind == 1:
        names = [f"{name}" for name in random.choice(["a", "名前", "x y", "z"], random.integers(1, 4), replace=False)]
        properties = {name: random_schema(random, depth - 1) for name in names}
        return {
            "type": "object",
            "properties": properties,
            "required": names[: random.integers(len(names) + 1)],
            "additionalProperties": False,
        }
    if kind == 2:
        return {"type": "array", "items": random_schema(random, depth - 1), "minItems": 1, "maxItems": 3}
    if kind == 3:
        return {"anyOf": [random_schema(random, depth - 1), random_schema(random, depth - 1)]}
    if kind == 4:
        return {
            "$defs": {"part": random_schema(random, 0)},
            "type": "array",
            "items": {"$ref": "#/$defs/part"},
            "maxItems": 2,
        }
    return LEAVES[random.integers(len(LEAVES))]


def without_references(schema: dict[str, Any]) -> bool:
    """Whether references stand only where `#` is the whole schema."""
    return "$defs" in schema or "$defs" not in json.dumps(schema)


def test_answers_are_valid_or_cut(engine: Engine, loaded: LoadedModel) -> None:
    compiler, random = GrammarCompiler(loaded), np.random.default_rng(0)
    drawn = (random_schema(random, 3) for _ in itertools.count())
    schemas = [*itertools.islice(filter(without_references, drawn), 100)]
    ended = 0
    for schema in schemas:
        grammar = compiler.json_schema(schema)
        jobs = [Job(prompt=(30, 31), tokens=90, temperature=1, seed=seed, grammar=grammar.copy()) for seed in range(5)]
        for updates in run(engine, *jobs):
            text = "".join(update.text for update in updates)
            assert updates[-1].finish_reason in ("eos_token", "length")
            if updates[-1].finish_reason == "eos_token":
                jsonschema.validate(json.loads(text), schema)
                ended += 1
    print(f"{ended} of 500 answers ended by themselves")
    assert ended > 300
