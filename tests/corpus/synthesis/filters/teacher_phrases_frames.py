"""Texts with a phrase of an assistant, and texts that only look so, from frames around plain texts."""

import json
from random import Random

from tests.corpus.synthesis.filters.planted_cases import CASES

EACH = 5
PLAIN: dict[str, list[str]] = json.loads((CASES / "plain_texts.json").read_text("utf-8"))
FRAMES: list[str] = json.loads((CASES / "teacher_phrases_frames.json").read_text("utf-8"))
"""Language, place, phrase, and a harmless look-alike behind =>."""
_TOPICS = {
    "ja": ("灯台", "水車", "石垣", "和紙", "渡り鳥", "棚田", "炭焼き", "古い橋"),
    "en": ("the lighthouse", "the mill", "old bridges", "the salt trade", "migrating birds", "the harbour"),
}


def fill(frame: str, random: Random, fault: bool) -> tuple[str, tuple[str, ...]]:
    """Return a plain text with the phrase of a frame, or with its look-alike, at the phrase's place."""
    language, place, rest = frame.split(" ", 2)
    phrase = rest.split("=>")[0 if fault else 1].format(
        topic=random.choice(_TOPICS[language]), number=random.randrange(2, 20) * 50, page=random.randrange(2, 9),
        month=random.randrange(1, 13),
    )  # fmt: skip
    text = random.choice(PLAIN[language])
    if place == "middle":
        stop = text.index("。" if language == "ja" else ". ") + 1
        return f"{text[:stop]}{'' if language == 'ja' else ' '}{phrase}{text[stop:]}", ()
    return (f"{phrase}{text}" if place == "begin" else f"{text}{phrase}"), ()
