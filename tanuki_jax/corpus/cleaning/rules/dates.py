"""Drop lines that are dates, stamps and tables of numbers."""

import re
from dataclasses import dataclass

from tanuki_jax.config.limits import NonNegativeInt, PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import ends_sentence, keep_lines

_DIGIT = re.compile(r"[0-9０-９]")
_MARK = re.compile(r"[:：日年月\-/／]")


@dataclass(frozen=True, kw_only=True)
class Dates:
    """Drop lines that begin with a date or a time.

    Upstream drops a line with more than 5 digits and one of : 日 年 月 - / ／ within its first 20 characters. That
    drops "2019年10月22日、東京で..." too, so that here a line stays that ends as a sentence and is longer than a stamp.
    """

    within: PositiveInt = 20
    """Number of characters at the beginning of a line in which digits are counted."""
    most_digits: NonNegativeInt = 5
    """Greatest number of digits there."""
    sentence_characters: PositiveInt = 30
    """Length from which on a line that ends as a sentence stays."""
    longest: PositiveInt = 100
    """Greatest number of characters of a line that is dropped: a paragraph that begins with a date stays."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        return keep_lines(draft, self._keeps)

    def _keeps(self, line: str) -> bool:
        if len(line) > self.longest:
            return True
        start = line.lstrip()[: self.within]
        if len(_DIGIT.findall(start)) <= self.most_digits or _MARK.search(start) is None:
            return True
        return len(line) >= self.sentence_characters and ends_sentence(line)
