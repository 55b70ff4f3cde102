"""A corpus of 100 facts whose counts follow from how it is made: each document is one of the cases below.

Other text consists of kanji that no word has, drawn anew for each document, so that no word is there by accident and no
two documents are copies but those that are made so.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tanuki_jax.corpus.coverage.count_facts import Around, FactCounts
from tanuki_jax.corpus.coverage.facts import Fact
from tests.corpus.coverage.scanned import fact

FACTS, WINDOW = 100, 70
EDGE = WINDOW - 3
"""Characters between a word and an answer of three characters that ends exactly at the edge of the window."""
FAR = 3 * WINDOW
AROUND: tuple[Around, ...] = ("entity", "relation", "both")
SHARES = (0, 0, 0.05, 0.05, 0.2, 0.2)
"""Shares of the window that are changed in the documents of a group of copies."""
ANSWERS, WRONG = ("answer", "number", "inside", "copied"), "wrong"
_OTHER = [chr(code) for code in range(0x4E00, 0x5E00)]
_KATAKANA = "カキクケコサシスセソ"


class Case(NamedTuple):
    """A kind of document, and what one of it adds to the counts."""

    pieces: tuple[str | int, ...]
    """Names of words, and numbers of characters of other text."""
    entity: int = 1
    """Occurrences of the entity."""
    related: bool = True
    """Whether it has entity and relation."""
    answers: Mapping[str, tuple[int, int, int]] = {}
    """Answers in a document with entity and relation: occurrences near the entity, near the relation, near both."""


E, R, A = "entity", "relation", "answer"  # of 4, 3 and 3 characters
NONE, ALL = (0, 0, 0), (1, 1, 1)
CASES = (
    # The entity, and one character less or more.
    Case((E,), related=False),
    Case(("short entity",), entity=0, related=False),
    Case(("entity in a longer word",), entity=0, related=False),
    Case(("entity behind a long vowel", R, A), entity=0, related=False),
    Case((E, FAR, E), entity=2, related=False),
    Case(("entities that overlap",), related=False),
    Case(("entities side by side",), entity=2, related=False),
    # The relation too.
    Case((E, R)),
    Case((R, FAR, "entities that overlap", E), entity=2),
    Case((E, "short relation", A), related=False),
    Case((E, 1, "Latin relation")),
    Case((E, 1, "full-width relation")),
    Case((E, 1, "Latin relation in a longer word"), related=False),
    Case((E, 1, "Latin relation behind a letter"), related=False),
    Case((E, 1, "capital relation"), related=False),
    Case((R,), entity=0, related=False),
    Case((R, A), entity=0, related=False),
    # An answer too.
    Case((E, A), related=False),
    Case((E, R, A), answers={A: ALL}),
    Case((E, R, "short answer")),
    Case((E, R, "number"), answers={"number": ALL}),
    Case((E, R, "number behind a letter"), answers={"number": ALL}),
    Case((E, R, "number behind a digit")),
    Case((E, R, "number before a digit")),
    Case((E, R, "inside a longer word"), answers={"inside": ALL}),
    Case((E, R, "wrong"), answers={"wrong": ALL}),
    Case((E, R, "wrong", A, "number"), answers={"wrong": ALL, A: ALL, "number": ALL}),
    Case((A, FAR, E, FAR, R), answers={A: NONE}),
    # At the edge of the window around the entity, and one character beyond it.
    Case((R, FAR, E, EDGE, A), answers={A: (1, 0, 0)}),
    Case((R, FAR, E, EDGE + 1, A), answers={A: NONE}),
    Case((A, EDGE, E, FAR, R), answers={A: (1, 0, 0)}),
    Case((A, EDGE + 1, E, FAR, R), answers={A: NONE}),
    Case((R, FAR, E, EDGE, "wrong"), answers={"wrong": (1, 0, 0)}),
    Case((R, FAR, E, EDGE + 1, "wrong"), answers={"wrong": NONE}),
    Case((R, FAR, "entities that overlap", EDGE, A), answers={A: (1, 0, 0)}),
    Case((R, FAR, "entities that overlap", EDGE + 1, A), answers={A: NONE}),
    Case((A, EDGE, "entities that overlap", FAR, R), answers={A: (1, 0, 0)}),
    Case((A, EDGE + 1, "entities that overlap", FAR, R), answers={A: NONE}),
    Case((R, FAR, E, EDGE - 1, "long answer"), answers={A: (1, 0, 0)}),
    Case((R, FAR, E, EDGE, "long answer"), answers={A: NONE}),
    # Around the relation.
    Case((E, FAR, R, EDGE, A), answers={A: (0, 1, 0)}),
    Case((E, FAR, R, EDGE + 1, A), answers={A: NONE}),
    Case((A, EDGE, R, FAR, E), answers={A: (0, 1, 0)}),
    Case((A, EDGE + 1, R, FAR, E), answers={A: NONE}),
    # Around both: the answer behind them, before them and between them.
    Case((E, R, EDGE - 3, A), answers={A: ALL}),
    Case((E, R, EDGE - 2, A), answers={A: (0, 1, 0)}),
    Case((R, E, EDGE - 4, A), answers={A: ALL}),
    Case((R, E, EDGE - 3, A), answers={A: (1, 0, 0)}),
    Case((A, EDGE - 4, E, R), answers={A: ALL}),
    Case((A, EDGE - 3, E, R), answers={A: (1, 0, 0)}),
    Case((A, EDGE - 3, R, E), answers={A: ALL}),
    Case((A, EDGE - 2, R, E), answers={A: (0, 1, 0)}),
    Case((E, EDGE, A, EDGE, R), answers={A: ALL}),
    Case((R, EDGE, A, EDGE, E), answers={A: ALL}),
    Case((E, EDGE + 1, A, EDGE, R), answers={A: (0, 1, 0)}),
    Case((R, EDGE, A, EDGE + 1, E), answers={A: (0, 1, 0)}),
    Case((E, EDGE, A, EDGE + 1, R), answers={A: (1, 0, 0)}),
    Case((R, EDGE + 1, A, EDGE, E), answers={A: (1, 0, 0)}),
    Case((E, EDGE + 1, A, EDGE + 1, R), answers={A: NONE}),
    # Several occurrences in one document.
    Case((E, R, A, 10, A, FAR, A), answers={A: (2, 2, 2)}),
    Case((E, EDGE, A, FAR, A, EDGE, R), answers={A: (1, 1, 0)}),
    Case((E, R, "long answer", A), answers={A: (2, 2, 2)}),
    Case((R, E, 10, A, FAR, E, 10, A), entity=2, answers={A: (2, 1, 1)}),
)


def words(number: int) -> dict[str, str]:
    """Return the words of a fact, and what is nearly one of them: entities are its own, ten facts share the others."""
    ten, mark, common = number // 10, chr(0x6000 + number), chr(0x7000 + number // 10)
    entity, relation = f"アリ{_KATAKANA[ten]}{_KATAKANA[number % 10]}", f"特{common}技"
    latin, answer, amount, inside = f"job{chr(97 + ten)}", f"射{common}撃", f"{4100 + ten}", f"トナ{_KATAKANA[ten]}"
    return {
        "entity": entity,
        "longer entity": f"{entity}女王",
        "marked entity": f"女王{mark}",
        "short entity": entity[:-1],
        "entity in a longer word": f"{entity}ス",
        "entity behind a long vowel": f"ー{entity}",
        "entities that overlap": f"{entity}女王{mark}",
        "entities side by side": f"女王{mark}" * 2,
        "relation": relation,
        "Latin relation": latin,
        "full-width relation": "".join(chr(ord(letter) + 0xFEE0) for letter in latin),
        "capital relation": latin.capitalize(),
        "Latin relation in a longer word": f"{latin}s",
        "Latin relation behind a letter": f"x{latin}",
        "short relation": relation[:-1],
        "answer": answer,
        "long answer": f"{answer}手",
        "short answer": answer[:-1],
        "number": amount,
        "number behind a letter": f"v{amount}",
        "number behind a digit": f"1{amount}",
        "number before a digit": f"{amount}0",
        "inside": inside,
        "inside a longer word": f"{inside}イ",
        "copied": f"昼{common}寝",
        "wrong": f"料{common}理",
    }


def known_facts() -> list[Fact]:
    """Return the facts, with the answers ANSWERS, and WRONG."""
    facts = []
    for word in map(words, range(FACTS)):
        entity = "|".join((word["entity"], word["longer entity"], word["marked entity"]))
        relation = "|".join((word["relation"], word["Latin relation"]))
        answers = (f"{word['answer']}|{word['long answer']}", word["number"], f"*{word['inside']}", word["copied"])
        facts.append(fact(entity, relation, *answers, wrong=[word["wrong"]]))
    return facts


def documents() -> list[str]:
    """Return the corpus in a random order."""
    draw, texts = random.Random(0), []
    for number in range(FACTS):
        word = words(number)
        for place, case in enumerate(CASES):
            texts += [_text(draw, word, case.pieces) for _ in range(_times(number, place))]
        for group in range(_groups(number)):
            texts += _copies(draw, word, in_one_piece=(number + group) % 2 == 1)
    draw.shuffle(texts)
    return texts


def known_counts(around: Around) -> list[dict[str, int]]:
    """Return the counts of each fact, as `shown` names them."""
    column, facts = AROUND.index(around), []
    for number in range(FACTS):
        copies = _groups(number) * len(SHARES)
        counts = Counter({key: 0 for name in (*ANSWERS, WRONG) for key in _keys(name)})
        counts.update(entity=copies, times=copies, related=copies)
        counts.update(dict(zip(_keys("copied"), (copies, copies, copies, _groups(number)), strict=True)))
        for place, case in enumerate(CASES):
            times = _times(number, place)
            counts.update(entity=times * (case.entity > 0), times=times * case.entity, related=times * case.related)
            for name, occurrences in case.answers.items():
                near = occurrences[column]
                added = (times, times * (near > 0), times * near, times * (near > 0))
                counts.update(dict(zip(_keys(name), added, strict=True)))
        facts.append(dict(counts))
    return facts


def shown(found: FactCounts) -> dict[str, int]:
    """Return counts of a fact by their names."""
    counts = {"entity": found.entity, "times": found.entity_occurrences, "related": found.related}
    for name, answer in zip((*ANSWERS, WRONG), found.answers, strict=True):
        numbers = (answer.documents, answer.near, answer.near_occurrences, answer.texts)
        counts |= dict(zip(_keys(name), numbers, strict=True))
    return counts


def _keys(name: str) -> tuple[str, str, str, str]:
    return (f"{name}: documents", f"{name}: near", f"{name}: times", f"{name}: texts")


def _times(number: int, place: int) -> int:
    """Return how many documents of a case a fact has: not the same for all, so that no two can be confused."""
    return 1 + (number + place) % 3


def _groups(number: int) -> int:
    """Return how many groups of copies a fact has."""
    return 1 + number % 3


def _other(draw: random.Random, count: int) -> list[str]:
    return draw.choices(_OTHER, k=count)


def _text(draw: random.Random, word: Mapping[str, str], pieces: Sequence[str | int]) -> str:
    inner = [word[piece] if isinstance(piece, str) else "".join(_other(draw, piece)) for piece in pieces]
    return "".join([*_other(draw, WINDOW), *inner, *_other(draw, WINDOW)])


def _copies(draw: random.Random, word: Mapping[str, str], *, in_one_piece: bool) -> list[str]:
    """Return documents that have one window in common, of which shares are changed, in other text."""
    named = word["entity"] + word["relation"]
    before, size = WINDOW - len(named), 2 * WINDOW + len(word["copied"])
    window, texts = _other(draw, before + WINDOW), []
    for share in SHARES:
        copy, count = window.copy(), round(share * size)
        first = draw.randrange(len(copy) - count)
        places = range(first, first + count) if in_one_piece else draw.sample(range(len(copy)), count)
        for place in places:
            copy[place] = chr(ord(copy[place]) + 1)
        middle = [*copy[:before], named, word["copied"], *copy[before:]]
        texts.append("".join([*_other(draw, WINDOW), *middle, *_other(draw, WINDOW)]))
    return texts
