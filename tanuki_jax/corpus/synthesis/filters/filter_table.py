"""The table of filters: a new filter is one file beside this one and one row here."""

from collections.abc import Iterable, Mapping

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
from tanuki_jax.corpus.synthesis.made import Filter, Made

FILTERS: Mapping[str, type[Filter]] = {
    "copied_source": CopiedSource,
    "diversity": Diversity,
    "evaluation_leak": EvaluationLeak,
    "grounding": Grounding,
    "self_repetition": SelfRepetition,
    "source_noise": SourceNoise,
    "teacher_phrases": TeacherPhrases,
    "unsafe": Unsafe,
    "written_language": WrittenLanguage,
    "written_length": WrittenLength,
}
"""Name -> filter. Reports and options call a filter by this name."""
_NAMES = {kind: name for name, kind in FILTERS.items()}


def name_of(a_filter: Filter) -> str:
    """Return the name of a filter."""
    return _NAMES[type(a_filter)]


def reason_to_drop(made: Made, filters: Iterable[Filter]) -> str:
    """Return name and reason of the first filter that drops a record, as in "grounding: ..."; empty: none does."""
    for each in filters:
        if reason := each.reason(made):
            return f"{name_of(each)}: {reason}"
    return ""
