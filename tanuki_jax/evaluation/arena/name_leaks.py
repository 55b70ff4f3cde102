"""Answers and questions that name a model: their battles are no longer blind, and are left out of the board."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from tanuki_jax.evaluation.arena.arena_settings import Contestant

_FAMILIES: tuple[tuple[str, ...], ...] = (
    ("gpt", "chatgpt", "openai", "ジーピーティー", "チャットジーピーティー", "オープンエーアイ"),
    ("claude", "anthropic", "クロード", "アンソロピック", "アンスロピック"),
    ("gemini", "gemma", "bard", "deepmind", "ジェミニ", "ジェマ"),
    ("llama", "metaai", "リャマ", "ラマ2", "ラマ3"),
    ("qwen", "tongyi", "alibaba", "通義千問", "通义千问", "アリババ", "クウェン"),
    ("mistral", "mixtral", "ミストラル", "ミクストラル"),
    ("deepseek", "ディープシーク", "深度求索"),
    ("calm3", "cyberagent", "サイバーエージェント"),
    ("swallow", "スワロー"),
    ("elyza", "イライザ"),
    ("karakuri", "カラクリ"),
    ("plamo", "preferrednetworks", "プラモ"),
    ("tanuki8b", "tanuki8x8b", "tanuki", "weblab", "松尾研"),
)
"""Words by which models say who made them, in Latin letters, Japanese and Chinese."""
_SAYS_WHO = re.compile(
    r"(?:私|わたし|僕|ぼく|俺|自分|当方|こちら)(?:は|の名前は|を(?:開発|作成|作|訓練)|の開発)"
    r"|(?:開発|作成|訓練|トレーニング|提供)(?:した|された|している|されて)|と申します|といいます|と言います|という名前"
    r"|\bi(?:['’]m| am)\b|\bmy name is\b|\b(?:made|trained|developed|created|built) by\b"
    r"|我是|我叫|由.{0,12}(?:开发|訓練|训练|開發)"
)
"""Words with which an assistant speaks of itself; without them, a family's name may be what the user asks about."""
_LONGEST_SENTENCE, _SHORTEST = 200, 3


def named_models(question: str, answers: Sequence[str], models: Iterable[Contestant]) -> list[str]:
    """Return the names and families that give models of a battle away, each once.

    An answer leaks if it has the name or an alias of a contestant, or if a sentence in which an assistant speaks of
    itself has the name of a known family of models. A question leaks if it has a contestant's name. Case, width,
    blanks, hyphens and dots do not hide a name.

    Args:
        question: what the user wrote.
        answers: what the models wrote.
        models: models of the arena.
    """
    contestants = [spelling for model in models for spelling in (model.name, *model.aliases)]
    found = [name for name in contestants if any(_has(text, name) for text in (question, *answers))]
    for answer in answers:
        for sentence in _sentences(answer):
            if _SAYS_WHO.search(unicodedata.normalize("NFKC", sentence).casefold()):
                found += [family[0] for family in _FAMILIES if any(_has(sentence, word) for word in family)]
    return list(dict.fromkeys(found))


def _sentences(text: str) -> Iterator[str]:
    for sentence in re.split(r"[。！？!?\n]|\.\s", text):
        yield sentence[:_LONGEST_SENTENCE]


def _has(text: str, name: str) -> bool:
    """Whether a text has a name, between letters of other words only if the name is not of Latin letters.

    A name of one or two signs is an everyday word, and is not looked for.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = [re.escape(sign) for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum()]
    if len(letters) < _SHORTEST:
        return False
    spelled = r"[\s\-_.・]{0,2}".join(letters)
    latin = letters[0].isascii() and letters[-1].isascii()
    return re.search(rf"(?<![a-z0-9]){spelled}(?![a-z])" if latin else spelled, plain) is not None
