"""Drop the lines at the top of a document that are the header of its page."""

from dataclasses import dataclass

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import ends_sentence, replace_text


@dataclass(frozen=True, kw_only=True)
class Headers:
    """Drop leading lines that hold the title of a site or the way to a page, such as "ねこの話 | 動物の部屋".

    Upstream looks for | 】 > ] within the first 30 characters. A line that ends as a sentence is no header here, nor is
    a document's only line.
    """

    marks: str = "|｜】>＞]］»"
    """Characters that mark a header."""
    within: PositiveInt = 30
    """Number of characters at the beginning of a line in which they are looked for."""
    most_lines: PositiveInt = 5
    """Greatest number of lines that are dropped."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        text = draft.text
        for _ in range(self.most_lines):
            line, _, rest = text.lstrip("\n").partition("\n")
            if not rest or ends_sentence(line) or not any(mark in line[: self.within] for mark in self.marks):
                break
            text = rest
        return "" if text is draft.text else replace_text(draft, text)
