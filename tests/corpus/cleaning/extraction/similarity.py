"""The measure by which extracted texts are judged."""

import re
from collections import Counter

_LENGTH = 5


def f1(text: str, expected: str) -> float:
    """Return the F1 of two texts' character 5-grams, each counted as often as it occurs, without white space.

    White space is left out because Japanese has none between words; order counts only inside of 5 characters.
    """
    found, wanted = _grams(text), _grams(expected)
    common = (found & wanted).total()
    return 2 * common / max(1, found.total() + wanted.total())


def _grams(text: str) -> Counter[str]:
    dense = re.sub(r"\s+", "", text)
    return Counter(dense[start : start + _LENGTH] for start in range(max(1, len(dense) - _LENGTH + 1)))
