"""Keep documents of the wanted languages."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Share
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.identify_language import code_of, identified


@dataclass(frozen=True, kw_only=True)
class Language:
    """Drop documents that are not in a wanted language; the found one becomes the document's `language`."""

    wanted: tuple[str, ...] = ("ja",)
    """Codes of ISO 639-1."""
    least_share: Share = 0.5
    """Least share of letters, or of function words, that speak for the language."""
    model: str = ""
    """Path of a fastText model of languages, such as lid.176.bin, that decides in place of the project's own rules;
    empty: none. Its probability is the share then."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        if self.model:
            code, share = _by_model(self.model, draft.text)
        else:
            declared = draft.metadata.get("language")
            found = identified(draft.text, declared if isinstance(declared, str) else "")
            code, share = found.code, found.share
        draft.metadata["language"] = code
        draft.scores["language"] = round(share, 4)
        if code not in self.wanted:
            return "another language"
        return "" if draft.within("share of the language", share, least=self.least_share) else "mixed languages"


def _by_model(path: str, text: str) -> tuple[str, float]:
    labels, probabilities = _model(path)(" ".join(text.split()))
    return code_of(labels[0].removeprefix("__label__")), min(1.0, float(probabilities[0]))


@functools.cache
def _model(path: str) -> Callable[[str], tuple[list[str], list[float]]]:
    import fasttext

    try:
        predict: Callable[[str], tuple[list[str], list[float]]] = fasttext.load_model(path).predict
    except ValueError as error:
        raise InputError(f"the model of languages {path} cannot be read: {error}") from None
    return predict
