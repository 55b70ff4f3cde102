"""Facts to look for: entity, relation and answers, each with its spellings, from a YAML or TSV file."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError

_COLUMNS = ("entity", "relation", "answers", "wrong")
_FIELDS = (*_COLUMNS, "neutral", "questions")


@dataclass(frozen=True)
class Word:
    """A name or a word, in all its spellings."""

    name: str
    """The first spelling, as the file has it."""
    spellings: tuple[str, ...]
    """Spellings after NFKC, each once."""
    inside: bool = False
    """Whether it also counts inside a longer word of its script, as アリ in アリス."""


@dataclass(frozen=True)
class Fact:
    """An entity, a relation of it, and the answers that texts may give."""

    entity: Word
    relation: Word
    answers: tuple[Word, ...]
    wrong: tuple[Word, ...]
    """Answers that are wrong, to see how often texts give them."""
    line: int
    """Line of the file, from 1."""
    neutral: tuple[Word, ...] = ()
    """Answers that are neither wanted nor wrong, when a model is asked. They are not counted in texts."""
    questions: tuple[str, ...] = ()
    """Questions for the answers, to ask a model."""

    @property
    def words(self) -> tuple[Word, ...]:
        """Return the words that are looked for in texts."""
        return (self.entity, self.relation, *self.answers, *self.wrong)


def read_facts(path: Path) -> list[Fact]:
    """Read facts.

    A TSV file has the columns entity, relation, answers and, if wanted, wrong; `|` is between spellings of a word, `;`
    between answers, a `*` before the first spelling of a word lets all of them count inside longer words, and quotes
    are part of a spelling; lines that begin with `#` are comments. A YAML file is a list of mappings with these names;
    a word is a string, a list of spellings, or a mapping with `spellings` and `inside`. A fact may also have `neutral`
    words and `questions`, which are for models.

    Raises:
        InputError: the file cannot be read, or a fact cannot be counted; the sentence has the line.
    """
    try:
        content = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the facts {path} cannot be read: {error}") from error
    rows = _yaml_rows(path, content) if path.suffix.lower() in (".yaml", ".yml") else _tsv_rows(path, content)
    facts = [_fact(path, line, fields) for line, fields in rows]
    if not facts:
        raise InputError(f"{path} has no fact: give at least one, with entity, relation and answers")
    twice = [pair for pair, count in Counter((fact.entity, fact.relation) for fact in facts).items() if count > 1]
    if twice:
        line = [fact.line for fact in facts if (fact.entity, fact.relation) == twice[0]][1]
        raise InputError(f"{path}:{line} has {twice[0][0].name}, {twice[0][1].name} again: give all answers once")
    return facts


def _tsv_rows(path: Path, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = content.splitlines()
    header = lines[0].split("\t") if lines else []
    if header[:3] != list(_COLUMNS[:3]) or header[3:] not in ([], ["wrong"]):
        raise InputError(f"{path}:1 is not the header entity, relation, answers (and wrong), with tabs between them")
    for number, cells in enumerate(csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE), 2):
        if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
            continue
        if len(cells) > len(header):
            raise InputError(f"{path}:{number} has {len(cells)} columns, and the header {len(header)}")
        row = dict(zip(header, cells, strict=False))
        place = f"{path}:{number}"
        fields: dict[str, Any] = {name: _tsv_word(place, row.get(name, "")) for name in ("entity", "relation")}
        for name in ("answers", "wrong"):
            fields[name] = [_tsv_word(place, cell) for cell in row.get(name, "").split(";") if cell.strip()]
        yield number, fields


def _tsv_word(place: str, cell: str) -> dict[str, Any]:
    bare = cell.strip()
    first, *others = bare.removeprefix("*").split("|")
    if starred := [spelling.strip() for spelling in others if spelling.strip().startswith("*")]:
        raise InputError(
            f"{place} has the spelling {starred[0]!r} behind another one: a * before the first spelling of a word "
            "holds for all of them"
        )
    return {"spellings": [first, *others], "inside": bare.startswith("*")}


def _yaml_rows(path: Path, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        import yaml
    except ModuleNotFoundError:
        raise InputError("YAML files need pyyaml: pip install 'tanuki-jax[corpus]'") from None
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is eight times as fast
    try:
        node, rows = yaml.compose(content, Loader=kind), yaml.load(content, Loader=kind)
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(rows, list) or node is None:
        raise InputError(f"{path} is not a list of facts, each with entity, relation and answers")
    for item, fields in zip(node.value, rows, strict=True):
        line = item.start_mark.line + 1
        names = [key.value for key, _ in item.value] if isinstance(item, yaml.MappingNode) else []
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(f"{path}:{line} has the field {twice[0]!r} twice: give a list")
        if not isinstance(fields, dict) or (unknown := [name for name in fields if name not in _FIELDS]):
            found = f"the field {unknown[0]!r}" if isinstance(fields, dict) else "an item"
            raise InputError(f"{path}:{line} has {found} that is none of {', '.join(_FIELDS)}")
        yield line, fields


def _fact(path: Path, line: int, fields: dict[str, Any]) -> Fact:
    place = f"{path}:{line}"
    entity, relation = (_word(place, name, fields.get(name)) for name in ("entity", "relation"))
    answers = _words(place, "answers", fields.get("answers"))
    if not answers:
        raise InputError(f"{place} has no answer: give at least one")
    wrong, neutral = (_words(place, name, fields.get(name)) for name in ("wrong", "neutral"))
    fact = Fact(entity, relation, answers, wrong, line, neutral, _questions(place, fields.get("questions")))
    _check_apart(place, fact)
    return fact


def _questions(place: str, value: Any) -> tuple[str, ...]:
    questions = value if isinstance(value, list) else [] if value is None else [value]
    if wrong := [each for each in questions if not isinstance(each, str) or not each.strip()]:
        raise InputError(f"{place} has {wrong[0]!r} in questions, which must be a question or a list of them")
    return tuple(questions)


def _check_apart(place: str, fact: Fact) -> None:
    """Raise InputError if two words of a fact have a spelling in common: they would be found in one place."""
    kinds = ["the entity", "the relation", *["an answer"] * len(fact.answers), *["a wrong answer"] * len(fact.wrong)]
    kinds += ["a neutral answer"] * len(fact.neutral)
    owner: dict[str, str] = {}
    for kind, word in zip(kinds, (*fact.words, *fact.neutral), strict=True):
        for spelling in word.spellings:
            if spelling in owner:
                raise InputError(f"{place} has {spelling!r} as {owner[spelling]} and as {kind}: leave one out")
            owner[spelling] = kind


def _words(place: str, name: str, value: Any) -> tuple[Word, ...]:
    if value is None:
        return ()
    return tuple(_word(place, name, item) for item in (value if isinstance(value, list) else [value]))


def _word(place: str, name: str, value: Any) -> Word:
    inside = False
    if isinstance(value, dict):
        if unknown := [key for key in value if key not in ("spellings", "inside")]:
            raise InputError(f"{place} has {unknown[0]!r} in {name}, which is neither spellings nor inside")
        inside, value = value.get("inside", False), value.get("spellings")
    given = value if isinstance(value, list) else [value]
    if wrong := [item for item in given if isinstance(item, bool | list | dict)]:
        raise InputError(f"{place} has {wrong[0]!r} as a spelling of {name}: put a word that YAML reads so in quotes")
    spellings = [str(item).strip() for item in given if item is not None and str(item).strip()]
    if not spellings or not isinstance(inside, bool):
        raise InputError(f"{place} has no {name}: give a spelling, or a list of them")
    normal = tuple(dict.fromkeys(unicodedata.normalize("NFKC", spelling) for spelling in spellings))
    for spelling in normal:
        if len(spelling) < 2 and not inside:
            raise InputError(
                f"{place} has the spelling {spelling!r} of one character, which may be in most texts: spell more of "
                "it, or say that the word counts inside longer words too (a * before its first spelling in TSV, "
                "inside: true in YAML)"
            )
    return Word(spellings[0], normal, inside)


def spellings_of(facts: Sequence[Fact]) -> list[tuple[str, bool]]:
    """Return all (spelling, whether it counts inside longer words) of facts, sorted, each once."""
    return sorted({(spelling, word.inside) for fact in facts for word in fact.words for spelling in word.spellings})
