"""Score documents by a learned model, and drop the worst."""

from dataclasses import dataclass
from typing import Annotated

from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.quality.fasttext_model import Symbols
from tanuki_jax.corpus.cleaning.quality.quality_file import scorer

_NAME = "quality"


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Score documents by the probability that a person would call them good, and drop those below a threshold.

    Upstream dropped documents whose more probable label had more than .9, whichever label it was; here only the
    probability of good counts. The score is kept with the document, so that a mixture can weigh buckets of quality.
    """

    model: str = ""
    """Path of a model: one that `clean train quality` made, or one of fastText; empty: the rule does nothing."""
    threshold: Annotated[float, Limits(at_least=0, at_most=1)] = 0.5
    """Least score of a document that is kept; 0: score only."""
    symbols: Symbols = "characters"
    """Symbols into which the texts of a fastText model were cut: characters, base_forms, or text as it is."""
    good_label: str = "good"
    """Label of good texts in a fastText model."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it. InputError if the file holds no model."""
        if not self.model:
            return ""
        score = scorer(self.model, self.symbols, self.good_label).score(draft.text)
        draft.scores[_NAME] = score
        return "" if draft.within("score", score, least=self.threshold) else "low quality"
