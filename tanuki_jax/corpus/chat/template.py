"""Chat templates: conversations as text, with what the assistant says marked as what is learned."""

import datetime
import functools
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Message


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a rendered conversation."""

    text: str
    """Never empty."""
    learned: bool
    """Whether it is what the assistant says, and is to be trained on."""


@dataclass(frozen=True, slots=True)
class Template:
    """A Jinja template that sees what transformers shows one: `messages`, `bos_token`, `eos_token`, `add_generation_prompt`.

    What stands between `{% generation %}` and `{% endgeneration %}` is learned. InputError if the source is no Jinja template.
    """

    source: str
    name: str
    """What messages call it: one of the project's templates, or a file."""

    def __post_init__(self) -> None:
        try:
            _compiled(self.source)
        except jinja2.TemplateSyntaxError as error:
            raise InputError(
                f"the chat template {self.name} is no Jinja template: line {error.lineno}: {error.message}"
            ) from error

    @property
    def fingerprint(self) -> str:
        """Equal for two templates if and only if their sources are."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    @property
    def marks_learned(self) -> bool:
        """Whether there are marks around what is learned: without them a template serves to generate, not to train."""
        tree = _environment().parse(self.source)
        return any(found.name == _GENERATION for found in tree.find_all(nodes.ExtensionAttribute))

    def render(self, messages: Sequence[Message], *, bos: str, eos: str, prompt: bool = False) -> tuple[Span, ...]:
        """The text of a conversation, cut where what is learned begins and ends.

        Args:
            messages: the conversation. Its contents may hold anything.
            bos: the tokenizer's token that begins a sequence, as text; empty if it has none.
            eos: the one that ends a sequence.
            prompt: whether to add what stands before the assistant's next turn.

        Raises:
            InputError: with the template's words if it does not take this conversation.
        """
        begin, end = itertools.islice(unused(message.content for message in messages), 2)
        try:
            text = _compiled(self.source).render(
                messages=[{"role": message.role, "content": message.content} for message in messages],
                tools=None,
                documents=None,
                bos_token=bos,
                eos_token=eos,
                add_generation_prompt=prompt,
                **{_MARKS: (begin, end)},
            )
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"the chat template {self.name} does not take this conversation: {error}") from error
        return tuple(_spans(text, begin, end))


def unused(texts: Iterable[str]) -> Iterator[str]:
    """Characters that are in none of the texts and mean nothing: Unicode's noncharacters, then private ones."""
    known = tuple(texts)
    characters = map(chr, itertools.chain(range(0xFDD0, 0xFDF0), range(0xF0000, 0xFFFFE)))
    return (character for character in characters if not any(character in text for text in known))


_GENERATION = "_between_marks"
_MARKS = "_marks"


class _Generation(Extension):
    """The statement `generation`: its body comes out between two marks that the context holds."""

    tags: set[str] = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method(_GENERATION), [], [], body).set_lineno(line)

    @jinja2.pass_context
    def _between_marks(self, context: Context, caller: Callable[[], str]) -> str:
        begin, end = context[_MARKS]
        return f"{begin}{caller()}{end}"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


@functools.lru_cache(maxsize=16)
def _compiled(source: str) -> jinja2.Template:
    return _environment().from_string(source)


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """As transformers': Jinja's own would escape what means something in HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.datetime.now().strftime(form)


def _spans(text: str, begin: str, end: str) -> Iterator[Span]:
    """The text between the marks, neighbours of one kind joined."""
    parts = ((part, learned) for piece in text.split(begin) for part, learned in _halves(piece, end))
    filled = ((part, learned) for part, learned in parts if part)
    for learned, group in itertools.groupby(filled, key=lambda part: part[1]):
        yield Span("".join(part for part, _ in group), learned)


def _halves(piece: str, end: str) -> tuple[tuple[str, bool], tuple[str, bool]]:
    """Of what follows a mark of beginning: what is learned, and what is not. Without a mark of end nothing is."""
    before, mark, after = piece.rpartition(end)
    return (before, bool(mark)), (after, False)
