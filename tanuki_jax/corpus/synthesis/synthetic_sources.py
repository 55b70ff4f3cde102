"""The registry of finished runs: their cards, as sources of a mixture and as the tables of upstream."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Form, Source
from tanuki_jax.corpus.synthesis.dataset_card import CARD

FOLDER = "synthetic"
"""Folder in which runs are made unless the command says otherwise."""
_FORMS: dict[str, Form] = {"conversation": "chat", "preference": "preference"}
_CHARACTERS_OF_A_TOKEN = 2.0


def cards_in(folder: str | Path = FOLDER) -> list[dict[str, Any]]:
    """Return the cards of the finished runs in a folder, sorted by their folders, whose names are the runs' names.

    InputError if a card cannot be read.
    """
    found = []
    for path in sorted(Path(folder).glob(f"*/{CARD}")):
        try:
            card = {**json.loads(path.read_text("utf-8")), "name": path.parent.name, "folder": str(path.parent)}
            for field in ("record", "records", "characters", "tokens", "teacher", "kind", "language"):
                card[field]
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path} is no card of a synthesis run: {error}") from None
        found.append(card)
    return found


def synthetic_sources(folder: str | Path = FOLDER) -> tuple[Source, ...]:
    """Return a source for each finished run in a folder, with its size, so that `by_tokens` gives weights.

    The size is estimated by the teacher's tokens a character; without a teacher, a token for every 2 characters.
    InputError if there is none.
    """
    cards = cards_in(folder)
    if not cards:
        raise InputError(f"{folder} has no finished run: make some with python -m tanuki_jax.synthesize")
    return tuple(
        Source(
            name=card["name"],
            paths=(f"{card['folder']}/records/*.parquet",),
            form=_FORMS.get(card["record"], "text"),
            billion_tokens=(card["tokens"] or card["characters"] / _CHARACTERS_OF_A_TOKEN) / 1e9,
            teacher=card["teacher"],
            kind=card["kind"],
            language=card["language"],
        )
        for card in cards
        if card["records"]
    )


def table_of(sources: Sequence[Source], by: str) -> list[tuple[str, int, float]]:
    """Return a row for each teacher, kind or language: its name, number of sets, and billions of tokens, the largest
    first.

    Args:
        sources: synthetic sets, such as those of `synthetic_sources` or of `tanuki_synthetic`.
        by: field of a source: teacher, kind or language.
    """
    rows: dict[str, tuple[int, float]] = {}
    for source in sources:
        name = getattr(source, by) or "none"
        sets, tokens = rows.get(name, (0, 0.0))
        rows[name] = (sets + 1, tokens + source.billion_tokens)
    return sorted(((name, *row) for name, row in rows.items()), key=lambda row: -row[2])
