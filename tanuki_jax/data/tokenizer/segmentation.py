"""Text as the lines that a tokenizer is trained on, and the boundaries of words in them."""

import re
from collections.abc import Iterable, Iterator
from itertools import batched

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.load import replace_surrogates

LONGEST = 1000
"""Characters of a line. SentencePiece's time and memory grow with the line, and it drops lines over a limit without a word."""

DELIMITER = "\ue000"
"""Mark between two words, a private-use character: SentencePiece's `pretokenization_delimiter`."""

_NEVER_IN_PIECES = re.compile(
    f"[\n\0\u2585{DELIMITER}]"
)  # SentencePiece marks what it passes over as U+2585, and drops lines with one
_LONG = re.compile(rf".{{{LONGEST // 2},{LONGEST}}}(?:(?<=[。．！？、，.!?,])|(?= ))|.{{1,{LONGEST}}}", re.DOTALL)


def lines(texts: Iterable[str]) -> Iterator[str]:
    """The texts in lines of 1 to 1,000 characters, cut where no piece could pass, long ones after punctuation or before a space.

    Nothing is left out but the characters of which no piece is made: newline, NUL, U+2585 and DELIMITER.
    """
    for text in texts:
        for line in _NEVER_IN_PIECES.split(replace_surrogates(text)):
            if len(line) > LONGEST:
                yield from _LONG.findall(line)
            elif line:
                yield line


def pairs_of_words(sentences: Iterable[str]) -> Iterator[str]:
    """The words of the lines, as MeCab with the IPA dictionary finds them, two by two with DELIMITER between them.

    White space belongs to the word after it. Pairs, because SentencePiece proposes a string as a piece only if different characters
    follow it in its input, such as here a delimiter and the end of a line; a word that only ever met delimiters would not become one.

    InputError if the `corpus` extra is not installed.
    """
    try:
        import fugashi
        import ipadic
    except ImportError as error:
        raise InputError(
            f"tokenizer.mecab needs {error.name}, which comes with the extra: pip install 'tanuki-jax[corpus]'"
        ) from error
    tagger = fugashi.GenericTagger(ipadic.MECAB_ARGS)

    def words(line: str) -> Iterator[str]:
        end = 0
        for node in tagger(line):
            word = node.white_space + node.surface
            end += len(word)
            yield word
        if end < len(line):
            yield line[end:]

    return map(DELIMITER.join, batched((word for line in sentences for word in words(line)), 2))
