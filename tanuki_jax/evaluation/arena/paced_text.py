"""Text of both panes at one pace, so that neither the speed nor the rhythm of a model names it.

While both panes have text to come, both are shown as many characters as the slower model has written, which says
nothing of which one it is. When the shorter answer has ended, a longer one that stalls would tell that its model is
slow. So the pace is one at which no model of the arena stalls (`common_rate`), the same in every battle; and as long as
the speed of a model is not known, nothing is shown before both answers are complete.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

TICK_SECONDS = 0.1
"""Seconds between two pieces."""
KNOWN_ANSWERS = 5
"""Answers of a model from which on its speed counts as known."""
_SLOW_SHARE, _MARGIN = 0.1, 0.8


class PacedText:
    """A text that grows as a model writes it, and is shown piece by piece."""

    def __init__(self) -> None:
        """Begin without text."""
        self.text = ""
        self.ended = False
        self.shown = 0

    def add(self, piece: str) -> None:
        """Add what the model wrote."""
        self.text += piece

    def end(self) -> None:
        """Say that nothing more comes."""
        self.ended = True

    @property
    def waiting(self) -> int:
        """Return the number of characters that are not shown yet."""
        return len(self.text) - self.shown

    @property
    def done(self) -> bool:
        """Whether all of the text is shown, and nothing more comes."""
        return self.ended and not self.waiting

    def take(self, count: int) -> str:
        """Return the next characters, and count them as shown."""
        piece = self.text[self.shown : self.shown + count]
        self.shown += len(piece)
        return piece


def common_rate(speeds: Mapping[str, Sequence[float]], names: Iterable[str], fastest: float) -> float:
    """Return the characters a second at which no model stalls; 0: the speed of one is not known.

    It is four fifths of the speed that nine of ten answers of the slowest model keep, and at most `fastest`.

    Args:
        speeds: name of a model -> characters a second of its last answers.
        names: models of the arena.
        fastest: characters a second that the config allows.
    """
    rates = [fastest]
    for name in names:
        known = sorted(speeds.get(name, ()))
        if len(known) < KNOWN_ANSWERS:
            return 0.0
        rates.append(_MARGIN * known[math.floor(_SLOW_SHARE * len(known))])
    return min(rates)


async def paced(
    left: PacedText,
    right: PacedText,
    rate: float | None,
    first_after: float,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[tuple[str, str]]:
    """Yield pieces of both panes until all is shown.

    Args:
        left: text of the left pane.
        right: text of the right pane.
        rate: characters a second in each pane; 0: nothing is shown before both texts have ended, then all at once;
            None: each is shown as it is written.
        first_after: least seconds before the first piece.
        clock: seconds from any moment on.
    """
    begin, owed, ticks = clock(), 0.0, 0
    while not (left.done and right.done):
        ticks = max(ticks + 1, int((clock() - begin) / TICK_SECONDS))
        await asyncio.sleep(max(begin + ticks * TICK_SECONDS - clock(), 0.0))
        if ticks * TICK_SECONDS < first_after:
            continue
        if rate is None:
            yield left.take(left.waiting), right.take(right.waiting)
            continue
        if not rate:
            if left.ended and right.ended:
                yield left.take(left.waiting), right.take(right.waiting)
            continue
        open_panes = [pane.waiting for pane in (left, right) if not pane.done]
        owed = min(owed + rate * TICK_SECONDS, float(min(open_panes, default=0)))
        count = int(owed)
        if count:
            owed -= count
            yield left.take(count), right.take(count)
