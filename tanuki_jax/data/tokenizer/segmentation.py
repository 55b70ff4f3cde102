"""Text as the lines that a tokenizer is trained on, and the boundaries of words in them."""

import re
from collections.abc import Iterable, Iterator
from itertools import cycle

from tanuki_jax.data.tokenizer.load import replace_surrogates
from tanuki_jax.errors import InputError

LONGEST = 1000
"""Characters of a line. SentencePiece's time and memory grow with the line, and it drops lines over a limit without a word."""

DELIMITER = "\ue000"
"""Mark between two words, a private-use character: SentencePiece's `pretokenization_delimiter`."""

_NEWLINE = "\n"  # a piece of its own (`pieces.WRITTEN`), which no learned piece contains
_RESERVED = "\u2585"  # SentencePiece's mark for what no piece may contain; it drops lines that bring one along
_NEVER_IN_PIECES = re.compile(f"[{_NEWLINE}\0{_RESERVED}{DELIMITER}]")
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


def mark_words(sentences: Iterable[str]) -> Iterator[str]:
    """The lines with a mark between words, as MeCab with the IPA dictionary finds them; white space belongs to the word after it.

    Every other mark is a newline, over which no piece goes either: SentencePiece proposes a string as a piece only if different
    characters follow it in the text, so that a word that only DELIMITER ever followed would not become one.

    InputError if the `corpus` extra is not installed.
    """
    try:
        import fugashi
        import ipadic
    except ImportError as error:
        raise InputError(f"tokenizer.mecab needs {error.name}, which comes with the extra: pip install 'tanuki-jax[corpus]'") from error
    tagger = fugashi.GenericTagger(ipadic.MECAB_ARGS)
    marks = cycle((_NEWLINE, DELIMITER))

    def marked(line: str) -> str:
        words = [node.white_space + node.surface for node in tagger(line)]
        rest = line[sum(map(len, words)) :]
        first, *others = [*words, rest] if rest else words
        return first + "".join(next(marks) + word for word in others)

    return map(marked, sentences)
