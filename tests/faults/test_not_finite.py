"""NaN and Inf in losses and gradients, caused by embeddings of rare tokens that are overwritten in a checkpoint."""

import collections
import contextlib
import dataclasses
import shutil
import string
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorstore

from tanuki_jax.checkpoints.format import finish, read_state, step_folder, steps
from tanuki_jax.config import registry
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.open_stores import open_stores
from tests.faults.conftest import Record
from tests.faults.runs import Runs
from tests.training.conftest import Workspace, plain_documents, poisoned_workspace

pytestmark = pytest.mark.faults

STEPS = 40
OPTIONS = (
    "--steps",
    str(STEPS),
    "--schedule.end-step",
    "60",
    "--rewind.max_rejected",
    "0",
    "--rewind.raised_steps",
    "0",
    "--guard.deviations",
    "0",
)
ALL_CHECKPOINTS = ("--checkpoints.every-steps", "2", "--checkpoints.keep", str(STEPS))
COMPARED = ("loss", "gradient_norm", "learning_rate")


class Case(NamedTuple):
    """A value for the embedding of tokens, each of which occurs in only one of some data steps."""

    after: int
    """Step whose checkpoint gets the value."""
    data_steps: tuple[int, ...]
    value: float
    options: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def rare(tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace in which every seventh document has a token of its own: an ASCII character or a UTF-8 byte."""
    characters = [
        *string.ascii_uppercase,
        *string.digits,
        *map(chr, range(0x2600, 0x2640)),
        *(chr(number << 6 | 0x18) for number in range(4, 32)),
    ]
    documents = plain_documents(1000)
    for character, number in zip(characters, range(0, len(documents), 7), strict=False):
        documents[number] += f" {character}"
    return poisoned_workspace(tmp_path_factory.mktemp("rare"), documents, tokenizer)


@pytest.fixture(scope="module")
def tokens_of_steps(rare: Workspace) -> dict[int, int]:
    """Map a data step to a token that occurs in its inputs, and in no other step and no held-out batch."""
    with contextlib.chdir(rare.folder):
        experiment = registry.experiment.find(rare.config)
        mixture = registry.mixture.find(experiment.data.mixture)
        loader = Loader(open_stores(experiment.data, mixture), mixture, experiment.data, experiment.seed)
        steps_of = collections.defaultdict(set)
        for data_step in range(2 * STEPS):
            for token in np.unique(loader.batch(data_step, slice(None)).tokens).tolist():
                steps_of[token].add(data_step)
        held_out = {
            token
            for source in loader.held_out_sources
            for token in np.unique(loader.held_out(source, 16).tokens).tolist()
        }
    return {next(iter(steps)): token for token, steps in steps_of.items() if len(steps) == 1 and token not in held_out}


def poison(checkpoint: Path, tokens: list[int], value: float) -> None:
    """Overwrite rows of the embedding, and update the checksums of the checkpoint."""
    store = {"driver": "ocdbt", "base": f"file://{checkpoint}/base/", "path": "embedding/"}
    array = tensorstore.open({"driver": "zarr3", "kvstore": store}, open=True).result()
    for token in tokens:
        array[token] = value
    finish(checkpoint, dataclasses.replace(read_state(checkpoint), sums={}))


def cut(runs: Runs, origin: str, name: str, after: int) -> Path:
    """Copy a run as it was after some steps, and return its newest checkpoint."""
    shutil.copytree(runs.folder(origin), runs.folder(name))
    checkpoints = runs.folder(name) / "checkpoints"
    for step in steps(checkpoints):
        if step > after:
            shutil.rmtree(step_folder(checkpoints, step))
    return step_folder(checkpoints, after)


def by_data_step(lines: list[dict[str, Any]], left_out: tuple[int, ...]) -> dict[int, list[float]]:
    return {
        line["data_step"]: [line[name] for name in COMPARED]
        for line in lines
        if "loss" in line and line["data_step"] not in left_out
    }


def cases(available: dict[int, int]) -> list[Case]:
    """Return cases of single steps and five in a row, in the warm-up and later, in all or one of two micro-batches."""

    def single(after: int) -> tuple[int, ...]:
        return tuple(sorted(step for step in available if after <= step < STEPS))[::2][:5]

    def in_a_row(after: int) -> tuple[int, ...]:
        return next(
            tuple(range(first, first + 5))
            for first in range(after, STEPS - 5)
            if available.keys() >= set(range(first, first + 5))
        )

    micro, narrow = ("--layout.accumulation", "2"), ("--layout.compute-dtype", "bfloat16")
    plans = [(float("nan"), ()), (float("inf"), ()), (float("nan"), micro), (3e38, narrow), (float("-inf"), micro)]
    return [
        Case(after, choose(after), value, options)
        for after, choose in ((2, single), (12, in_a_row))
        for value, options in plans
    ]


def test_only_steps_that_are_not_finite_are_rejected(
    rare: Workspace, tokens_of_steps: dict[int, int], record: Record, tmp_path: Path
) -> None:
    """Compare with a run that skips the same data and has the original embedding: other steps are equal bit for bit."""
    runs, times = Runs(rare, tmp_path), 0
    for number, case in enumerate(cases(tokens_of_steps)):
        origin = "origin" + "".join(case.options).replace("--", "_")
        if not runs.folder(origin).exists():
            runs.finish(origin, *OPTIONS, *ALL_CHECKPOINTS, *case.options)
        poison(
            cut(runs, origin, f"case{number}", case.after),
            [tokens_of_steps[step] for step in case.data_steps],
            case.value,
        )
        metrics = runs.finish(f"case{number}", *OPTIONS, *ALL_CHECKPOINTS, *case.options)
        rejected = tuple(line["data_step"] for line in metrics if "loss" in line and not line["accepted"])
        assert rejected == case.data_steps, case
        checkpoint = cut(runs, origin, f"without{number}", case.after)
        finish(checkpoint, dataclasses.replace(read_state(checkpoint), skipped=case.data_steps))
        shorter = ("--steps", str(STEPS - len(case.data_steps)))
        expected = runs.finish(f"without{number}", *OPTIONS, *ALL_CHECKPOINTS, *case.options, *shorter)
        assert by_data_step(metrics, case.data_steps) == by_data_step(expected, case.data_steps), case
        times += len(rejected)
    record(
        "NaN, Inf or overflow: steps and micro-batches, warm-up and later, single and five in a row",
        times,
        "exactly these steps rejected",
    )
