"""Interrupts by signals: SIGTERM and Ctrl-C save and leave, SIGUSR1 saves and goes on."""

import contextlib
import signal
from types import FrameType, TracebackType
from typing import Literal, Self

import jax
from jax.experimental.multihost_utils import reached_preemption_sync_point
from orbax.checkpoint import multihost

AHEAD = 4
"""Number of steps from the one at which a process publishes SIGUSR1 to the one after which all processes save."""
# All processes must save after the same step, and one that publishes a step must be sure that none has passed it
# already. A process polls after it has dispatched a step and read the metrics of the step before. All processes compute
# those metrics together, so while one process polls after step n, none has polled after more than n + 1, and every
# process that polls after n + 2 finds what was published. Two steps would do; the others are for a loop that reads
# metrics one or two steps later.


class Interrupts:
    """Context in which the first SIGINT or SIGTERM requests to leave, and every SIGUSR1 to save. A second SIGINT raises
    KeyboardInterrupt.

    Any of several processes may get the signal. To leave, JAX's service handles SIGTERM: it finds the next step that no
    process has begun, and tells all processes. To save, the process that got the signal publishes a step in JAX's
    key-value store, which all processes read once a step (0.3 ms).
    """

    def __init__(self) -> None:
        self._polls = 0
        self._leave_noted = self._leave = False
        self._saves_noted = self._saves_answered = 0
        self._single_process = jax.process_count() == 1
        self._save_steps = _SaveSteps()

    def __enter__(self) -> Self:
        handlers = {signal.SIGINT: self._note_leave, signal.SIGUSR1: self._note_save}
        if self._single_process:
            handlers[signal.SIGTERM] = self._note_leave
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def poll(self) -> Literal["", "save", "leave"]:
        """Return what to do after this step, the same in every process. All processes must call it once after every
        step.

        Calls are counted here, since the number of a step may fall when a run goes back. "leave" is returned from then
        on; "save" is returned once for all signals that came before it.
        """
        self._polls += 1
        noted = self._saves_noted  # read once: a signal may come at any moment
        save = noted > self._saves_answered
        if self._single_process:
            self._leave, self._saves_answered = self._leave_noted, noted
        else:
            self._leave = self._leave or reached_preemption_sync_point(self._polls)
            agreed = self._save_steps.next(self._polls, save)
            save = agreed == self._polls
            if agreed:
                self._saves_answered = noted
        return "leave" if self._leave else "save" if save else ""

    def _note_leave(self, number: int, frame: FrameType | None) -> None:
        if self._leave_noted and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._leave_noted = True
        if not self._single_process:
            signal.raise_signal(signal.SIGTERM)

    def _note_save(self, number: int, frame: FrameType | None) -> None:
        self._saves_noted += 1


class _SaveSteps:
    """Steps after which all processes save, published one after the other in JAX's key-value store."""

    def __init__(self) -> None:
        self._passed = 0
        self._next = 0

    def next(self, now: int, requested: bool) -> int:
        """Return the next published step, or 0 if there is none; publish one if there is none and one is requested."""
        if self._next and self._next < now:
            self._next, self._passed = 0, self._passed + 1
        folder = f"tanuki_jax/save/{self._passed}/"
        if not self._next:
            self._next = self._published(folder)
        if requested and not self._next:
            with contextlib.suppress(jax.errors.JaxRuntimeError):  # another process got a signal too, and was faster
                multihost.get_jax_distributed_client().key_value_set(f"{folder}step", str(now + AHEAD))
            self._next = self._published(folder)
        assert not self._next or self._next >= now, f"step {self._next} to save after was read after step {now}"
        return self._next

    def _published(self, folder: str) -> int:
        entries = multihost.get_jax_distributed_client().key_value_dir_get(folder)
        return int(entries[0][1]) if entries else 0
