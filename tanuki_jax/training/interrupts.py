"""Signals as wishes: SIGTERM and Ctrl-C to save and leave, SIGUSR1 to save and go on."""

import contextlib
import signal
from types import FrameType, TracebackType
from typing import Any, Literal, Self

import jax
from jax._src.distributed import global_state
from jax.experimental.multihost_utils import reached_preemption_sync_point

AHEAD = 4
"""Steps from the one at which a process publishes SIGUSR1 to the one after which all save.

A process asks after it dispatched a step and read the metrics of the step before. All processes compute those together, so while one
process asks after step n, none has asked after more than n + 1, and who asks after n + 2 finds what was published. Two would do; the rest
is for a loop that reads metrics one or two steps later.
"""


class Interrupts:
    """Within the context the first SIGINT or SIGTERM is a wish to leave, and every SIGUSR1 one to save.

    A second SIGINT raises KeyboardInterrupt.

    Of several processes any may be told. To leave, JAX's service has a handler of SIGTERM, finds the next step that none has begun and
    tells all. To save, the one that was told publishes a step in JAX's key-value store, where all look once a step (0.3 ms).
    """

    def __init__(self) -> None:
        self._asked = 0
        self._noted = self._leave = False
        self._told = self._answered = 0
        self._alone = jax.process_count() == 1
        self._agreed = _Agreed()

    def __enter__(self) -> Self:
        handlers = {signal.SIGINT: self._note_leave, signal.SIGUSR1: self._note_save}
        if self._alone:
            handlers[signal.SIGTERM] = self._note_leave
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wanted(self) -> Literal["", "save", "leave"]:
        """What to do after this step, the same in every process; to be asked once at every step by all.

        Calls are counted here, since the number of a step may fall when a run goes back. "leave" stays; a "save" is said once for all
        signals that came before it.
        """
        self._asked += 1
        told = self._told
        save = told > self._answered
        if self._alone:
            self._leave, self._answered = self._noted, told
        else:
            self._leave = self._leave or reached_preemption_sync_point(self._asked)
            at = self._agreed.look(self._asked, save)
            save = at == self._asked
            if at:
                self._answered = told
        return "leave" if self._leave else "save" if save else ""

    def _note_leave(self, number: int, frame: FrameType | None) -> None:
        if self._noted and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._noted = True
        if not self._alone:
            signal.raise_signal(signal.SIGTERM)

    def _note_save(self, number: int, frame: FrameType | None) -> None:
        self._told += 1


class _Agreed:
    """The steps that processes agree on, one after the other."""

    def __init__(self) -> None:
        self._store: Any = global_state.client
        self._reached = 0
        self._next = 0

    def look(self, now: int, wish: bool) -> int:
        """The next agreed step, or 0; a wish makes one where there is none."""
        if self._next and self._next < now:
            self._next, self._reached = 0, self._reached + 1
        folder = f"tanuki_jax/save/{self._reached}/"
        if not self._next:
            self._next = self._published(folder)
        if wish and not self._next:
            with contextlib.suppress(jax.errors.JaxRuntimeError):  # another process was told too, and was faster
                self._store.key_value_set(f"{folder}step", str(now + AHEAD))
            self._next = self._published(folder)
        assert not self._next or self._next >= now, f"to be saved after step {self._next}, heard of after step {now}"
        return self._next

    def _published(self, folder: str) -> int:
        entries = self._store.key_value_dir_get(folder)
        return int(entries[0][1]) if entries else 0
