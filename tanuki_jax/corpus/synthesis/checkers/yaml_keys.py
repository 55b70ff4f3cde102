"""Command to answer with a YAML mapping of given keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tanuki_jax.corpus.synthesis.checkers.keyed_object import KeyedObject
from tanuki_jax.corpus.synthesis.recipe import Language

_LONGEST = 10_000
"""Most characters that are parsed; a longer answer does not obey."""
_MOST_BRACKETS = 200
"""Most opening brackets that are parsed: the time that PyYAML takes grows with the square of their depth."""


@dataclass(frozen=True, kw_only=True)
class YamlKeys(KeyedObject):
    """A YAML mapping in block style with exactly the given keys. A key that is there twice, anchors, tags, and JSON,
    which is YAML too, do not obey."""

    NAME: ClassVar[str] = "YAML"
    FENCE_NAMES: ClassVar[tuple[str, ...]] = ("", "yaml", "yml")
    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "次のキーだけを持つYAMLで答えてください：{keys}。{fence}",
            "回答はYAML形式にしてください。キーは{keys}だけです。{fence}",
            "{keys}をキーとするYAMLで出力してください。{fence}",
        ),
        "en": (
            "Answer in YAML with exactly these keys: {keys}. {fence}",
            "Reply with a YAML mapping. The keys are {keys}, and there are no others. {fence}",
            "Give the answer as YAML with the keys {keys}. {fence}",
        ),
    }

    def parsed(self, text: str) -> object:
        import yaml

        if len(text) > _LONGEST or sum(map(text.count, "[{")) > _MOST_BRACKETS:
            return None
        refused = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)
        try:
            if any(isinstance(token, refused) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
                return None
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            if not isinstance(node, yaml.MappingNode) or node.flow_style:
                return None
            names = [key.value for key, _ in node.value]
            if any(not isinstance(name, str) for name in names) or len(set(names)) < len(names):
                return None
            return yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            return None
