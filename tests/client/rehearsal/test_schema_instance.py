"""Instances of JSON schemas are valid."""

import contextlib
import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from tanuki_jax.client.rehearsal.schema_instance import SchemaError, instance
from tests.client.any_json import json_near

WORDS = ["狸", "raccoon"]
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "value": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "狸"),
        ({"type": "string", "minLength": 5}, "狸狸狸狸狸狸"[:6]),
        ({"type": "string", "maxLength": 0}, ""),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 3, "maximum": 10}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "number", "minimum": 0.2, "multipleOf": 0.25}, 0.25),
        ({"type": "boolean"}, True),
        ({"type": ["null", "string"]}, None),
        ({"enum": ["良い", "悪い"]}, "良い"),
        ({"const": {"a": [1]}}, {"a": [1]}),
        ({"type": "array", "items": {"type": "integer"}}, [1, 1]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, [1, 1, 1]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 1}, [1]),
        ({"type": "array", "prefixItems": [{"const": 7}], "items": {"const": 8}}, [7, 8]),
        ({"properties": {"a": {"type": "integer"}}, "required": ["b"]}, {"a": 1, "b": "raccoon"}),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"oneOf": [{"type": "integer"}], "minimum": 9}, 9),
        ({"allOf": [{"type": "object", "properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]},
         {"a": 1, "b": 2}),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 3}}}, 3),
        ({"$ref": "#/$defs/none"}, "raccoon"),
        (True, "狸"),
        ({}, "狸"),
    ],
    ids=lambda value: json.dumps(value, ensure_ascii=False)[:60],
)  # fmt: skip
def test_a_value_has_the_form_that_is_asked_for(schema: Any, value: Any) -> None:
    assert instance(schema, WORDS) == value


def depth(value: Any) -> int:
    return 1 + max((depth(inner) for inner in value.values()), default=0) if isinstance(value, dict) else 0


def test_a_schema_that_contains_itself_ends() -> None:
    assert 2 < depth(instance({"$ref": "#/$defs/node", "$defs": {"node": NODE}}, WORDS)) < 10
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert depth(instance(endless, WORDS)) < 15
    assert instance({"$ref": "#"}, WORDS) is None
    assert instance({"allOf": [{"$ref": "#"}]}, WORDS) is None


SCHEMAS = strategies.recursive(
    strategies.sampled_from([{"type": "string", "maxLength": 1}, {"type": "integer", "minimum": 2}, {"const": None}]),
    lambda inner: (
        strategies.fixed_dictionaries({"type": strategies.just("array"), "items": inner})
        | strategies.dictionaries(strategies.text(max_size=3), inner, max_size=3).map(
            lambda parts: {"type": "object", "properties": parts, "required": sorted(parts)}
        )
    ),
    max_leaves=8,
)


def valid(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is valid, by the few rules of `SCHEMAS`."""
    match schema.get("type"):
        case "string":
            return isinstance(value, str) and len(value) <= 1
        case "integer":
            return type(value) is int and value >= 2
        case "array":
            return isinstance(value, list) and all(valid(item, schema["items"]) for item in value)
        case "object":
            return isinstance(value, dict) and all(
                name in value and valid(value[name], part) for name, part in schema["properties"].items()
            )
    return value is None


@hypothesis.given(SCHEMAS)
def test_an_instance_of_any_schema_is_valid(schema: dict[str, Any]) -> None:
    assert valid(instance(schema, WORDS), schema)


ANY_SCHEMA = {
    "properties": {"a": {"type": "integer", "multipleOf": 2, "minimum": 1}, "b": {"enum": [1]}},
    "required": ["a"],
    "type": "object",
    "allOf": [{"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/c"}, "minItems": 1, "prefixItems": [{}]}]}],
    "$defs": {"c": {"type": "string", "minLength": 1, "maxLength": 9}},
}


@hypothesis.given(json_near(ANY_SCHEMA) | json_near(ANY_SCHEMA["properties"]) | json_near({"properties": ANY_SCHEMA}))
def test_any_json_has_an_instance_or_is_refused(schema: Any) -> None:
    for part in [schema, *(schema.values() if isinstance(schema, dict) else ())]:
        with contextlib.suppress(SchemaError):
            instance(part, WORDS)


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": {"a": 1}},
        {"anyOf": {"a": 1}},
        {"type": "object", "required": [{}]},
        {"type": "integer", "minimum": float("inf")},
        {"type": "number", "minimum": 10**400},
        {"type": "array", "minItems": float("inf")},
        {"type": "object", "properties": {str(n): {"$ref": "#"} for n in range(9)}, "required": [*map(str, range(9))]},
    ],
)
def test_a_schema_without_an_instance_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaError):
        instance(schema, WORDS)
