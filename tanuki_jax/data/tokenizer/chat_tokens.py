"""Encode conversations as ids, with a mask of the tokens that are learned: the assistant's answers and their ends."""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.nested_strings import map_strings, strings_of
from tanuki_jax.corpus.chat.template import Span, Template, unused
from tanuki_jax.corpus.records.types import Chat, Message, Tool
from tanuki_jax.data.tokenizer.load import Tokenizer
from tanuki_jax.data.tokenizer.two_ways import encode_two_ways

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""Characters of Unicode's property White_Space, which the library `tokenizers` strips."""


@dataclass(frozen=True, slots=True)
class EncodedChat:
    """A rendered conversation of n tokens."""

    ids: npt.NDArray[np.int32]
    """int32[n]."""
    weights: npt.NDArray[np.float32]
    """float32[n]: factor of the token in the loss, from 0 to 1: 0 where it belongs to no answer of the assistant; the
    end of an answer belongs to it."""

    @property
    def learned(self) -> npt.NDArray[np.bool_]:
        """Return bool[n]: whether the token is learned."""
        return self.weights > 0


def encode_chat(
    tokenizer: Tokenizer,
    template: Template,
    messages: Sequence[Message],
    prompt: bool = False,
    tools: Sequence[Tool] = (),
) -> EncodedChat:
    """Encode one conversation, as `encode_chats` does several. InputError if the template refuses it."""
    [encoded] = encode_chats(tokenizer, template, [Chat(messages, tools)], prompt)
    return require_encoded(encoded)


def require_encoded(encoded: EncodedChat | InputError) -> EncodedChat:
    """Return an item of the list that `encode_chats` returns, or raise it if it is an error."""
    if isinstance(encoded, InputError):
        raise encoded
    return encoded


def encode_chats(
    tokenizer: Tokenizer, template: Template, chats: Iterable[Chat], prompt: bool = False
) -> list[EncodedChat | InputError]:
    """Render conversations with a template and encode them in few calls of the tokenizer.

    The name of a special token becomes that token where the template writes it, and stays text inside a message. No
    token crosses a boundary between learned and other text, so a prompt has the same ids in training and in generation.
    Unless a token would cross a boundary, the ids are those of the text encoded at once.

    Args:
        tokenizer: encodes the text.
        template: renders the messages.
        chats: conversations.
        prompt: whether to add the text that the template writes before the assistant's next turn.

    Returns:
        An item for each conversation: an InputError where the template refuses it.
    """
    rendered = [_segments_or_error(tokenizer, template, chat, prompt) for chat in chats]
    segments = [segment for chat in rendered if not isinstance(chat, InputError) for segment in chat]
    # The text of all conversations is encoded together; `_joined` takes the ids of each in the same order.
    texts = [segment for segment in segments if segment.special is None]
    encoded = iter(
        _encode_runs(
            tokenizer,
            [[span.text for span in segment.spans] for segment in texts],
            [segment.continued for segment in texts],
        )
    )
    return [chat if isinstance(chat, InputError) else _joined(chat, encoded) for chat in rendered]


def ends_of_turn(tokenizer: Tokenizer, template: Template) -> tuple[int, ...]:
    """Return the ids that end an answer: the special token that the template writes after one, then `eos` and `eod`.

    InputError if the template ends an answer with a text that is no token of this tokenizer.
    """
    _, after = _around_answer(tokenizer, template)
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
    written = [] if first is None else [tokenizer.special[first]]
    return tuple(dict.fromkeys([*written, tokenizer.eos, tokenizer.eod]))


def before_answer(tokenizer: Tokenizer, template: Template) -> str:
    """Return the text that a model writes before its answer, such as the space after `assistant:`; usually empty."""
    before, _ = _around_answer(tokenizer, template)
    return before


