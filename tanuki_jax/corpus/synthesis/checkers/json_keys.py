"""Command to answer with a JSON object of given keys."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tanuki_jax.corpus.synthesis.checkers.keyed_object import KeyedObject
from tanuki_jax.corpus.synthesis.recipe import Language

_LONGEST = 100_000
"""Most characters that are parsed; a longer answer does not obey."""


@dataclass(frozen=True, kw_only=True)
class JsonKeys(KeyedObject):
    """A JSON object with exactly the given keys. A key that is there twice, NaN and infinity do not obey."""

    NAME: ClassVar[str] = "JSON"
    FENCE_NAMES: ClassVar[tuple[str, ...]] = ("", "json")
    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "次のキーだけを持つJSONで答えてください：{keys}。{fence}",
            "回答はJSONオブジェクトにしてください。キーは{keys}だけです。{fence}",
            "{keys}をキーとするJSON形式で出力してください。{fence}",
        ),
        "en": (
            "Answer with a JSON object that has exactly these keys: {keys}. {fence}",
            "Reply in JSON. The keys are {keys}, and there are no others. {fence}",
            "Give the answer as JSON with the keys {keys}. {fence}",
        ),
    }

    def parsed(self, text: str) -> object:
        if len(text) > _LONGEST:
            return None
        try:
            return json.loads(text, object_pairs_hook=_without_copies, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return None


def _without_copies(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
