"""Works through a sweep's trials, several at once, together with whoever else works on the same study."""

import concurrent.futures
import logging
import threading
from collections.abc import Callable
from typing import Protocol

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.config.sweep import Trial
from tanuki_jax.config.validate import validate
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import Claimed, Study

LOOK = 0.5
"""Seconds between two looks at the trials of others."""

_log = logging.getLogger(__name__)


class Executor(Protocol):
    """Runs one trial after another."""

    def run(self, claimed: Claimed, stop: threading.Event) -> Outcome | None:
        """The outcome of a trial, or None where it was left because `stop` was set."""

    def close(self) -> None:
        """Called once, after the last."""


def run(study: Study, executor: Callable[[], Executor], workers: int, finished: Callable[[], None]) -> None:
    """Runs trials until all of the study have ended; a trial of a worker that was killed meanwhile is taken up.

    Args:
        study: what is to be done.
        executor: makes one for each worker.
        workers: trials at once.
        finished: called after every trial, by one worker at a time.
    """
    stop, lock, ended = threading.Event(), threading.Lock(), study.ended

    def tell(claimed: Claimed, outcome: Outcome) -> None:
        nonlocal ended
        with lock:
            study.finish(claimed, outcome)
            finished()
            reason = f", {outcome.reason}" if outcome.reason else ""
            before, ended = ended, study.ended
            advance(ended - before)  # trials of other workers count too
            _log.info("%d of %d: %s: %s%s", ended, study.planned, claimed.trial.name, outcome.verdict, reason)

    with (
        progress("sweep", study.planned, "trial", done=ended) as advance,
        concurrent.futures.ThreadPoolExecutor(workers, "sweep") as pool,
    ):
        futures = [pool.submit(_work, study, executor, stop, tell) for _ in range(workers)]
        try:
            for future in concurrent.futures.as_completed(futures):
                future.result()
        finally:
            stop.set()


def _work(
    study: Study, make: Callable[[], Executor], stop: threading.Event, tell: Callable[[Claimed, Outcome], None]
) -> None:
    executor: Executor | None = None
    try:
        while not stop.is_set():
            claimed = study.claim()
            if claimed is None:
                if study.ended == study.planned:
                    return
                stop.wait(LOOK)
                continue
            outcome = _refused(claimed.trial)
            if outcome is None:
                executor = executor or make()
                outcome = executor.run(claimed, stop)
            if outcome is None:
                study.leave(claimed)
            else:
                tell(claimed, outcome)
    finally:
        if executor is not None:
            executor.close()


def _refused(trial: Trial) -> Outcome | None:
    """What is known before anything is run."""
    if isinstance(trial.experiment, str):
        return failed(trial.experiment)
    try:
        validate(trial.experiment)
    except InputError as error:
        return failed(str(error))
    return None
