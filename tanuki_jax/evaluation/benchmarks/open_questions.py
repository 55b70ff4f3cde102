"""Questions without one right answer, answers to them, and the conversations that ask them.

Files of questions are JSON lines as those of FastChat (question_id, category, turns), of arena-hard (uid, category,
prompt), or with the fields id and question. Files of answers name their questions in the same way, and have `choices`
with `turns`, as FastChat writes them, or `turns`, or `answer`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.data_rows import Row, read_rows

_IDS = ("question_id", "id", "uid")
_QUESTIONS = ("turns", "question", "prompt")
_ANSWERS = ("turns", "answer")


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question of one or several turns."""

    id: str
    category: str
    """Kind of question, such as "writing"; empty: the file states none."""
    turns: tuple[str, ...]
    """Messages of the user, each of which follows the answer to the one before."""


def read_questions(path: Path, *, how: str = "") -> list[OpenQuestion]:
    """Return the questions of a file, in order.

    Args:
        path: file.
        how: sentence that says how to get the file, for the error if it is missing.

    Raises:
        InputError: the file is missing or malformed, or two questions have one name.
    """
    found: dict[str, OpenQuestion] = {}
    for number, row in enumerate(read_rows(path, how=how), 1):
        id = _id(path, number, row)
        if id in found:
            raise InputError(f"two questions of {path} are called {id}, row {number} and one before it")
        found[id] = OpenQuestion(id, str(row.get("category") or ""), _turns(path, number, row, _QUESTIONS))
    return list(found.values())


def read_answers(path: Path, *, how: str = "") -> dict[str, tuple[str, ...]]:
    """Return name of a question -> answers to its turns, from a file.

    Args:
        path: file.
        how: sentence that says how to get the file, for the error if it is missing.

    Raises:
        InputError: the file is missing or malformed, or a question has answers twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(read_rows(path, how=how), 1):
        id = _id(path, number, row)
        if id in found:
            raise InputError(f"{path} answers the question {id} twice, in row {number} and one before it")
        chosen = row.get("choices")
        inner: Any = chosen[0] if isinstance(chosen, list) and chosen else row
        found[id] = _turns(path, number, inner if isinstance(inner, Mapping) else row, _ANSWERS)
    return found


def as_turns(turns: Sequence[str]) -> str:
    """Return the messages of the user as a person reads them: each below the number of its turn if there are several.

    Args:
        turns: messages of the user.
    """
    if len(turns) == 1:
        return turns[0]
    return "\n\n".join(f"turn {number}:\n{turn}" for number, turn in enumerate(turns, 1))


def conversation(turns: Sequence[str], answers: Sequence[str]) -> list[dict[str, str]]:
    """Return the messages that ask the turn after the last answer.

    Args:
        turns: messages of the user.
        answers: answers to the first of them, fewer than there are.
    """
    messages = []
    for turn, answer in zip(turns, answers, strict=False):
        messages += [{"role": "user", "content": turn}, {"role": "assistant", "content": answer}]
    return [*messages, {"role": "user", "content": turns[len(answers)]}]


def _id(path: Path, number: int, row: Row) -> str:
    name = next((name for name in _IDS if row.get(name) is not None), None)
    if name is None:
        raise InputError(f"row {number} of {path} has no name of a question: give it a field {_IDS[0]!r} or 'id'")
    return str(row[name])


def _turns(path: Path, number: int, row: Row, names: Sequence[str]) -> tuple[str, ...]:
    """Return the texts of the first of these fields that a row has: a list of texts, or one text."""
    name = next((name for name in names if row.get(name) is not None), None)
    if name is None:
        raise InputError(f"row {number} of {path} has none of the fields {', '.join(names)}")
    texts = row[name] if isinstance(row[name], list) else [row[name]]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise InputError(
            f"{name} in row {number} of {path} is {row[name]!r:.80}, and must be a list of texts or a text"
        )
    return tuple(texts)
