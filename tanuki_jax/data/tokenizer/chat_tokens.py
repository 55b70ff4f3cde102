"""Conversations as ids, with what the assistant says told from the rest."""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.template import Span, Template, unused
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.data.tokenizer.load import Tokenizer


@dataclass(frozen=True, slots=True)
class Encoded:
    """A rendered conversation of n tokens."""

    ids: npt.NDArray[np.int32]
    """int32[n]."""
    learned: npt.NDArray[np.bool_]
    """bool[n]: whether the token is of what the assistant says, its end included."""


def encode_chat(tokenizer: Tokenizer, template: Template, messages: Sequence[Message], prompt: bool = False) -> Encoded:
    """As `encode_chats`, of one conversation. InputError if the template does not take it."""
    [encoded] = encode_chats(tokenizer, template, [messages], prompt)
    return taken(encoded)


def taken(encoded: Encoded | InputError) -> Encoded:
    """One of what `encode_chats` gives; raises the error that stands for a conversation."""
    if isinstance(encoded, InputError):
        raise encoded
    return encoded


def encode_chats(
    tokenizer: Tokenizer, template: Template, chats: Iterable[Sequence[Message]], prompt: bool = False
) -> list[Encoded | InputError]:
    """Conversations as the template writes them, many in few calls of the tokenizer.

    A special token's name becomes that token where the template writes it and stays text where a message does. No token reaches over
    an end of what is learned, so that the prompt has the same ids in training and in generation. The ids are those of the whole text
    wherever its tokens end there by themselves.

    Args:
        tokenizer: whose ids are wanted.
        template: how the conversations are written.
        chats: the messages of each.
        prompt: whether to add what stands before the assistant's next turn.

    Returns:
        One for each conversation; an error stands for one that the template does not take.
    """
    written = [_written(tokenizer, template, messages, prompt) for messages in chats]
    segments = [segment for chat in written if not isinstance(chat, InputError) for segment in chat]
    encoded = iter(
        _encoded(tokenizer, [[span.text for span in segment.spans] for segment in segments if segment.special is None])
    )
    return [chat if isinstance(chat, InputError) else _joined(chat, encoded) for chat in written]


def ends_of_turn(tokenizer: Tokenizer, template: Template) -> frozenset[int]:
    """The ids that end an answer: the special token that this template writes after one, and those that end sequences and documents.

    InputError if the template ends an answer with a text that is no token of this tokenizer.
    """
    _, after = _sample(tokenizer, template)
    first = min(
        (name for name in tokenizer.special if name in after),
        key=lambda name: (after.index(name), -len(name)),
        default=None,
    )
    if first is None and after.strip():
        raise InputError(
            f"the chat template {template.name} ends an answer with {after!r}, which is no token of this tokenizer: "
            "take another template, or a tokenizer that has it"
        )
    return frozenset({tokenizer.eos, tokenizer.eod} | ({tokenizer.special[first]} if first is not None else set()))


def before_answer(tokenizer: Tokenizer, template: Template) -> str:
    """What the model itself writes before the answer proper, such as the space after `assistant:`; mostly nothing."""
    before, _ = _sample(tokenizer, template)
    return before


def require_trainable(tokenizer: Tokenizer, template: Template) -> None:
    """InputError if nothing could be trained with this template, or if answers that were learned with it would not end."""
    if not template.marks_learned:
        raise InputError(
            f"the chat template {template.name} has no {{% generation %}} ... {{% endgeneration %}} around what the assistant says, "
            "so nothing would be learned: add the marks, or take another template"
        )
    question, answer = _exchange(template)
    encoded = encode_chat(tokenizer, template, (question, answer))
    if ends_of_turn(tokenizer, template).isdisjoint(encoded.ids[encoded.learned].tolist()):
        raise InputError(
            f"the chat template {template.name} writes no end of an answer between {{% generation %}} and {{% endgeneration %}}, so a "
            "model would not learn to end one: put {{ eos_token }}, or what ends a turn, before {% endgeneration %}"
        )


def runs(tokenizer: Tokenizer, encoded: Encoded) -> Iterator[Span]:
    """The text of encoded tokens, special ones by their names, cut where what is learned begins and ends."""
    names = {id: name for name, id in tokenizer.special.items()}
    tokens = zip(encoded.ids.tolist(), encoded.learned.tolist(), strict=True)
    for learned, run in itertools.groupby(tokens, key=lambda token: token[1]):
        parts = itertools.groupby((id for id, _ in run), key=names.get)
        text = "".join(name * len(list(ids)) if name is not None else tokenizer.decode(ids) for name, ids in parts)
        if text:
            yield Span(text, learned)


