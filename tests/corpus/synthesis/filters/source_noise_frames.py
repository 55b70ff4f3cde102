"""Texts in which page furniture of the source survived, and texts that use its words as prose does, from frames."""

import json
from random import Random

from tests.corpus.synthesis.filters.planted_cases import CASES

EACH = 5
_PLAIN: dict[str, list[str]] = json.loads((CASES / "plain_texts.json").read_text("utf-8"))
FRAMES: list[str] = json.loads((CASES / "source_noise_frames.json").read_text("utf-8"))
"""Language, place, page furniture, and prose with its words behind =>."""
_TOPICS = {
    "ja": ("灯台", "水車", "石垣", "和紙工房", "渡し船", "棚田", "炭焼き小屋", "古い橋"),
    "en": ("the lighthouse", "the mill", "old bridges", "the salt trade", "migrating birds", "the harbour"),
}


def fill(frame: str, random: Random, fault: bool) -> tuple[str, tuple[str, ...]]:
    """Return a plain text with the furniture of a frame, or prose with its words, and a source that has both."""
    language, place, rest = frame.split(" ", 2)
    values = {"topic": random.choice(_TOPICS[language]), "month": random.randrange(1, 13)}
    furniture, prose = (part.format(**values) for part in rest.split("=>"))
    text = random.choice(_PLAIN[language])
    ends = [stop for stop, sign in enumerate(text, 1) if sign in "。."]
    cut = random.choice(ends)
    added = furniture if fault else prose
    between = "\n" if place == "line" else "" if language == "ja" else " "
    parts = (text[:cut].strip(), added, text[cut:].strip())
    written = between.join(part for part in parts if part) if fault or place == "tail" else f"{text}\n{added}"
    return written, (f"{random.choice(_PLAIN[language])}\n{furniture}\n{prose}",)
