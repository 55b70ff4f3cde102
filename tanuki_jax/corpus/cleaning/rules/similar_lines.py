"""Drop lines of lists in which one line is like the next."""

from dataclasses import dataclass

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import ends_sentence, replace_text


@dataclass(frozen=True, kw_only=True)
class SimilarLines:
    """Drop runs of lines that begin alike, such as entries of a catalogue; the first line of a run stays.

    Upstream drops a document if two neighbours differ in fewer than two of the characters among their first ten. Here
    it takes a run of several, and lines that end as sentences are left alone.
    """

    run: PositiveInt = 4
    """Least number of neighbours that make a list."""
    characters: PositiveInt = 10
    """Number of characters at the beginning of each line that are compared, as sets."""
    differ: PositiveInt = 2
    """Number of characters in one set and not in the other from which on lines are different."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        kept: list[str] = []
        run: list[str] = []
        before: frozenset[str] = frozenset()
        lines = draft.text.split("\n")
        for line in lines:
            start = frozenset(line[: self.characters])
            if not (run and start and len(start ^ before) < self.differ and not ends_sentence(line)):
                kept += run[:1] if len(run) >= self.run else run
                run = []
            run.append(line)
            before = start
        kept += run[:1] if len(run) >= self.run else run
        return "" if len(kept) == len(lines) else replace_text(draft, "\n".join(kept))