class _Segment(NamedTuple):
    """Part of a rendered conversation."""

    special: int | None
    """The special token that it is; None: text between two of these."""
    spans: list[Span]


def _written(
    tokenizer: Tokenizer, template: Template, messages: Sequence[Message], prompt: bool
) -> list[_Segment] | InputError:
    try:
        return list(_segments(tokenizer, template, messages, prompt))
    except InputError as error:
        return error


def _joined(segments: Sequence[_Segment], encoded: Iterator[list[npt.NDArray[np.int32]]]) -> Encoded:
    """A conversation of its segments, given the ids of all spans of each that is text."""
    parts = [np.empty(0, np.int32)]
    learned = [False]
    for special, spans in segments:
        parts.extend(next(encoded) if special is None else [np.array([special], np.int32)])
        learned.extend(span.learned for span in spans)
    return Encoded(np.concatenate(parts), np.repeat(np.array(learned), [len(part) for part in parts]))


def _segments(
    tokenizer: Tokenizer, template: Template, messages: Sequence[Message], prompt: bool
) -> Iterator[_Segment]:
    mark = next(unused(message.content for message in messages))
    names = tuple(sorted((name for name in tokenizer.special if len(name) > 1), key=len, reverse=True))
    begins, special = _patterns(names)
    inert = [
        replace(message, content=begins.sub(lambda found: found[0] + mark, message.content)) for message in messages
    ]
    segment: list[Span] = []
    for span in _render(tokenizer, template, inert, prompt):
        for place, piece in enumerate(special.split(span.text)):
            if place % 2:
                yield _Segment(None, segment)
                yield _Segment(tokenizer.special[piece], [Span(piece, span.learned)])
                segment = []
            elif text := piece.replace(mark, ""):
                segment.append(Span(text, span.learned))
    yield _Segment(None, segment)


def _render(tokenizer: Tokenizer, template: Template, messages: Sequence[Message], prompt: bool) -> tuple[Span, ...]:
    names = {id: name for name, id in tokenizer.special.items()}
    bos = "" if tokenizer.bos is None else names.get(tokenizer.bos, "")
    return template.render(messages, bos=bos, eos=names[tokenizer.eos], prompt=prompt)


@functools.lru_cache(maxsize=4)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A pattern of the first characters of all names in a text, and one of the names, given longest first."""
    any_name = "|".join(map(re.escape, names)) or "(?!)"
    return re.compile(f"(?=(?:{any_name})).", re.DOTALL), re.compile(f"({any_name})")


def _encoded(tokenizer: Tokenizer, runs: Sequence[Sequence[str]]) -> list[list[npt.NDArray[np.int32]]]:
    """Ids of the texts of each run, which follow each other: those of the whole where no token reaches over an end, else of each alone."""
    arrays: list[list[npt.NDArray[np.int32]]] = [[] for _ in runs]
    before = [("", np.empty(0, np.int32))] * len(runs)
    for place in range(max(map(len, runs), default=0)):
        there = [number for number, texts in enumerate(runs) if len(texts) > place]
        joined = [before[number][0] + runs[number][place] for number in there]
        cut = []
        for number, text, ids in zip(there, joined, tokenizer.encode_batch(joined), strict=True):
            known = before[number][1]
            if np.array_equal(ids[: len(known)], known):
                before[number] = text, ids
                arrays[number].append(ids[len(known) :])
            else:
                cut.append(number)
        alone = [runs[number][place] for number in cut]
        for number, text, ids in zip(cut, alone, tokenizer.encode_batch(alone), strict=True):
            before[number] = text, ids
            arrays[number].append(ids)
    return arrays


def _sample(tokenizer: Tokenizer, template: Template) -> tuple[str, str]:
    """What the template writes between the prompt and an answer, and after the answer."""
    question, answer = _exchange(template)
    word = answer.content
    prompt, chat = (
        "".join(span.text for span in _render(tokenizer, template, messages, prompt=prompt))
        for messages, prompt in (((question,), True), ((question, answer), False))
    )
    before, _, after = chat.rpartition(word)
    return before[len(prompt) :] if before.startswith(prompt) else "", after


def _exchange(template: Template) -> tuple[Message, Message]:
    """A question and its answer, both a character that the template does not write."""
    word = next(unused([template.source]))
    return Message("user", word), Message("assistant", word)
