"""A stage run to its end by an engine."""

import time
from collections.abc import Callable

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.corpus.cleaning.engines.engine import Engine
from tanuki_jax.corpus.cleaning.engines.stage import Stage, pending


def run_stage(stage: Stage, engine: Engine) -> None:
    """Run the tasks of a stage that are not done, and show how many are. InputError if some do not end."""
    done = stage.tasks - len(pending(stage))
    with progress(stage.title, stage.tasks, "task", done=done) as advance:

        def look() -> None:
            nonlocal done
            now = stage.tasks - len(pending(stage))
            advance(now - done)
            done = now

        finish(stage, engine, look)


def finish(stage: Stage, engine: Engine, look: Callable[[], None]) -> None:
    """Let an engine do the tasks that are not done, again while some of them end. InputError if some do not."""
    before = stage.tasks + 1
    while (todo := pending(stage)) and len(todo) < before:
        before = len(todo)
        engine.run(stage, todo, sparing(look))
    look()
    if todo:
        raise InputError(
            f"{len(todo)} of {stage.tasks} tasks of the stage {stage.title!r} did not end, the first is "
            f"{todo[0]}; see the engine's logs, and start the command again to go on"
        )


def sparing(look: Callable[[], None], share: float = 0.05) -> Callable[[], None]:
    """Return a function that looks, unless that would take more than a share of the time: a look visits a file of
    each task, and engines look whenever a task ends."""
    next_look = 0.0

    def maybe_look() -> None:
        nonlocal next_look
        if (began := time.monotonic()) >= next_look:
            look()
            ended = time.monotonic()
            next_look = ended + (ended - began) / share

    return maybe_look
