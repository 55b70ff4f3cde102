"""The part that commands for objects of given keys have in common."""

import math
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal, Self

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language

type Kind = Literal["string", "integer", "number", "boolean", "strings"]
_FENCE = re.compile(r"```[^\S\n]*(\w*)[^\S\n]*\n(.*?)\n?```", re.DOTALL)
_KEYS: Mapping[str, Kind] = {
    "title": "string", "summary": "string", "reason": "string", "category": "string", "author": "string",
    "answer": "string", "example": "string", "count": "integer", "year": "integer", "level": "integer",
    "score": "number", "price": "number", "correct": "boolean", "finished": "boolean", "keywords": "strings",
    "steps": "strings", "advantages": "strings", "questions": "strings",
}  # fmt: skip
_JAPANESE_KEYS: Mapping[str, Kind] = {
    "題名": "string", "要約": "string", "理由": "string", "分類": "string", "結論": "string", "個数": "integer",
    "年": "integer", "点数": "number", "正しい": "boolean", "手順": "strings", "例": "strings", "長所": "strings",
}  # fmt: skip
_JAPANESE_SHARE = 0.4
_FENCE_SHARE = 0.3
_KIND_NAMES: Mapping[Language, Mapping[Kind, str]] = {
    "ja": {
        "string": "文字列", "integer": "整数", "number": "数値", "boolean": "真偽値", "strings": "文字列の配列",
    },
    "en": {
        "string": "a string", "integer": "an integer", "number": "a number", "boolean": "a boolean",
        "strings": "an array of strings",
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class KeyedObject(Checker):
    """An object with exactly the given keys, in any order, whose values are of the given kinds.

    Strings and lists of strings are not empty. If `fence` is set, one code fence around the whole answer is allowed;
    else it does not obey.
    """

    keys: tuple[tuple[str, Kind], ...]
    """Name and kind of each value."""
    fence: bool = False
    """Whether the object may stand in a code fence."""

    NAME: ClassVar[str]
    FENCE_NAMES: ClassVar[tuple[str, ...]]
    """Words that may follow the opening of a fence, in lower case."""
    FENCES: ClassVar[Mapping[Language, tuple[str, str]]] = {
        "ja": (
            "{name}だけを出力し、コードブロックや説明は付けないでください。",
            "コードブロックで囲んでもかまいませんが、その外には何も書かないでください。",
        ),
        "en": (
            "Output nothing but the {name}: no code fence and no explanation.",
            "You may put it in a code fence, but write nothing outside the fence.",
        ),
    }
    """Language -> sentences about a fence: it is forbidden, it is allowed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [name for name, _ in self.keys]
        if not names or len(set(names)) < len(names):
            raise InputError(f"keys are {names}, and must be one or more different names")

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        known = _JAPANESE_KEYS if language == "ja" and random.random() < _JAPANESE_SHARE else _KEYS
        names = random.sample(sorted(known), random.randint(2, 4))
        return cls(
            keys=tuple((name, known[name]) for name in names),
            fence=random.random() < _FENCE_SHARE,
            wording=random.randrange(WORDINGS_DRAWN),
        )

    def values(self, language: Language) -> Mapping[str, object]:
        kinds, between = _KIND_NAMES[language], "、" if language == "ja" else ", "
        quoted = "「{}」（{}）" if language == "ja" else '"{}" ({})'
        keys = between.join(quoted.format(name, kinds[kind]) for name, kind in self.keys)
        return {"keys": keys, "fence": self.FENCES[language][self.fence].format(name=self.NAME)}

    def holds(self, answer: str) -> bool:
        inside = answer
        if answer.startswith("```"):
            block = _FENCE.fullmatch(answer)
            if not self.fence or block is None or block[1].lower() not in self.FENCE_NAMES:
                return False
            inside = block[2]
        found = self.parsed(inside)
        return (
            isinstance(found, dict)
            and found.keys() == dict(self.keys).keys()
            and all(_is_of(found[name], kind) for name, kind in self.keys)
        )

    @abstractmethod
    def parsed(self, text: str) -> object:
        """Return the value of a text; None: it is not of the format."""


def _is_of(value: object, kind: Kind) -> bool:
    if kind == "strings":
        return isinstance(value, list) and bool(value) and all(_is_of(item, "string") for item in value)
    if kind == "string":
        return isinstance(value, str) and bool(value.strip())
    if kind == "boolean" or isinstance(value, bool):
        return kind == "boolean" and isinstance(value, bool)
    return isinstance(value, int) or (kind == "number" and isinstance(value, float) and math.isfinite(value))
