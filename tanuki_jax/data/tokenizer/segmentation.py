"""Cut text into the lines that a tokenizer is trained on, and mark the boundaries of words in them."""

import re
from collections.abc import Iterable, Iterator
from itertools import batched

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.load import replace_surrogates

LONGEST = 1000
"""Most characters of a line. SentencePiece's time and memory grow with the line, and it silently drops longer lines."""

DELIMITER = "\ue000"
"""Mark between two words, a private-use character: SentencePiece's `pretokenization_delimiter`."""

# SentencePiece marks characters that it skips as U+2585, and drops lines that contain one.
_NEVER_IN_PIECES = re.compile(f"[\n\0\u2585{DELIMITER}]")
_LONG = re.compile(rf".{{{LONGEST // 2},{LONGEST}}}(?:(?<=[。．！？、，.!?,])|(?= ))|.{{1,{LONGEST}}}", re.DOTALL)


def lines(texts: Iterable[str]) -> Iterator[str]:
    """Cut texts into lines of 1 to LONGEST characters, long ones after punctuation or before a space.

    Only the characters that no piece contains are left out: newline, NUL, U+2585 and DELIMITER.
    """
    for text in texts:
        for line in _NEVER_IN_PIECES.split(replace_surrogates(text)):
            if len(line) > LONGEST:
                yield from _LONG.findall(line)
            elif line:
                yield line


def pairs_of_words(sentences: Iterable[str]) -> Iterator[str]:
    """Split lines into words with MeCab and the IPA dictionary, and return them two by two with DELIMITER between them.

    White space belongs to the word after it. Words are returned in pairs because SentencePiece proposes a string as a
    piece only if at least two different characters follow it in its input: in pairs, DELIMITER or the end of a line.

    InputError if the `corpus` extra is not installed.
    """
    try:
        import fugashi
        import ipadic
    except ImportError as error:
        raise InputError(
            f"data.tokenizer.mecab needs the package {error.name}: pip install 'tanuki-jax[corpus]'"
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
