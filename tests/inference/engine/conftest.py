"""An engine of an untrained model, shared by the tests of a process."""

import pytest

from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.job import Job, Update
from tanuki_jax.inference.load_model import LoadedModel


@pytest.fixture(scope="session")
def engine(loaded: LoadedModel) -> Engine:
    """Return an engine of four rows, whose pages hold four texts of the model's length."""
    return make_engine(loaded)


def make_engine(loaded: LoadedModel, *, reuse: bool = True) -> Engine:
    """Return an engine of the sizes that all tests share, so that its programs are compiled once."""
    return Engine(loaded, rows=4, cache_tokens=4 * 128, page=16, reuse=reuse)


def run(engine: Engine, *jobs: Job) -> list[list[Update]]:
    """Return the updates of jobs that are submitted together."""
    updates: dict[Job, list[Update]] = {job: [] for job in jobs}
    for job in jobs:
        engine.submit(job, updates[job].append)
    while engine.step():
        pass
    assert all(found[-1].done and not any(update.done for update in found[:-1]) for found in updates.values())
    return [updates[job] for job in jobs]


def tokens_of(updates: list[Update]) -> tuple[int, ...]:
    """Return all new ids."""
    return tuple(token for update in updates for token in update.tokens)
