"""Chat templates: conversations as text, in which the assistant's words are marked as learned."""

import datetime
import functools
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.nested_strings import strings_of
from tanuki_jax.corpus.records.types import Message, Tool


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a rendered conversation."""

    text: str
    """The characters, at least one."""
    weight: float
    """Factor of its tokens in the loss: that of the answer that it is part of; 0 where it is none."""

    @property
    def learned(self) -> bool:
        """Whether training learns it: the assistant's words."""
        return self.weight > 0


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
        except (SyntaxError, RecursionError, ValueError) as error:  # of the Python that Jinja makes of it
            raise InputError(f"the chat template {self.name} is not a Jinja template: {error}") from error

    @classmethod
    def read(cls, path: Path, name: str) -> Self:
        """Return the template in a file. InputError if it is not text."""
        try:
            return cls(path.read_text(encoding="utf-8"), name)
        except UnicodeDecodeError as error:
            raise InputError(f"the chat template {name} is not text in UTF-8") from error

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

    def render(
        self, messages: Sequence[Message], *, bos: str, eos: str, prompt: bool = False, tools: Sequence[Tool] = ()
    ) -> tuple[Span, ...]:
        """Return the text of a conversation, cut where learned text begins and ends.

        Answers of weight 0 are marked by the template like the others, and not learned.

        Args:
            messages: the conversation, with any characters in its contents.
            bos: the tokenizer's token that begins a sequence, as text; empty if it has none.
            eos: the tokenizer's token that ends a sequence, as text.
            prompt: whether to add the text that precedes the assistant's next turn.
            tools: functions that the assistant may call.

        Raises:
            InputError: the template refuses this conversation, with the template's reason; or it does not read the
                tools, calls or reasoning in it.
        """
        self._refuse_unread(messages, tools)
        # Learned text is found again by two mark characters that the statement `generation` puts around it. Searching
        # the output for the assistant's contents would not do: a user may quote them, and a template may change them.
        # The marks are characters that no content has, so every mark in the output is one that `generation` wrote.
        begin, end = itertools.islice(unused(strings_of(messages, tools)), 2)
        try:
            text = _compiled(self.source).render(
                messages=[message.turn for message in messages],
                tools=[*tools] or None,
                documents=None,
                bos_token=bos,
                eos_token=eos,
                add_generation_prompt=prompt,
                **{_MARKS: (begin, end)},
            )
        except _FAULTS as error:
            raise InputError(f"the chat template {self.name} refuses this conversation: {error}") from error
        if any(end not in section for section in text.split(begin)[1:-1]):
            raise InputError(f"the chat template {self.name} has {{% generation %}} inside another")
        weights = [message.weight for message in messages if message.role == "assistant"]
        if all(weight == 1 for weight in weights):
            return tuple(_spans(text, begin, end, itertools.repeat(1.0)))
        if text.count(begin) != len(weights):
            raise InputError(
                f"the chat template {self.name} marks {text.count(begin)} parts of a conversation with {len(weights)} "
                "answers, so that it is not known which part is the answer that is not to be learned as the others are"
            )
        return tuple(_spans(text, begin, end, weights))

    def _refuse_unread(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """Raise InputError if the conversation has something that the template would leave out in silence."""
        unread = {name for message in messages for name in message.calls_and_reasoning} | (
            {"tools"} if tools else set()
        )
        roles = {message.role for message in messages if message.role == "tool"}
        if unread or roles:
            known = _names_in(self.source)
            missing = sorted(unread - known) or sorted(f"the role {role}" for role in roles - known)
            if missing and not (missing == ["the role tool"] and _writes_any_role(self.source)):
                raise InputError(
                    f"the chat template {self.name} does not read {missing[0]}, which this conversation has: take a "
                    "template that does, or leave it out of the data"
                )


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
    AssertionError,
    RuntimeError,
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


@functools.lru_cache(maxsize=16)
def _names_in(source: str) -> frozenset[str]:
    """Return the names that a template reads, as variables, attributes or texts."""
    tree = _environment().parse(source)
    texts = (constant.value for constant in tree.find_all(nodes.Const) if isinstance(constant.value, str))
    variables = (name.name for name in tree.find_all(nodes.Name))
    return frozenset((*texts, *variables, *(attribute.attr for attribute in tree.find_all(nodes.Getattr))))


@functools.lru_cache(maxsize=16)
def _writes_any_role(source: str) -> bool:
    """Whether a template writes the name of a role that it does not know."""
    role = next(unused([source]))
    turns = [{"role": name, "content": "a"} for name in ("user", "assistant", role)]
    try:
        text = _compiled(source).render(
            messages=turns, tools=None, bos_token="", eos_token="", add_generation_prompt=False, **{_MARKS: ("", "")}
        )
    except _FAULTS:
        return False
    return role in text


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


def _spans(text: str, begin: str, end: str, weights: Iterable[float]) -> Iterator[Span]:
    """Cut a text at its marks, and join neighbours of equal weight. `weights` are those of the marked parts."""
    # Split at every begin mark: each section but the first then starts with learned text, up to its end mark.
    parts = (
        (part, weight if learned else 0.0)
        for section, weight in zip(text.split(begin), itertools.chain([0.0], weights), strict=False)
        for part, learned in _halves(section, end)
    )
    filled = ((part, weight) for part, weight in parts if part)
    for weight, group in itertools.groupby(filled, key=lambda part: part[1]):
        yield Span("".join(part for part, _ in group), weight)


def _halves(section: str, end: str) -> tuple[tuple[str, bool], tuple[str, bool]]:
    """Cut a section at its last end mark into learned and other text; without an end mark nothing is learned."""
    before, mark, after = section.rpartition(end)
    return (before, bool(mark)), (after, False)