def require_trainable(tokenizer: Tokenizer, template: Template) -> None:
    """Raise InputError if the template marks nothing as learned, or if its answers would have no learned end."""
    if not template.marks_learned:
        raise InputError(
            f"the chat template {template.name} has no {{% generation %}} ... {{% endgeneration %}} around the "
            "assistant's answers, so nothing would be learned: add the marks, or take another template"
        )
    question, answer = _exchange(template)
    encoded = encode_chat(tokenizer, template, (question, answer))
    if set(ends_of_turn(tokenizer, template)).isdisjoint(encoded.ids[encoded.learned].tolist()):
        raise InputError(
            f"the chat template {template.name} writes no end of an answer between {{% generation %}} and "
            "{% endgeneration %}, so a model would not learn to end one: put {{ eos_token }}, or the token that ends a "
            "turn, before {% endgeneration %}"
        )


def decode_spans(tokenizer: Tokenizer, encoded: EncodedChat) -> Iterator[Span]:
    """Decode tokens into spans of equal weight; special tokens are written by their names."""
    names = {id: name for name, id in tokenizer.special.items()}
    tokens = zip(encoded.ids.tolist(), encoded.weights.tolist(), strict=True)
    for weight, run in itertools.groupby(tokens, key=lambda token: token[1]):
        parts = itertools.groupby((id for id, _ in run), key=names.get)
        text = "".join(name * len(list(ids)) if name is not None else tokenizer.decode(ids) for name, ids in parts)
        if text:
            yield Span(text, weight)


class _Segment(NamedTuple):
    """Part of a rendered conversation: a special token, or the text between two of them."""

    special: int | None
    """Id of the special token; None: the segment is text."""
    spans: list[Span]
    continued: bool = True
    """Whether it is behind another one."""


def _segments_or_error(
    tokenizer: Tokenizer, template: Template, chat: Chat, prompt: bool
) -> list[_Segment] | InputError:
    try:
        return _stripped(list(_segments(tokenizer, template, chat, prompt)), tokenizer)
    except InputError as error:
        return error


def _joined(segments: Sequence[_Segment], encoded: Iterator[list[npt.NDArray[np.int32]]]) -> EncodedChat:
    """Join the segments of a conversation. `encoded` yields, for each segment of text, the ids of its spans."""
    parts = [np.empty(0, np.int32)]
    weights = [0.0]
    for special, spans, _ in segments:
        parts.extend(next(encoded) if special is None else [np.array([special], np.int32)])
        weights.extend(span.weight for span in spans)
    return EncodedChat(np.concatenate(parts), np.repeat(np.array(weights, np.float32), [len(part) for part in parts]))


def _segments(tokenizer: Tokenizer, template: Template, chat: Chat, prompt: bool) -> Iterator[_Segment]:
    # A message must not be able to write a special token. So a mark, a character that occurs in no message, is put into
    # every name of a special token in the messages; the names that remain after rendering are the template's. There the
    # rendered text is split, and the marks are removed.
    mark = next(unused(strings_of(chat.messages, chat.tools)))
    names = tuple(sorted((name for name in tokenizer.special if len(name) > 1), key=len, reverse=True))
    begins, special = _patterns(names)
    segment: list[Span] = []
    continued = False
    for span in _render(tokenizer, template, _inert(chat, begins, mark), prompt):
        for index, part in enumerate(special.split(span.text)):
            if index % 2:  # `split` alternates between text and the matched name
                yield _Segment(None, segment, continued)
                yield _Segment(tokenizer.special[part], [Span(part, span.weight)])
                segment, continued = [], True
            elif text := part.replace(mark, ""):
                segment.append(Span(text, span.weight))
    yield _Segment(None, segment, continued)


def _inert(chat: Chat, begins: re.Pattern[str], mark: str) -> Chat:
    """Return a conversation with the mark behind the first character of each name of a special token."""

    def change(text: str) -> str:
        return begins.sub(lambda match: match[0] + mark, text)

    messages = [
        replace(message, content=change(message.content), fields=map_strings(message.fields, change))
        for message in chat.messages
    ]
    return Chat(messages, map_strings(chat.tools, change))


