"""Synthesis without documents: conversations, problems, commands and magpie; --count says how many."""

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.synthesis.filters.evaluation_leak import EvaluationLeak
from tanuki_jax.corpus.synthesis.filters.self_repetition import SelfRepetition
from tanuki_jax.corpus.synthesis.filters.teacher_phrases import TeacherPhrases
from tanuki_jax.corpus.synthesis.filters.unsafe import Unsafe
from tanuki_jax.corpus.synthesis.filters.written_language import WrittenLanguage
from tanuki_jax.corpus.synthesis.made import Filter
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.corpus.synthesis.recipes.fixed import Fixed
from tanuki_jax.corpus.synthesis.recipes.instruct import Instruct
from tanuki_jax.corpus.synthesis.recipes.keyword import Keyword
from tanuki_jax.corpus.synthesis.recipes.logic_math_code import LogicMathCode
from tanuki_jax.corpus.synthesis.recipes.magpie import Magpie
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis

SPOKEN: tuple[Filter, ...] = (WrittenLanguage(), TeacherPhrases(), SelfRepetition(), Unsafe(), EvaluationLeak())
"""Filters of conversations."""


@synthesis("instruct")
def instruct() -> Synthesis:
    """Return a run of questions on genres, tasks, persons and units of school at random, with answers."""
    return Synthesis(
        name="instruct", recipe=Instruct(), filters=SPOKEN, duplicates=Duplicates(), kind="invented instructions"
    )


@synthesis("multi_turn")
def multi_turn() -> Synthesis:
    """Return a run of conversations of three questions, of which the later ones follow up the answers."""
    return Synthesis(
        name="multi_turn",
        recipe=Instruct(turns=3),
        filters=SPOKEN,
        duplicates=Duplicates(),
        kind="invented conversations of several turns",
    )


@synthesis("four_fields")
def four_fields() -> Synthesis:
    """Return a run of questions with a dialogue-like answer, follow-up questions and a report-like answer, as JSON."""
    return Synthesis(
        name="four_fields",
        recipe=Instruct(form="four_fields"),
        filters=SPOKEN,
        duplicates=Duplicates(),
        kind="invented instructions with a report",
    )


@synthesis("fixed")
def fixed() -> Synthesis:
    """Return a run of conversations that end with a command of form, and an answer that obeys it by code."""
    return Synthesis(
        name="fixed",
        recipe=Fixed(),
        filters=(Unsafe(), EvaluationLeak()),
        duplicates=Duplicates(),
        gate_share=0.9,
        kind="half-fixed tasks",
    )


@synthesis("logic_math_code")
def logic_math_code() -> Synthesis:
    """Return a run of problems in logic, mathematics and programming, checked by a second solution or by tests."""
    return Synthesis(
        name="logic_math_code",
        recipe=LogicMathCode(),
        filters=(TeacherPhrases(), Unsafe(), EvaluationLeak()),
        duplicates=Duplicates(),
        gate_share=0.9,
        kind="problems of logic, mathematics and code",
    )


@synthesis("keyword")
def keyword() -> Synthesis:
    """Return a run of questions around words that are drawn at random, with answers."""
    return Synthesis(
        name="keyword", recipe=Keyword(), filters=SPOKEN, duplicates=Duplicates(), kind="instructions around words"
    )


@synthesis("magpie")
def magpie() -> Synthesis:
    """Return a run in which the teacher writes what users of many kinds would say, and then answers."""
    return Synthesis(
        name="magpie", recipe=Magpie(), filters=SPOKEN, duplicates=Duplicates(), kind="users' messages by the teacher"
    )
