"""Documents that are no language, of which the loss explodes."""

import contextlib
import itertools
import json
from pathlib import Path

import pytest

from tanuki_jax.config import registry
from tanuki_jax.data.loader import Loader, open_stores
from tests.faults.conftest import Record
from tests.faults.runs import Runs
from tests.training.conftest import Workspace, plain_documents, poison, poisoned_workspace

pytestmark = pytest.mark.faults

TIMES = 10
"""In each of two parts, which run at the same time."""
LEFT_OUT = 16
"""Data steps that a run may leave out."""
KNOWN, LAST = 28, 52
"""Steps from which on a run knows what is usual (its loss falls steeply for a dozen, and the guard's window has sixteen), and up to which
it has time to come back."""


def steps_of(workspace: Workspace, document: int) -> list[int]:
    """Data steps that read much of a document, those included that a run comes to by leaving others out; none if it is held out."""
    with contextlib.chdir(workspace.folder):
        experiment = registry.experiment.find(workspace.config)
        mixture = registry.mixture.find(experiment.data.mixture)
        loader = Loader(open_stores(experiment.data, mixture), mixture, experiment.data, experiment.seed)
    traced = {
        step: [piece for row in loader.trace(step) for piece in row] for step in range(experiment.steps + LEFT_OUT)
    }
    return [step for step, pieces in traced.items() if sum(piece.document == document for piece in pieces) > 3]


@pytest.mark.parametrize("part", [0, 1])
def test_the_data_of_a_spike_are_left_out(
    part: int, runs: Runs, tokenizer: Path, record: Record, tmp_path: Path
) -> None:
    """One document in a thousand, another one and elsewhere each time; the curve beside it is that of the thousand without it."""
    undisturbed, worst, times = runs.finish("clean"), 0.0, 0
    for number in itertools.count(part, 2):
        documents, place = plain_documents(1000), 47 * number % 1000
        documents.insert(place, poison(seed=100 + number))
        folder = tmp_path / str(number)
        folder.mkdir()
        workspace = poisoned_workspace(folder, documents, tokenizer)
        bad = steps_of(workspace, place)
        if not bad or bad[0] < KNOWN or bad[-1] > LAST:
            continue
        found = Runs(workspace, folder).finish("spiked")
        spikes = [
            json.loads(path.read_text()) for path in sorted((folder / "runs" / "spiked" / "spikes").glob("*.json"))
        ]
        assert spikes and set(spikes[0]["data_steps"]) & {*bad}, (number, bad, spikes)
        assert not {step for spike in spikes for step in spike["data_steps"]} & {
            line["data_step"] for line in found if "loss" in line
        }
        worst = max(worst, abs(found[-1]["held_out/all"] / undisturbed[-1]["held_out/all"] - 1))
        told = workspace.run("explain", str(folder / "runs" / "spiked"), "--spike", "1")
        assert told.returncode == 0, told.stderr
        assert f"documents.jsonl:{place + 1} " in told.stdout.splitlines()[1], told.stdout
        times += 1
        if times == TIMES:
            break
    assert worst <= 0.02
    record(
        "poisoned documents",
        times,
        f"rewound, window skipped, held-out loss within {worst:.1%} of the undisturbed, documents named",
    )