def _stripped(segments: list[_Segment], tokenizer: Tokenizer) -> list[_Segment]:
    """Return the segments without the white space that special tokens take from the texts beside them."""
    for number, segment in enumerate(segments):
        if segment.special is None:
            continue
        before, behind = tokenizer.strips.get(segment.special, (False, False))
        if before and number > 0:
            _strip(segments[number - 1].spans, at_end=True)
        if behind and number + 1 < len(segments):
            _strip(segments[number + 1].spans, at_end=False)
    return segments


def _strip(spans: list[Span], *, at_end: bool) -> None:
    """Remove white space at one end of a text."""
    while spans:
        place = -1 if at_end else 0
        text = spans[place].text.rstrip(WHITE_SPACE) if at_end else spans[place].text.lstrip(WHITE_SPACE)
        if text:
            spans[place] = Span(text, spans[place].weight)
            return
        del spans[place]


def _render(tokenizer: Tokenizer, template: Template, chat: Chat, prompt: bool) -> tuple[Span, ...]:
    names = {id: name for name, id in tokenizer.special.items()}
    bos = "" if tokenizer.bos is None else names.get(tokenizer.bos, "")
    return template.render(chat.messages, bos=bos, eos=names[tokenizer.eos], prompt=prompt, tools=chat.tools)


@functools.lru_cache(maxsize=4)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return a pattern of the first character of a name, and one of a name; the names are sorted longest first."""
    any_name = "|".join(map(re.escape, names)) or "(?!)"
    return re.compile(f"(?=(?:{any_name})).", re.DOTALL), re.compile(f"({any_name})")


def _encode_runs(
    tokenizer: Tokenizer, runs: Sequence[Sequence[str]], continued: Sequence[bool]
) -> list[list[npt.NDArray[np.int32]]]:
    """Encode runs of adjacent texts so that no token crosses from one text into the next.

    `continued` says of each run whether it is behind other text.

    Returns, for each run, the ids of each of its texts. They are those of the run encoded at once, unless a token would
    cross a boundary: there the run is cut, and the next text is encoded separately.
    """
    arrays: list[list[npt.NDArray[np.int32]]] = [[] for _ in runs]
    # For each run: the text since its last cut, and its ids. The next text is encoded behind it, which matters where a
    # tokenizer treats the beginning of a text differently (SentencePiece's dummy prefix).
    prefixes = [("", np.empty(0, np.int32))] * len(runs)
    behind = list(continued)
    for position in range(max(map(len, runs), default=0)):
        # One call of the tokenizer serves the texts at this position of all runs.
        present = [number for number, texts in enumerate(runs) if len(texts) > position]
        extended = [prefixes[number][0] + runs[number][position] for number in present]
        crossed = []
        encoded = encode_two_ways(
            lambda texts, flag: tokenizer.encode_batch(texts, continued=flag),
            extended,
            [behind[number] for number in present],
        )
        for number, text, ids in zip(present, extended, encoded, strict=True):
            known = prefixes[number][1]
            if np.array_equal(ids[: len(known)], known):
                prefixes[number] = text, ids
                arrays[number].append(ids[len(known) :])
            else:  # the ids before the boundary changed, so a token crosses it
                crossed.append(number)
        separate = [runs[number][position] for number in crossed]
        for number in crossed:
            behind[number] = True
        for number, text, ids in zip(crossed, separate, tokenizer.encode_batch(separate, continued=True), strict=True):
            prefixes[number] = text, ids
            arrays[number].append(ids)
    return arrays


def _around_answer(tokenizer: Tokenizer, template: Template) -> tuple[str, str]:
    """Return the text that the template writes between the prompt and an answer, and the text after the answer."""
    question, answer = _exchange(template)
    word = answer.content
    prompt, chat = (
        "".join(span.text for span in _render(tokenizer, template, Chat(messages), prompt=prompt))
        for messages, prompt in (((question,), True), ((question, answer), False))
    )
    before, _, after = chat.rpartition(word)
    return before[len(prompt) :] if before.startswith(prompt) else "", after


def _exchange(template: Template) -> tuple[Message, Message]:
    """Return a question and an answer, both a single character that the template does not write."""
    word = next(unused([template.source]))
    return Message("user", word), Message("assistant", word)
