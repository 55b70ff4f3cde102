"""Drop documents whose statistics are not those of prose."""

import functools
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.text_statistics import (
    LEAST_LINES,
    Limit,
    groups_of,
    load_limits,
    statistics_of,
)

JAPANESE = (
    Limit(statistic="mean_sentence", least=8, most=250),
    Limit(statistic="short_lines", most=0.9),
    Limit(statistic="bullet_lines", most=0.9),
    Limit(statistic="ellipsis_lines", most=0.3),
    Limit(statistic="numbered_lines", most=0.6),
    Limit(statistic="symbol_share", most=0.1),
    Limit(statistic="code_share", most=0.1),
    Limit(statistic="digit_share", most=0.2),
    Limit(statistic="space_share", most=0.3),
    Limit(statistic="latin_share", most=0.4),
)
"""Limits for Japanese."""
ENGLISH = (
    Limit(statistic="words", least=50, most=100_000),
    Limit(statistic="mean_word", least=3, most=10),
    Limit(statistic="alphabetic_words", least=0.8),
    Limit(statistic="stop_words", least=2),
    Limit(statistic="ended_lines", least=0.12),
    Limit(statistic="short_lines", most=0.67),
    Limit(statistic="bullet_lines", most=0.9),
    Limit(statistic="ellipsis_lines", most=0.3),
    Limit(statistic="code_share", most=0.1),
    Limit(statistic="digit_share", most=0.2),
)
"""Limits for English: those of Gopher (table A1) and FineWeb where they have one."""


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Drop documents with a statistic outside its limits: the quality rules of Gopher, C4 and FineWeb.

    Their thresholds are for English. Gopher's bullets (.9) and ellipses (.3) and FineWeb's lines with an end (.12) and
    short lines (.67) are kept for Japanese; counts of words became lengths in characters. `clean train statistics` sets
    limits by texts that you know to be good, as FineWeb2 does it for a language.
    """

    limits: tuple[Limit, ...] = JAPANESE
    """Ranges of the statistics."""
    limits_file: str = ""
    """Path of a file that `clean train statistics` made, whose ranges take the place of `limits`; empty: none."""
    least_lines: PositiveInt = LEAST_LINES
    """Least number of lines of a document whose shares of lines (`*_lines`) are judged."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it. InputError if the file holds no limits."""
        limits = _from_file(self.limits_file) if self.limits_file else self.limits
        found = statistics_of(draft.text, _groups(limits))
        has_lines = found.get("lines", 0) >= self.least_lines
        for limit in limits:
            if limit.statistic.endswith("_lines") and not has_lines:
                continue
            value = found[limit.statistic]
            if not draft.within(limit.statistic, value, least=limit.least, most=limit.most):
                return f"{limit.statistic} too {'low' if value < limit.least else 'high'}"
        return ""


@functools.cache
def _from_file(path: str) -> tuple[Limit, ...]:
    return load_limits(Path(path))


@functools.cache
def _groups(limits: tuple[Limit, ...]) -> tuple[str, ...]:
    return groups_of(limit.statistic for limit in limits)
