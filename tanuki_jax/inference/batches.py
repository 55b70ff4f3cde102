"""Many prompts, in batches of few shapes."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message
from tanuki_jax.inference.assistant import Assistant
from tanuki_jax.inference.decode import shape
from tanuki_jax.inference.prompts import Given
from tanuki_jax.inference.text import Completion, Loaded, Request, check, encoded, numbers, stream, whole


class Task(NamedTuple):
    """A text to continue or a conversation to answer."""

    record: Document | Conversation
    ids: list[int]
    ends: tuple[int, ...]
    """Ids that end what is written."""
    opening: str
    """What the model writes before an answer proper."""


class Refused(NamedTuple):
    """What can be neither."""

    place: str
    reason: str


def tasks(loaded: Loaded, given: Iterable[Given], request: Request, system: str) -> tuple[list[Task], list[Refused]]:
    """What there is to do, and what is malformed or too long.

    Args:
        loaded: the model.
        given: prompts.
        request: how texts go on.
        system: system message of conversations that have none; empty: the template's own, if it has one.

    Raises:
        InputError: there is a conversation, and no chat template beside the tokenizer.
    """
    found: list[Task] = []
    refused: list[Refused] = []
    assistant: Assistant | None = None
    for place, record in given:
        if isinstance(record, Conversation):
            assistant = assistant or Assistant(loaded, request)
            if system and record.messages[0].role != "system":
                record = Conversation(record.id, (Message("system", system), *record.messages), record.metadata)
        try:
            found.append(_task(loaded, record, assistant))
        except InputError as error:
            refused.append(Refused(place, str(error)))
    return found, refused


def _task(loaded: Loaded, record: Document | Conversation | Malformed, assistant: Assistant | None) -> Task:
    """InputError says why there is none."""
    match record:
        case Document():
            task = Task(record, encoded(loaded, record.text), (loaded.tokenizer.eod,), "")
        case Conversation():
            assert assistant is not None
            task = Task(record, assistant.prompt(record.messages), tuple(sorted(assistant.ends)), assistant.opening)
        case Malformed(reason):
            raise InputError(reason)
    check(loaded, task.ids)
    return task


def complete(
    loaded: Loaded, found: Sequence[Task], request: Request, batch: int, done: Callable[[Sequence[Completion]], None]
) -> list[Completion]:
    """What the model writes for each task.

    It depends on the prompt, the request and how many equal prompts come before, not on what else is in a batch: prompts of one batch
    have places for as many tokens, and where fewer are left than a batch holds, one of them is there several times.

    Args:
        loaded: the model.
        found: in the order in which completions are wanted.
        request: how texts go on.
        batch: prompts in a batch.
        done: told of completions when their batch is finished.
    """
    draws = numbers([task.ids for task in found])
    alike: defaultdict[tuple[tuple[int, ...], tuple[int, int]], list[int]] = defaultdict(list)
    for place, task in enumerate(found):
        alike[task.ends, shape(len(task.ids), request.tokens, loaded.limit)].append(place)
    completions: dict[int, Completion] = {}
    for (ends, _), places in sorted(alike.items()):
        for part in itertools.batched(places, batch):
            rows = [*part, *[part[0]] * (batch - len(part))]
            written = whole(
                stream(loaded, [found[row].ids for row in rows], ends, request, draws=[draws[row] for row in rows])
            )
            new = {
                row: _without(found[row].opening, completion) for row, completion in zip(part, written, strict=False)
            }
            completions |= new
            done([*new.values()])
    return [completions[place] for place in range(len(found))]


def _without(opening: str, completion: Completion) -> Completion:
    return completion._replace(text=completion.text.removeprefix(opening))
