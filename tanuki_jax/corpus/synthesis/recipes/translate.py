"""A part of a document with its translation between Japanese and English."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.identify_language import identified
from tanuki_jax.corpus.records.types import Conversation, Document, Message
from tanuki_jax.corpus.synthesis.answer_text import bare_answer
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Reply, Sampling
from tanuki_jax.corpus.synthesis.sliced_recipe import SlicedRecipe

REQUESTS: Mapping[Language, tuple[str, ...]] = {
    "ja": (
        "Please translate this into Japanese.\n\n{text}",
        "次の英文を日本語に訳してください。\n\n{text}",
        "{text}\n\n上の英語を自然な日本語にしてください。",
        "以下を和訳してください。\n\n{text}",
        "日本語に翻訳して。\n{text}",
    ),
    "en": (
        "次の文章を英語に訳してください。\n\n{text}",
        "{text}\n\n上の日本語を英語にしてください。",
        "Translate the following Japanese into English.\n\n{text}",
        "以下を英訳してください。\n\n{text}",
        "英語に翻訳して。\n{text}",
    ),
}
"""Language of the translation -> what a user says, with the text."""
TRANSLATION = Sampling(temperature=0.2)
"""Settings of a translation's request."""


@dataclass(frozen=True, kw_only=True)
class Translate(SlicedRecipe):
    """Translate a part of a document from Japanese to English, or from English to Japanese."""

    name = "translate"

    into: Literal["ja", "en", "other"] = "other"
    """Language of the translation, in which documents are dropped; other: the one that the document is not in."""
    form: Literal["document", "conversation"] = "document"
    """Form of the record: a document with the text and its translation, or a conversation in which a user asks for
    it."""
    sampling: Sampling = TRANSLATION
    """Settings of the request."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.language != "same":
            raise InputError("translate.language must be 'same'; translate.into is the language of the translation")

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the request of the translation."""
        part = self.part(item, random)
        into: Language = "en" if part.language == "ja" else "ja"
        if self.into not in (into, "other"):
            raise Dropped("document is in the language of the translation")
        text = yield from ask_translation(part.text, into, self.sampling)
        metadata = self.metadata(part, into)
        if self.form == "document":
            both = (part.text, text) if into == "en" else (text, part.text)
            return Made(Document(item.key, "\n".join(both), metadata), text, (part.text,), into)
        request = random.choice(REQUESTS[into]).format(text=part.text)
        turns = (Message("user", request), Message("assistant", text))
        return Made(Conversation(item.key, turns, metadata), text, (part.text,), into)


def ask_translation(text: str, into: Language, sampling: Sampling) -> Generator[Ask, Reply, str]:
    """Ask for the translation of a text, and return it.

    Args:
        text: text in the other of the two languages.
        into: language of the translation.
        sampling: settings of the request.

    Raises:
        Dropped: the answer is not in the language.
    """
    reply = yield Ask(f"translate/translation.{into}.jinja", {"text": text}, sampling)
    return translation_in(reply.text, into)


def translation_in(answer: str, into: Language) -> str:
    """Return the translation that an answer holds. Dropped if it is not in the language."""
    text = bare_answer(answer)
    if identified(text).code not in (into, ""):
        raise Dropped("translation in another language")
    return text
