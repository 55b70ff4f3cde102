"""Drop documents that are mostly not Japanese."""

from dataclasses import dataclass

from tanuki_jax.config.limits import Share
from tanuki_jax.corpus.cleaning.character_classes import Class, count_classes
from tanuki_jax.corpus.cleaning.draft import Draft

_JAPANESE = [Class.HIRAGANA, Class.KATAKANA, Class.KANJI]


@dataclass(frozen=True, kw_only=True)
class JapaneseShare:
    """Drop documents in which too few of the letters and digits are kana or kanji.

    The Swallow corpus (Okazaki et al., 2024) keeps a document from a share of .5 on. Upstream took HojiChar's
    `AcceptJapanese`, which asks for one kana only.
    """

    least: Share = 0.5
    """Least share of kana and kanji among letters and digits of all scripts."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        counts = count_classes(draft.text).tolist()
        japanese = sum(counts[kind] for kind in _JAPANESE)
        letters = japanese + counts[Class.LATIN] + counts[Class.DIGIT] + counts[Class.LETTER]
        share = japanese / max(letters, 1)
        return "" if draft.within("share of Japanese", share, least=self.least) else "too little Japanese"
