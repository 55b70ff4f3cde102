"""40 prompts alone and among 63 others, in three orders: the same bits, whether prompts share pages or not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.job import Job, Scored
from tests.inference.engine.conftest import run
from tests.inference.untrained import untrained

pytestmark = pytest.mark.long


def jobs() -> list[Job]:
    """Return 103 greedy jobs, of which every other one begins like another; a third with log-probabilities."""
    random = np.random.default_rng(0)
    begin = random.integers(10, 380, 40).tolist()
    return [
        Job(
            prompt=(*begin[: 40 * (number % 2)], *random.integers(10, 380, random.integers(1, 40)).tolist()),
            tokens=int(random.integers(1, 48)),
            logprobs=number % 3 == 0,
        )
        for number in range(103)
    ]


def answers(engine: Engine, *some: Job) -> list[tuple[str, list[int], list[Scored]]]:
    """Return text, ids and scores of fresh copies of jobs that are submitted together."""
    found = run(engine, *(dataclasses.replace(job) for job in some))
    return [
        (
            "".join(u.text for u in updates),
            [t for u in updates for t in u.tokens],
            [s for u in updates for s in u.scores],
        )
        for updates in found
    ]


@pytest.mark.parametrize("reuse", [False, True])
def test_40_answers_are_the_same_alone_and_among_63_others(chat_tokenizer: Path, reuse: bool) -> None:
    engine, all_jobs = Engine(untrained(chat_tokenizer), rows=64, cache_tokens=4096, page=16, reuse=reuse), jobs()
    alone = [answers(engine, job)[0] for job in all_jobs[:40]]
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(103).tolist()
        together = answers(engine, *(all_jobs[number] for number in order))
        assert [together[order.index(number)] for number in range(40)] == alone
    assert bool(engine.reused) == reuse
