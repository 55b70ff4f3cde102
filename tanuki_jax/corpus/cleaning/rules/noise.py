"""Drop most sentences with a word of page furniture."""

from dataclasses import dataclass
from typing import Annotated

from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import replace_text, sentences
from tanuki_jax.corpus.cleaning.vocabulary import matcher

_NAME = "noise"


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Drop a sentence with a noise word with a probability, so that the model still sees such words at times.

    Upstream drops with a probability of .9 too (`random_mid`, about 300 words); its random numbers differ between
    runs, ours depend on the document alone. As upstream, a line is cut into sentences first.
    """

    words: str = "noise_ja"
    """Vocabulary of noise words."""
    probability: Annotated[float, Limits(above=0, at_most=1)] = 0.9
    """Probability with which a sentence that has one is dropped."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        words = matcher(self.words)
        starts = [match.start for match in words.find(draft.text)]
        if not starts:
            return ""
        random = draft.random(_NAME)
        kept: list[str] = []
        stop, place = 0, 0
        for sentence in sentences(draft.text):
            stop += len(sentence)
            noisy = place < len(starts) and starts[place] < stop
            while place < len(starts) and starts[place] < stop:
                place += 1
            if not noisy or random.random() >= self.probability:
                kept.append(sentence)
            elif sentence.endswith("\n"):
                kept.append("\n")
        return replace_text(draft, "".join(kept))
