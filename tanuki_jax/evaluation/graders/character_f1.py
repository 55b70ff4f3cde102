"""The metric `char_f1` of llm-jp-eval and of the Nejumi leaderboard, which is a similarity of sorted words.

Source: `char_f1` in wandb/llm-leaderboard (scripts/evaluator/evaluate_utils/metrics.py, v3.0.0) and llm-jp-eval is
`fuzz.token_sort_ratio(prediction, answer) / 100` of fuzzywuzzy 0.18.0 with python-Levenshtein 0.21.1. It is written
anew here, because rapidfuzz, which succeeds fuzzywuzzy, neither rounds nor splits at the same characters.
"""

import re

_NO_WORD = re.compile(r"\W")
_REMOVED = dict.fromkeys(range(128, 256))


def character_f1(response: str, answer: str) -> float:
    """Return the similarity of a response and an answer, from 0 to 1 in steps of 0.01.

    The characters U+0080 to U+00FF are left out, every character that belongs to no word becomes a space, capitals
    become small, and the words are sorted. The similarity of the two lines is 2 L / N, where L is the length of their
    longest common subsequence and N the sum of their lengths, rounded half to even. Lines that are equal have 1, also
    empty ones; an empty and another one have 0.
    """
    one, two = _sorted_words(response), _sorted_words(answer)
    if one == two:
        return 1.0
    if not one or not two:
        return 0.0
    return round(100 * (2 * _common_length(one, two) / (len(one) + len(two)))) / 100


def _sorted_words(text: str) -> str:
    return " ".join(sorted(_NO_WORD.sub(" ", text.translate(_REMOVED)).lower().split()))


def _common_length(one: str, two: str) -> int:
    """Return the length of the longest common subsequence, by the bits of one integer (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for index, sign in enumerate(one):
        places[sign] = places.get(sign, 0) | 1 << index
    mask = (1 << len(one)) - 1
    row = mask
    for sign in two:
        matched = row & places.get(sign, 0)
        row = ((row + matched) | (row - matched)) & mask
    return len(one) - row.bit_count()
