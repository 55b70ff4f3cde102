"""Documents of random characters, which make the loss explode."""

import contextlib
import itertools
import json
from pathlib import Path

import pytest

from tanuki_jax.config import registry
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.open_stores import open_stores
from tests.faults.conftest import Record
from tests.faults.runs import Runs
from tests.training.conftest import Workspace, plain_documents, poison, poisoned_workspace

pytestmark = pytest.mark.faults

TIMES = 10
"""Number of documents in each of two parts, which run at the same time."""
MAX_SKIPPED = 16
"""Data steps that a run may skip."""
FIRST, LAST = 28, 52
"""First and last data step of a poisoned document: earlier the guard's window (16 steps, after a dozen of steeply
falling loss) is not full, and later too few steps remain to recover."""


def steps_of(workspace: Workspace, document: int) -> list[int]:
    """Return the data steps that read much of a document, also those after skipped ones; none if it is held out."""
    with contextlib.chdir(workspace.folder):
        experiment = registry.experiment.find(workspace.config)
        mixture = registry.mixture.find(experiment.data.mixture)
        loader = Loader(open_stores(experiment.data, mixture), mixture, experiment.data, experiment.seed)
    traced = {
        step: [piece for row in loader.trace(step) for piece in row] for step in range(experiment.steps + MAX_SKIPPED)
    }
    return [step for step, pieces in traced.items() if sum(piece.document == document for piece in pieces) > 3]


@pytest.mark.parametrize("part", [0, 1])
def test_the_data_of_a_spike_are_skipped(
    part: int, runs: Runs, tokenizer: Path, record: Record, tmp_path: Path
) -> None:
    """Insert a poisoned document into a thousand, each time another one at another position, and compare with none."""
    undisturbed, worst, times = runs.finish("clean"), 0.0, 0
    for number in itertools.count(part, 2):
        documents, position = plain_documents(1000), 47 * number % 1000
        documents.insert(position, poison(seed=100 + number))
        folder = tmp_path / str(number)
        folder.mkdir()
        workspace = poisoned_workspace(folder, documents, tokenizer)
        bad = steps_of(workspace, position)
        if not bad or bad[0] < FIRST or bad[-1] > LAST:
            continue
        metrics = Runs(workspace, folder).finish("spiked")
        spikes = [
            json.loads(path.read_text()) for path in sorted((folder / "runs" / "spiked" / "spikes").glob("*.json"))
        ]
        assert spikes and set(spikes[0]["data_steps"]) & {*bad}, (number, bad, spikes)
        assert not {step for spike in spikes for step in spike["data_steps"]} & {
            line["data_step"] for line in metrics if "loss" in line
        }
        worst = max(worst, abs(metrics[-1]["held_out/all"] / undisturbed[-1]["held_out/all"] - 1))
        explained = workspace.run("explain", str(folder / "runs" / "spiked"), "--spike", "1")
        assert explained.returncode == 0, explained.stderr
        assert f"documents.jsonl:{position + 1} " in explained.stdout.splitlines()[1], explained.stdout
        times += 1
        if times == TIMES:
            break
    assert worst <= 0.02
    record(
        "poisoned documents",
        times,
        f"rewound, window skipped, held-out loss within {worst:.1%} of the undisturbed, documents named",
    )
