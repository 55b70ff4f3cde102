"""Lines that a page broke in the middle of a sentence, joined again.

Tanuki's pipeline joined lines by the brackets that are open at their end, or where a language model found the joined
text more likely. Here the shape of the lines decides in place of the model.
"""

import re

from tanuki_jax.corpus.cleaning.extraction.widths import is_wide, width

_ENDED = re.compile(r"[。．.!?！？…‥♪:：;；」』）)】〕》〉>＞\]”\"'ー〜~★☆※][)）」』\"']*$")
_NEW_ITEM = re.compile(
    r"[・•●○◎◆◇■□▲△▼▽★☆※→⇒＊*\-–—＃#「『【〔《〈（(\[]|[0-9０-９①-⑳]+[.．、)）:：]|Q[.．:：]|A[.．:：]|\u3000"
)
_OPENING, _CLOSING = "「『（(【〔《〈[“", "」』）)】〕》〉]”"
_CONTINUED = re.compile(r"[、，,]$")
_LEAST_WIDTH = 40
_FULL = 0.75
_SENTENCE_END = re.compile(r"[。！？.!?]")


def joined(lines: list[str]) -> list[str]:
    """Return the lines of one block with the broken ones joined, Japanese without a space.

    A line continues in the next if a bracket is open at its end, if it ends with a comma, or if the block is prose that
    was broken at a width: the line is at least three quarters as wide as the widest, that one has 40 columns or more,
    the line does not end a sentence, and the next does not begin an item.
    """
    if len(lines) < 2:
        return lines
    widths = [width(line) for line in lines]
    widest = max(widths)
    wrapped = widest >= _LEAST_WIDTH and any(_SENTENCE_END.search(line) for line in lines)
    result = [lines[0]]
    open_brackets = _opened(lines[0])
    for number in range(1, len(lines)):
        before, line = lines[number - 1], lines[number]
        # A bracket that is never closed within a few lines was no opening one.
        open_inside = 0 < open_brackets <= _closed(lines[number : number + 4])
        full = wrapped and widths[number - 1] >= _FULL * widest and not _ENDED.search(before)
        comma = _CONTINUED.search(before) is not None and widths[number - 1] >= _LEAST_WIDTH // 2
        if line and before and (open_inside or ((full or comma) and not _NEW_ITEM.match(line))):
            result[-1] += line if is_wide(before[-1]) or is_wide(line[0]) else f" {line}"
            open_brackets = max(0, open_brackets + _opened(line))
        else:
            result.append(line)
            open_brackets = _opened(line)
    return result


def _opened(line: str) -> int:
    """Return how many more brackets a line opens than it closes."""
    if not any(bracket in line for bracket in _OPENING):
        return -sum(line.count(bracket) for bracket in _CLOSING)
    return sum(map(line.count, _OPENING)) - sum(map(line.count, _CLOSING))


def _closed(lines: list[str]) -> int:
    return max(0, -min((sum(map(_opened, lines[: n + 1])) for n in range(len(lines))), default=0))
