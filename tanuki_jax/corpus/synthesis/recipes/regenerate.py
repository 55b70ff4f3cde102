"""A part of a document written anew in one of many forms."""

import difflib
import functools
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.answer_text import bare_answer
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.recipes.translate import TRANSLATION, ask_translation
from tanuki_jax.corpus.synthesis.sliced_recipe import SlicedRecipe

GUIDED = "guided"
"""Style of a page that was written better after its faults were named."""
_SAMPLING = Sampling(temperature=0.7)
_FAULTS = Sampling(temperature=0.2, max_tokens=512)


@dataclass(frozen=True, kw_only=True)
class Regenerate(SlicedRecipe):
    """Write a part of a document anew, in a style that is drawn for each document.

    A style is a template for each language in the folder `regenerate/styles`. For pages that filters would drop there
    is `guided` (REWIRE, Nguyen et al., 2025): the teacher first names the faults of the page, then writes it better.
    """

    name = "regenerate"

    styles: tuple[str, ...] = ()
    """Styles of which one is drawn, with equal probability; empty: all of the language."""
    guided: bool = False
    """Whether the teacher names the faults of the page and mends them, rather than writing in a style."""
    translated: bool = False
    """Whether a further request translates the text between Japanese and English; the record then has the Japanese
    text, a line break, and the English one."""
    sampling: Sampling = _SAMPLING
    """Settings of the text's request."""
    translation: Sampling = TRANSLATION
    """Settings of the translation's request."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.guided and self.styles:
            raise InputError("regenerate.styles has no effect beside regenerate.guided; leave one of them out")
        for language in ("ja", "en") if self.language == "same" else (self.language,):
            known = styles_of(self, language)
            for style in self.styles:
                if style not in known:
                    near = difflib.get_close_matches(style, known, n=1, cutoff=0.0)[0]
                    raise InputError(f"regenerate.styles: there is no style {style!r}; the nearest is {near!r}")

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests: the faults if `guided`, the text, and its translation if there is to be one."""
        part = self.part(item, random)
        style = GUIDED if self.guided else random.choice(self.styles or styles_of(self, part.language))
        values = {"text": part.text}
        if self.guided:
            reply = yield Ask(self.template("faults", part.language), values, _FAULTS)
            values["faults"] = bare_answer(reply.text)
        file = "better" if self.guided else f"styles/{style}"
        reply = yield Ask(self.template(file, part.language), values, self.sampling)
        text = bare_answer(reply.text)
        if self.translated:
            into: Language = "en" if part.language == "ja" else "ja"
            other = yield from ask_translation(text, into, self.translation)
            text = f"{text}\n{other}" if part.language == "ja" else f"{other}\n{text}"
        metadata = self.metadata(part, style) | ({"language": "ja,en"} if self.translated else {})
        return Made(Document(item.key, text, metadata), text, (part.text,), style)


def styles_of(recipe: Recipe, language: Language) -> tuple[str, ...]:
    """Return the names of the styles for which there is a template in a language."""
    return _styles(recipe.templates / "regenerate" / "styles", language)


@functools.cache
def _styles(folder: Path, language: Language) -> tuple[str, ...]:
    return tuple(sorted(path.name.partition(".")[0] for path in folder.glob(f"*.{language}.jinja")))
