"""Ctrl-C and SIGTERM as a wish to save and leave."""

import signal
from types import FrameType, TracebackType
from typing import Self

import jax
from jax.experimental.multihost_utils import reached_preemption_sync_point


class Interrupts:
    """Within the context the first SIGINT or SIGTERM is a wish that `wanted` tells of; a second SIGINT raises KeyboardInterrupt at once.

    Of several processes any may be told. JAX's service has a handler of SIGTERM, finds the next step that none has begun and tells all.
    """

    def __init__(self) -> None:
        self._noted = False
        self._alone = jax.process_count() == 1

    def __enter__(self) -> Self:
        numbers = (signal.SIGINT, signal.SIGTERM) if self._alone else (signal.SIGINT,)
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wanted(self, step: int) -> bool:
        """Whether to save and leave after this step, the same in every process; to be asked once at every step."""
        return self._noted if self._alone else reached_preemption_sync_point(step)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._noted = True
        if not self._alone:
            signal.raise_signal(signal.SIGTERM)
