"""Words in answers."""

import re

from tanuki_jax.base.errors import InputError


def occurrences(word: str, text: str) -> int:
    """Return how often a word is in a text: one of Latin letters as a whole word in any case, any other wherever its
    characters are, without overlaps."""
    if word.isascii() and word.isalpha():
        return len(re.findall(rf"(?<![A-Za-z]){word}(?![A-Za-z])", text, re.IGNORECASE))
    return text.count(word)


def check_word(field: str, word: str) -> None:
    """Raise InputError if a field's word is empty or has white space around it."""
    if not word or word != word.strip():
        raise InputError(f"{field} is {word!r}, and must have characters and no white space around them")
