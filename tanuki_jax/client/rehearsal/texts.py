"""Deterministic texts, their tokens, and embeddings, all from hashes."""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from typing import Any

TOKEN = re.compile(r"[A-Za-z0-9_]+ ?|\s+|.", flags=re.DOTALL)
"""A token of the mock endpoint: an English word with the space behind it, white space, or one character."""
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z]{4,20}|[\u4e00-\u9fff]{2,6}|[\u30a0-\u30ff]{3,12}")
"""Words of the prompt that an answer may repeat: English, kanji, katakana."""
ENGLISH_SENTENCES = (
    "The question is about {word}. ",
    "First, look at {word} with care. ",
    "In most cases {word} is simpler than it seems. ",
    "An example of {word} follows in the next line.\n",
    "To sum up, {word} is what matters here. ",
)
JAPANESE_SENTENCES = (
    "{word}についてお答えします。",
    "まず、{word}を確認しましょう。",
    "多くの場合、{word}は見かけより単純です。",
    "例えば、{word}は次の行のようになります。\n",
    "まとめると、{word}が大切です🦝。",
)
DIMENSIONS = 64
"""Length of an embedding: the bytes of a SHA-512."""


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, which joined are the text."""
    return TOKEN.findall(text)


def digest_of(*parts: Any) -> bytes:
    """Return a hash of JSON values: the randomness of a text."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()


def write_text(digest: bytes, prompt: str) -> str:
    """Return two to six sentences in the language of the prompt, with some of its words in them."""
    japanese = bool(JAPANESE.search(prompt))
    sentences = JAPANESE_SENTENCES if japanese else ENGLISH_SENTENCES
    words = WORD.findall(prompt[-10_000:]) or (["この質問"] if japanese else ["this question"])
    return "".join(
        sentences[digest[2 * index] % len(sentences)].format(word=words[digest[2 * index + 1] % len(words)])
        for index in range(2 + digest[31] % 5)
    ).rstrip()


def cut_text(text: str, stop: Sequence[str], max_tokens: int | None) -> tuple[list[str], str]:
    """Return the tokens of a text up to a stop text or the limit, and the reason for the end."""
    reason = "stop"
    ends = [position for word in stop if word and (position := text.find(word)) >= 0]
    pieces = tokens(text[: min(ends)] if ends else text)
    if max_tokens is not None and len(pieces) > max_tokens:
        pieces, reason = pieces[:max_tokens], "length"
    return pieces, reason


def embed(text: str) -> list[float]:
    """Return a vector of length 1: texts that share tokens have vectors that are near each other."""
    total = [0.0] * DIMENSIONS
    for token in tokens(text)[:10_000] or [""]:
        for index, byte in enumerate(hashlib.sha512(token.strip().encode(errors="replace")).digest()):
            total[index] += byte - 127.5
    length = math.sqrt(sum(number * number for number in total))
    return [number / length for number in total]
