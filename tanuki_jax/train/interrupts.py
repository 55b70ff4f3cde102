"""Ctrl-C and SIGTERM as a wish to save and leave."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interrupts:
    """Within the context the first SIGINT or SIGTERM only sets `wanted`; a second SIGINT raises KeyboardInterrupt at once."""

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.wanted and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.wanted = True
