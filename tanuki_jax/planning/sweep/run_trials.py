"""Workers that run the trials of a study, together with other commands that share it."""

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
from tanuki_jax.planning.sweep.study import ClaimedTrial, Study

POLL_SECONDS = 0.5
"""Time between two looks for trials that other commands release."""

_log = logging.getLogger(__name__)


class Executor(Protocol):
    """A worker's means to run one trial after another."""

    def run(self, claimed: ClaimedTrial, stop: threading.Event) -> Outcome | None:
        """Run a trial. Return its outcome, or None if `stop` was set first."""

    def close(self) -> None:
        """Release resources after the last trial."""


def run(study: Study, executor: Callable[[], Executor], workers: int, finished: Callable[[], None]) -> None:
    """Run trials until all trials of the study have ended, those of killed workers included.

    Args:
        study: the trials.
        executor: makes an executor for each worker.
        workers: number of trials that run at once.
        finished: called after every trial, by one worker at a time.
    """
    stop, lock, ended = threading.Event(), threading.Lock(), study.ended

    def finish(claimed: ClaimedTrial, outcome: Outcome) -> None:
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
        futures = [pool.submit(_work, study, executor, stop, finish) for _ in range(workers)]
        try:
            for future in concurrent.futures.as_completed(futures):
                future.result()
        finally:
            stop.set()


def _work(
    study: Study, make: Callable[[], Executor], stop: threading.Event, finish: Callable[[ClaimedTrial, Outcome], None]
) -> None:
    """Run trials one after another. Other commands may still run trials, so the end is when all have ended."""
    executor: Executor | None = None
    try:
        while not stop.is_set():
            claimed = study.claim()
            if claimed is None:
                if study.ended == study.planned:
                    return
                stop.wait(POLL_SECONDS)
                continue
            outcome = _invalid(claimed.trial)
            if outcome is None:
                executor = executor or make()
                outcome = executor.run(claimed, stop)
            if outcome is None:
                study.release(claimed)
            else:
                finish(claimed, outcome)
    finally:
        if executor is not None:
            executor.close()


def _invalid(trial: Trial) -> Outcome | None:
    """Return the outcome of a trial whose experiment is invalid, else None."""
    if isinstance(trial.experiment, str):
        return failed(trial.experiment)
    try:
        validate(trial.experiment)
    except InputError as error:
        return failed(str(error))
    return None
