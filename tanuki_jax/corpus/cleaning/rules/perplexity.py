"""Score documents by a language model of characters, and drop those it finds too strange or too easy."""

import math
from dataclasses import dataclass
from typing import Annotated

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.quality.character_model import load_characters

_NAME = "perplexity"


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """Score documents by the perplexity of a character, and drop those outside a range.

    CCNet (Wenzek et al., 2020) filters by perplexity under a model of an encyclopedia. Very low means text that
    repeats what the model was trained on, or itself; very high means no sentences, or another kind of them.
    """

    model: str = ""
    """Path of a model that `clean train perplexity` made of good texts."""
    least: Annotated[float, Limits(at_least=1)] = 1.0
    """Least perplexity of a document that is kept."""
    most: Annotated[float, Limits(at_least=1, finite=False)] = math.inf
    """Greatest perplexity of a document that is kept; infinite: score only."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it. InputError if there is no model."""
        if not self.model:
            raise InputError(
                "perplexity.model names no file; make one by clean train perplexity, or leave the rule out"
            )
        found = load_characters(self.model).perplexity(draft.text)
        if math.isfinite(found):
            draft.scores[_NAME] = found
        if math.isinf(found):
            return "perplexity too high"
        if draft.within(_NAME, found, least=self.least, most=self.most):
            return ""
        return "perplexity too high" if found > self.most else "perplexity too low"
