"""A small instance of a JSON schema: enough for the schemas that synthesis and judges send."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

DEEPEST = 12
"""Depth below which optional parts are left out, so that a schema that contains itself ends."""
MOST_ITEMS = 20
"""Most items of an array, whatever the schema asks for."""
MOST_VALUES = 5_000
"""Most values of an instance: a small schema that contains itself several times could ask for billions."""


class SchemaError(ValueError):
    """A schema that cannot be read, or whose instance would be too large."""


@dataclasses.dataclass
class _Document:
    """The schema that contains all others, and the number of values made so far."""

    root: Any
    values: int = 0


def instance(schema: Any, words: Sequence[str]) -> Any:
    """Return a value that is valid for a schema.

    `pattern`, `format`, `not`, `if` and `uniqueItems` are not looked at. A schema that contains itself and has no end
    becomes null at a depth of 12.

    Args:
        schema: JSON schema, already parsed.
        words: texts to choose from, at least one.

    Raises:
        SchemaError: the schema cannot be read, or asks for too many values.
    """
    try:
        return _instance(schema, words, _Document(schema), 0)
    except SchemaError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        raise SchemaError(f"it cannot be read ({error!s:.80})") from None


def _instance(schema: Any, words: Sequence[str], document: _Document, depth: int) -> Any:
    """Return a value for a part of the document at a depth. Whatever Python raises means an unreadable schema."""
    document.values += 1
    if document.values > MOST_VALUES:
        raise SchemaError(f"it asks for more than {MOST_VALUES:,} values")
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return None if depth > DEEPEST else words[0]
    if "$ref" in schema:
        return _instance(_looked_up(document.root, str(schema["$ref"])), words, document, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return _list(schema, "enum")[depth % len(schema["enum"])]
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            others = {key: value for key, value in schema.items() if key != name}
            return _instance({**others, **_object(_list(schema, name)[0])}, words, document, depth + 1)
    if schema.get("allOf"):
        return _instance(_joined(schema, document.root), words, document, depth + 1)
    kind = schema.get("type") or ("object" if "properties" in schema else "array" if "items" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    match kind:
        case "object":
            return _object_instance(schema, words, document, depth)
        case "array":
            return _array_instance(schema, words, document, depth)
        case "integer" | "number":
            return _number(schema, integer=kind == "integer")
        case "boolean":
            return True
        case "null":
            return None
    return _text(schema, words[depth % len(words)])


def _list(schema: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of a schema; empty if it is absent."""
    value = schema.get(name, [])
    if not isinstance(value, list):
        raise SchemaError(f"{name} is no list")
    return value


def _object(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, Mapping) else {}


def _joined(schema: Mapping[str, Any], root: Any) -> dict[str, Any]:
    """Return the parts of `allOf` as one schema."""
    result: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in _list(schema, "allOf"):
        part = _object(_looked_up(root, part["$ref"]) if "$ref" in _object(part) else part)
        properties = {**result.get("properties", {}), **part.get("properties", {})}
        required = [*_list(result, "required"), *_list(part, "required")]
        result |= {**part, **({"properties": properties} if properties else {}), "required": required}
    return result


def _looked_up(root: Any, reference: str) -> Any:
    """Return the schema at a reference inside the document, as in #/$defs/step; {} if there is none."""
    target = root
    for name in reference.removeprefix("#").strip("/").split("/") if reference.strip("#/") else []:
        target = _object(target).get(name.replace("~1", "/").replace("~0", "~"), {})
    return target


def _object_instance(
    schema: Mapping[str, Any], words: Sequence[str], document: _Document, depth: int
) -> dict[str, Any]:
    properties = _object(schema.get("properties"))
    names = [*_list(schema, "required")] if depth > DEEPEST // 2 else [*properties, *_list(schema, "required")]
    return {name: _instance(properties.get(name, {}), words, document, depth + 1) for name in dict.fromkeys(names)}


def _array_instance(schema: Mapping[str, Any], words: Sequence[str], document: _Document, depth: int) -> list[Any]:
    first = [_instance(part, words, document, depth + 1) for part in _list(schema, "prefixItems")[:MOST_ITEMS]]
    least = max(int(schema.get("minItems", 0)), 0 if depth > DEEPEST // 2 else 2)
    count = min(least, int(schema.get("maxItems", MOST_ITEMS)), MOST_ITEMS) - len(first)
    return first + [_instance(schema.get("items", {}), words, document, depth + 1) for _ in range(count)]


def _number(schema: Mapping[str, Any], *, integer: bool) -> float:
    """Return the multiple that is nearest to the lower bound, or to the upper one if there is no lower, or 1."""
    step = schema.get("multipleOf") or (1 if integer else 0.5)
    if (least := schema.get("minimum", schema.get("exclusiveMinimum"))) is not None:
        number = math.ceil(least / step) * step
        number += step if number == schema.get("exclusiveMinimum") else 0
    elif (most := schema.get("maximum", schema.get("exclusiveMaximum"))) is not None:
        number = math.floor(most / step) * step
        number -= step if number == schema.get("exclusiveMaximum") else 0
    else:
        number = step
    return int(number) if integer else number


def _text(schema: Mapping[str, Any], word: str) -> str:
    least = min(int(schema.get("minLength", 0)), 10_000)
    word = word * (least // max(len(word), 1) + 1) if len(word) < least else word
    return word[: int(schema.get("maxLength", max(len(word), least)))]
