"""Grammars that a text must follow, such as JSON of a schema, by the library llguidance."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.load import Tokenizer
from tanuki_jax.inference.load_model import LoadedModel

DEEPEST = 64
"""Most levels of a schema."""
LARGEST_SCHEMA = 64 * 1024
"""Most characters of a schema as JSON."""
LARGEST_MULTIPLE = 10_000
"""Largest `multipleOf` in a schema: memory and time of its automaton grow with it."""
MOST_REPEATS = 1000
"""Most repetitions in a `pattern`, for the same reason."""
_REPEATS = re.compile(r"\{(\d+)?(?:,(\d+)?)?\}")


class GrammarCompiler:
    """Grammars for the tokens of one model."""

    def __init__(self, loaded: LoadedModel) -> None:
        """InputError if llguidance is not installed."""
        try:
            import llguidance
        except ImportError as error:
            raise InputError("a JSON schema needs llguidance: install the extra serve") from error
        self._library, self._vocabulary = llguidance, loaded.tokenizer.vocabulary
        wrapper = llguidance.TokenizerWrapper(_Pieces(loaded.tokenizer))
        ends = [*loaded.end_ids]
        self._tokenizer = llguidance.LLTokenizer(wrapper, n_vocab=self._vocabulary, eos_token=ends)

    def json_schema(self, schema: Mapping[str, Any]) -> "TokenGrammar":
        """Return the grammar of a JSON value that a schema describes, without white space between its parts.

        InputError if the schema cannot be compiled, with the reason.
        """
        if _depth(schema) > DEEPEST:
            raise InputError(f"the JSON schema has more than {DEEPEST} levels")
        text = json.dumps(schema)
        for name, value in _parts(schema):
            if name == "multipleOf" and isinstance(value, int | float) and value > LARGEST_MULTIPLE:
                raise InputError(f"the JSON schema has multipleOf {value:g}; the most is {LARGEST_MULTIPLE}")
            if name == "pattern" and isinstance(value, str):
                most = max((int(count[:9]) for pair in _REPEATS.findall(value) for count in pair if count), default=0)
                if most > MOST_REPEATS:
                    raise InputError(f"the JSON schema repeats a pattern {most} times; the most is {MOST_REPEATS}")
        if len(text) > LARGEST_SCHEMA:
            raise InputError(f"the JSON schema has {len(text):,} characters; the most are {LARGEST_SCHEMA:,}")
        try:
            grammar = self._library.LLMatcher.grammar_from_json_schema(text, {"whitespace_flexible": False})
        except ValueError as error:
            raise InputError(f"the JSON schema cannot be compiled: {error}") from error
        matcher = self._library.LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise InputError(f"the JSON schema cannot be compiled: {matcher.get_error()}")
        return TokenGrammar(matcher, self._vocabulary)


class TokenGrammar:
    """State of one text that follows a grammar."""

    def __init__(self, matcher: Any, vocabulary: int) -> None:
        self._matcher, self._vocabulary = matcher, vocabulary

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Return which ids may come next, bool[V]. If the text is complete, only its end may.

        RuntimeError if the library has given up, as at a grammar that became too complex.
        """
        if self._matcher.is_error():
            raise RuntimeError(f"llguidance: {self._matcher.get_error()}")
        words = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        return np.unpackbits(words, bitorder="little")[: self._vocabulary].astype(bool)

    def add(self, token: int) -> None:
        """Follow one more token, which is allowed."""
        self._matcher.consume_token(token)

    def copy(self) -> "TokenGrammar":
        """Return the same state, for another text."""
        return TokenGrammar(self._matcher.deep_copy(), self._vocabulary)


class _Pieces:
    """Pieces of a tokenizer as llguidance reads them."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.bos_token_id, self.eos_token_id = tokenizer.bos, tokenizer.eos
        pieces = [tokenizer.piece_bytes(id) for id in range(tokenizer.vocabulary)]
        # The library tells special tokens by a first byte that no text has.
        self.tokens = [b"\xff<%d>" % id if piece is None else piece for id, piece in enumerate(pieces)]
        self.special_token_ids = [id for id, piece in enumerate(pieces) if piece is None]
        self._encode = tokenizer.encode

    def __call__(self, text: str) -> list[int]:
        return self._encode(text)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield the names and values in nested objects and lists."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield str(name), part
            yield from _parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _parts(part)


def _depth(value: object) -> int:
    """Return the number of levels of nested objects and lists, at most one more than DEEPEST."""
    level: list[object] = [value]
    for depth in range(DEEPEST + 1):
        level = [
            part
            for each in level
            for part in (each.values() if isinstance(each, Mapping) else each if isinstance(each, list) else ())
        ]
        if not level:
            return depth
    return DEEPEST + 1
