"""Chat templates: conversations as text, in which the assistant's words are marked as learned."""

import datetime
import functools
import hashlib
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
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
    """A part of a rendered conversation."""

    text: str
    """The characters, at least one."""
    learned: bool
    """Whether training learns it: the assistant's words."""


@dataclass(frozen=True, slots=True)
class Template:
    """A Jinja template with the variables of transformers: `messages`, `bos_token`, `eos_token`, and so on.

    Text between `{% generation %}` and `{% endgeneration %}` is learned. InputError if the source has a syntax error.
    """

    source: str
    name: str
    """Name for error messages: one of the project's templates, or a file."""

    def __post_init__(self) -> None:
        try:
            _compiled(self.source)
        except jinja2.TemplateSyntaxError as error:
            raise InputError(
                f"the chat template {self.name} is not a Jinja template: line {error.lineno}: {error.message}"
            ) from error
        except (SyntaxError, RecursionError) as error:  # of the Python that Jinja makes of it
            raise InputError(f"the chat template {self.name} is not a Jinja template: {error}") from error

    @property
    def fingerprint(self) -> str:
        """Hash of the source: equal for two templates if and only if their sources are."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    @property
    def marks_learned(self) -> bool:
        """Whether a `generation` statement marks learned text: without one, the template can generate but not train."""
        tree = _environment().parse(self.source)
        return any(attribute.name == _GENERATION for attribute in tree.find_all(nodes.ExtensionAttribute))

    @property
    def reads_clock(self) -> bool:
        """Whether the text depends on the time at which it is made."""
        names = _environment().parse(self.source).find_all(nodes.Name)
        return any(name.name == "strftime_now" for name in names)

    def render(self, messages: Sequence[Message], *, bos: str, eos: str, prompt: bool = False) -> tuple[Span, ...]:
        """Return the text of a conversation, cut where learned text begins and ends.

        Answers whose `learned` is false are marked by the template like the others, and not learned.

        Args:
            messages: the conversation, with any characters in its contents.
            bos: the tokenizer's token that begins a sequence, as text; empty if it has none.
            eos: the tokenizer's token that ends a sequence, as text.
            prompt: whether to add the text that precedes the assistant's next turn.

        Raises:
            InputError: the template refuses this conversation; with the template's reason.
        """
        # Learned text is found again by two mark characters that the statement `generation` puts around it. Searching
        # the output for the assistant's contents would not do: a user may quote them, and a template may change them.
        # The marks are characters that no content has, so every mark in the output is one that `generation` wrote.
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
        except _FAULTS as error:
            raise InputError(f"the chat template {self.name} refuses this conversation: {error}") from error
        answers = [message for message in messages if message.role == "assistant"]
        left_out = {number for number, message in enumerate(answers) if not message.learned}
        if left_out and text.count(begin) != len(answers):
            raise InputError(
                f"the chat template {self.name} marks {text.count(begin)} parts of a conversation with {len(answers)} "
                "answers, so that it is not known which part is the answer that is not to be learned"
            )
        return tuple(_spans(text, begin, end, left_out))


def unused(texts: Iterable[str]) -> Iterator[str]:
    """Yield characters without a meaning that are in none of the texts: Unicode's noncharacters, then private ones."""
    searched = tuple(texts)
    characters = map(chr, itertools.chain(range(0xFDD0, 0xFDF0), range(0xF0000, 0xFFFFE)))
    return (character for character in characters if not any(character in text for text in searched))


_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    MemoryError,
)
"""Errors of a template's own code."""
_GENERATION = "_between_marks"
_MARKS = "_marks"


class _Generation(Extension):
    """The statement `generation`, which writes its body between the two marks in the context variable `_marks`."""

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
    """Return a value as JSON, as transformers does: Jinja's own filter would escape characters that HTML uses."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.datetime.now().strftime(form)


def _spans(text: str, begin: str, end: str, left_out: Collection[int]) -> Iterator[Span]:
    """Cut a text at its marks, and join neighbours that are both learned or both not. `left_out` are the numbers, from
    0, of marked parts that are not learned."""
    # Split at every begin mark: each section but the first then starts with learned text, up to its end mark.
    parts = (
        (part, learned and number not in left_out)
        for number, section in enumerate(text.split(begin), -1)
        for part, learned in _halves(section, end)
    )
    filled = ((part, learned) for part, learned in parts if part)
    for learned, group in itertools.groupby(filled, key=lambda part: part[1]):
        yield Span("".join(part for part, _ in group), learned)


def _halves(section: str, end: str) -> tuple[tuple[str, bool], tuple[str, bool]]:
    """Cut a section at its last end mark into learned and other text; without an end mark nothing is learned."""
    before, mark, after = section.rpartition(end)
    return (before, bool(mark)), (after, False)
