"""Themes of invented questions: genres or a unit of the courses of study, a kind of task, and who asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tanuki_jax.corpus.synthesis.recipe import Language
from tanuki_jax.corpus.synthesis.word_lists import draw, entries


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A theme at random."""

    genres: tuple[str, ...]
    """Genres that the question joins; empty: it is on a unit."""
    unit: str
    """School, subject and unit of the courses of study; empty: the question is on genres."""
    task: str
    """Kind of task, as in "asks for a plan"."""
    persona: str
    """Character and job of the person who asks; empty: it is left open."""

    @property
    def values(self) -> Mapping[str, object]:
        """Return what templates get of it."""
        return {"genres": self.genres, "unit": self.unit, "task": self.task, "persona": self.persona}

    @property
    def metadata(self) -> Mapping[str, object]:
        """Return its choices, as JSON values, without the empty ones."""
        listed = {**self.values, "genres": [*self.genres]}
        return {name: value for name, value in listed.items() if value}


def draw_theme(random: Random, language: Language, *, genres: int, unit_share: float, persona_share: float) -> Theme:
    """Return a theme at random.

    Args:
        random: source of the choices.
        language: language of the words.
        genres: number of genres of a theme that is on no unit.
        unit_share: probability that the theme is a unit of the courses of study.
        persona_share: probability that a person is drawn.
    """
    of_school, with_person = random.random() < unit_share, random.random() < persona_share
    drawn = random.choice(entries("curriculum"))
    names = random.sample(entries("genres"), genres)
    kind, person = draw(random, "tasks", language), draw_persona(random, language)
    school = drawn.group.text(language)
    unit = f"{school}「{drawn.text(language)}」" if language == "ja" else f"{school}: {drawn.text(language)}"
    return Theme(
        genres=() if of_school else tuple(name.text(language) for name in names),
        unit=unit if of_school else "",
        task=kind,
        persona=person if with_person else "",
    )


def draw_persona(random: Random, language: Language) -> str:
    """Return a person at random: a character and a job."""
    character, job = draw(random, "characters", language), draw(random, "jobs", language)
    return f"{character}{job}" if language == "ja" else f"{job}, {character}"
