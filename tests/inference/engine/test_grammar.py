"""Grammars: every answer that ends by itself is JSON of its schema."""

import json
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.grammar import GrammarCompiler
from tanuki_jax.inference.engine.job import Job
from tanuki_jax.inference.load_model import LoadedModel
from tests.inference.engine.conftest import run


@pytest.fixture(scope="module")
def compiler(loaded: LoadedModel) -> GrammarCompiler:
    return GrammarCompiler(loaded)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "integer"}, int),
        ({"enum": ["狸", "狐"]}, str),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "boolean"}},
                "required": ["a"],
                "additionalProperties": False,
            },
            dict,
        ),
        ({"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 3}, list),
    ],
)
def test_an_untrained_model_writes_json(
    engine: Engine, compiler: GrammarCompiler, schema: dict[str, Any], kind: type
) -> None:
    grammar = compiler.json_schema(schema)
    jobs = [
        Job(prompt=(30, 31), tokens=60, temperature=1, seed=seed, grammar=grammar.copy(), logprobs=True)
        for seed in range(6)
    ]
    ended = [updates for updates in run(engine, *jobs) if updates[-1].finish_reason == "eos_token"]
    assert len(ended) >= 3
    for updates in ended:
        assert isinstance(json.loads("".join(update.text for update in updates)), kind)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "unknown"}, "cannot be compiled"),
        ({"$ref": "#/nowhere"}, "cannot be compiled"),
        ({"type": "string", "pattern": "("}, "cannot be compiled"),
        ({"items": [{"type": "integer", "multipleOf": 999983}]}, "multipleOf 999983; the most is 10000"),
        ({"type": "string", "pattern": "^a{2,100000}$"}, "repeats a pattern 100000 times; the most is 1000"),
        ({"enum": ["a" * 70_000]}, "70,014 characters; the most are 65,536"),
    ],
)
def test_a_schema_that_cannot_be_compiled_is_refused(
    compiler: GrammarCompiler, schema: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        compiler.json_schema(schema)


def test_a_deep_schema_is_refused(compiler: GrammarCompiler) -> None:
    schema: dict[str, Any] = {}
    for _ in range(500):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InputError, match="levels"):
        compiler.json_schema(schema)
