"""Drop documents that are Japanese by their characters but no sentences: lists of names, terms and keywords."""

from dataclasses import dataclass

from tanuki_jax.config.limits import Share
from tanuki_jax.corpus.cleaning.character_classes import Class, count_classes
from tanuki_jax.corpus.cleaning.draft import Draft


@dataclass(frozen=True, kw_only=True)
class KanaShare:
    """Drop documents with too few hiragana, without which there is no Japanese sentence, or too many katakana.

    The Swallow corpus (Okazaki et al., 2024) wants at least .2 hiragana and at most .5 katakana. Essays of before
    1945 can be below .2 in hiragana; Chinese is below .02.
    """

    least_hiragana: Share = 0.15
    """Least share of hiragana among kana and kanji."""
    most_katakana: Share = 0.5
    """Greatest share of katakana among kana and kanji."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        counts = count_classes(draft.text)
        hiragana, katakana, kanji = (int(counts[kind]) for kind in (Class.HIRAGANA, Class.KATAKANA, Class.KANJI))
        japanese = max(hiragana + katakana + kanji, 1)
        if not draft.within("share of hiragana", hiragana / japanese, least=self.least_hiragana):
            return "too few hiragana"
        enough = draft.within("share of katakana", katakana / japanese, most=self.most_katakana)
        return "" if enough else "too many katakana"
