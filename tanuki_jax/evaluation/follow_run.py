"""Scores of every checkpoint of a run while it is trained, as lines and curves of the run."""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base import json_lines
from tanuki_jax.base.claims import held_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.held_checkpoints import HeldCheckpoints, is_trained, watching
from tanuki_jax.evaluation.run_evaluation import Evaluated, answerer, evaluate
from tanuki_jax.evaluation.served_checkpoint import SERVE, CannotServe, served_checkpoint

LINES = "evaluations.jsonl"
"""File of a run with a line for each checkpoint that has scores."""
RECORD = "followed.json"
LOOK_SECONDS = 0.2
_log = logging.getLogger(__name__)


def follow(
    evaluation: Evaluation,
    run: Path,
    concurrency: int,
    show: Callable[[int, Evaluated], None],
    *,
    look_seconds: float = LOOK_SECONDS,
    serve: Sequence[str] = SERVE,
) -> list[int]:
    """Score every checkpoint of a run, also those that are saved meanwhile, until the trainer has ended.

    The checkpoints are held by hard links from the moment they are seen, so that the trainer may delete its own. The
    server gets only the processor time that training leaves. Killed and started again, it goes on with the checkpoints
    that have no scores.

    Args:
        evaluation: benchmarks; best a slice that takes less time than training needs from one checkpoint to the next.
        run: folder of the run.
        concurrency: most requests in flight.
        show: called with the step and the results of each checkpoint.
        look_seconds: seconds between two looks at the run's checkpoints.
        serve: command of the server.

    Returns:
        Steps whose checkpoints were deleted before they could be held, were not saved, or cannot be served, ascending.

    Raises:
        InputError: there is no run, another command follows it with this evaluation, or no checkpoint can be served.
    """
    if not (run / "config.json").is_file():
        raise InputError(f"there is no run at {run} to follow: it has no config.json")
    folder = run / "evaluations" / evaluation.name
    with held_folder(folder, RECORD, "evaluate", "following"):
        (folder / RECORD).touch()
        held, done = HeldCheckpoints(run, folder / "held"), _done(run, evaluation.name)
        unserved: dict[int, CannotServe] = {}
        with watching(held, done, look_seconds):
            while True:
                trained = is_trained(run)  # before the look: what is saved between both is seen by the next look
                waiting = held.look(done)
                if waiting:
                    step = waiting[0]
                    try:
                        show(step, _score(evaluation, run, folder, held, step, concurrency, serve))
                    except CannotServe as error:
                        unserved[step] = error
                        _log.warning("the checkpoint of step %d has no scores: %s", step, error)
                    done.add(step)
                    held.release(step)
                elif trained:
                    time.sleep(look_seconds)
                elif unserved and len(unserved) == len(done):
                    raise next(iter(unserved.values()))
                else:
                    return sorted({*held.deleted, *unserved, *_unseen(run, done.union(held.deleted))})


def _unseen(run: Path, known: set[int]) -> set[int]:
    """Return the steps before the last known one at which the run saves, and that are not known."""
    settings = read_object(run / "config.json").get("checkpoints")
    every = settings.get("every_steps") if isinstance(settings, dict) else None
    return {*range(every, max(known), every)} - known if isinstance(every, int) and every > 0 and known else set()


def _done(run: Path, name: str) -> set[int]:
    """Return the steps that have scores of an evaluation."""
    lines = (line for _, line in json_lines.lines(run / LINES) if isinstance(line, dict))
    return {line["step"] for line in lines if line.get("evaluation") == name and isinstance(line.get("step"), int)}


def _score(
    evaluation: Evaluation,
    run: Path,
    folder: Path,
    held: HeldCheckpoints,
    step: int,
    concurrency: int,
    serve: Sequence[str],
) -> Evaluated:
    """Score a checkpoint that is held, and add its line and its points."""
    # The programs of the first checkpoint are those of all.
    kept = {"JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    environment = {name: value for name, value in kept.items() if name not in os.environ}
    source = f"{run.resolve().name}-{step}={held.path(step)}"
    with served_checkpoint(source, idle=True, environment=environment, serve=serve) as url:
        model = answerer(RemoteModel(urls=(url,), concurrency=concurrency), "endpoint")
        evaluated = evaluate(evaluation, model, folder / f"{step:08d}")
    if evaluated.stopped is not None:
        raise evaluated.stopped
    values = _values(evaluation.name, evaluated)
    _add_points(run / "tensorboard" / "evaluations", step, values)
    # The line is last: with it, the checkpoint is done.
    json_lines.append(run / LINES, {"step": step, "evaluation": evaluation.name, "model": model.fingerprint, **values})
    return evaluated


def _values(name: str, evaluated: Evaluated) -> dict[str, float]:
    """Return evaluations/NAME/BENCHMARK/METRIC -> mean."""
    found: dict[str, float] = {}
    for each in evaluated.benchmarks:
        means: Mapping[str, Any] = {metric: about["mean"] for metric, about in each["metrics"].items()}
        for metric, value in (means | each["overall"]).items():
            if value is not None:
                found[f"evaluations/{name}/{each['name']}/{metric}"] = value
    return found


def _add_points(folder: Path, step: int, values: Mapping[str, float]) -> None:
    """Add points to the run's curves in TensorBoard."""
    from tensorboardX import SummaryWriter

    with contextlib.closing(SummaryWriter(str(folder))) as writer:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
