"""Lists of words in two languages, one entry a line, from which recipes draw at random."""

import functools
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.recipe import Language

LISTS = Path(__file__).parent / "lists"
"""Folder of the lists."""
_BETWEEN = " | "


@dataclass(frozen=True, slots=True)
class Bilingual:
    """A phrase in Japanese and in English."""

    ja: str
    en: str

    def text(self, language: Language) -> str:
        """Return the phrase in a language."""
        return self.ja if language == "ja" else self.en


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list."""

    words: Bilingual
    group: Bilingual
    """Heading above it, such as a subject and a grade; empty: there is none."""

    def text(self, language: Language) -> str:
        """Return the entry in a language."""
        return self.words.text(language)


@functools.cache
def entries(name: str, folder: Path = LISTS) -> tuple[Entry, ...]:
    """Return the entries of a list.

    Args:
        name: file in the folder, without ".txt". Its lines are `Japanese | English`, and headings the same in brackets.
        folder: folder of the lists.

    Raises:
        InputError: a line is not so.
    """
    path, group, found = folder / f"{name}.txt", Bilingual("", ""), list[Entry]()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        heading = line.startswith("[")
        parts = line.removeprefix("[").removesuffix("]" if heading else "").split(_BETWEEN)
        if len(parts) != 2 or not all(part.strip() for part in parts) or heading != line.endswith("]"):
            raise InputError(f"{path.name}, line {number}: write `Japanese{_BETWEEN}English`, not {line!r}")
        words = Bilingual(*(part.strip() for part in parts))
        if heading:
            group = words
        else:
            found.append(Entry(words, group))
    return tuple(found)


def group(name: str, heading: str) -> tuple[Entry, ...]:
    """Return the entries of a list below a heading.

    Args:
        name: the list, as in `entries`.
        heading: the heading in English.
    """
    return tuple(entry for entry in entries(name) if entry.group.en == heading)


def draw(random: Random, name: str, language: Language) -> str:
    """Return one entry of a list at random."""
    return random.choice(entries(name)).text(language)
