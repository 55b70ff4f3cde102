"""Synthesis from documents: --inputs names them, such as those of a cleaning run."""

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.synthesis.filters.copied_source import CopiedSource
from tanuki_jax.corpus.synthesis.filters.diversity import Diversity
from tanuki_jax.corpus.synthesis.filters.evaluation_leak import EvaluationLeak
from tanuki_jax.corpus.synthesis.filters.grounding import Grounding
from tanuki_jax.corpus.synthesis.filters.self_repetition import SelfRepetition
from tanuki_jax.corpus.synthesis.filters.source_noise import SourceNoise
from tanuki_jax.corpus.synthesis.filters.teacher_phrases import TeacherPhrases
from tanuki_jax.corpus.synthesis.filters.unsafe import Unsafe
from tanuki_jax.corpus.synthesis.filters.written_language import WrittenLanguage
from tanuki_jax.corpus.synthesis.filters.written_length import WrittenLength
from tanuki_jax.corpus.synthesis.made import Filter
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.corpus.synthesis.recipes.augment import Augment
from tanuki_jax.corpus.synthesis.recipes.rag_qa import RagQa
from tanuki_jax.corpus.synthesis.recipes.regenerate import Regenerate
from tanuki_jax.corpus.synthesis.recipes.short_answer import ShortAnswer
from tanuki_jax.corpus.synthesis.recipes.translate import Translate
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis

REWRITTEN: tuple[Filter, ...] = (
    WrittenLength(shortest=50),
    WrittenLanguage(),
    TeacherPhrases(),
    SelfRepetition(),
    Diversity(),
    SourceNoise(),
    CopiedSource(),
    Grounding(most=2),
    Unsafe(),
    EvaluationLeak(),
)
"""Filters of texts that are written from others. Rewriting brings a number or a name of its own now and then."""

ANSWERED: tuple[Filter, ...] = (WrittenLanguage(), TeacherPhrases(), Grounding(), Unsafe(), EvaluationLeak())
"""Filters of questions and answers: every number and name of theirs must be in the document."""


@synthesis("regenerate")
def regenerate() -> Synthesis:
    """Return a run that writes parts of documents anew, each in one of 30 styles."""
    return Synthesis(
        name="regenerate",
        recipe=Regenerate(language="ja"),
        filters=REWRITTEN,
        duplicates=Duplicates(),
        kind="rewritten documents",
    )


@synthesis("guided")
def guided() -> Synthesis:
    """Return a run for pages that `clean` would drop: first what is wrong with each, then a better text."""
    return Synthesis(
        name="guided",
        recipe=Regenerate(language="ja", guided=True),
        filters=REWRITTEN,
        duplicates=Duplicates(),
        kind="weak pages, rewritten with guidance",
    )


@synthesis("augment")
def augment() -> Synthesis:
    """Return a run that puts tasks with answers behind documents."""
    return Synthesis(
        name="augment",
        recipe=Augment(language="ja"),
        filters=(WrittenLanguage(), TeacherPhrases(), Grounding(most=2), Unsafe(), EvaluationLeak()),
        duplicates=Duplicates(),
        kind="documents followed by tasks",
    )


@synthesis("rag_qa")
def rag_qa() -> Synthesis:
    """Return a run that asks questions which a document answers and which are understood without it."""
    return Synthesis(
        name="rag_qa",
        recipe=RagQa(language="ja"),
        filters=(WrittenLength(shortest=15), *ANSWERED),
        duplicates=Duplicates(),
        kind="questions about documents",
    )


@synthesis("short_answer")
def short_answer() -> Synthesis:
    """Return a run that asks questions whose answers are a word or a number of a document."""
    return Synthesis(
        name="short_answer",
        recipe=ShortAnswer(language="ja"),
        filters=ANSWERED,
        duplicates=Duplicates(),
        kind="questions with short answers about documents",
    )


@synthesis("translate")
def translate() -> Synthesis:
    """Return a run that translates parts of documents between Japanese and English."""
    return Synthesis(
        name="translate",
        recipe=Translate(),
        filters=(TeacherPhrases(), Grounding(names=False, most=1), Unsafe(), EvaluationLeak()),
        kind="translations",
        language="ja+en",
    )
