"""Documents that are no language, of which the loss explodes."""

import json
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.runs import Runs
from tests.train.conftest import plain_documents, poison, poisoned_workspace

pytestmark = pytest.mark.faults

TIMES = 20


def test_the_data_of_a_spike_are_left_out(runs: Runs, tokenizer: Path, record: Record, tmp_path: Path) -> None:
    """One document in a thousand, another one and elsewhere each time; the curve beside it is that of the thousand without it."""
    undisturbed, worst = runs.finish("clean"), 0.0
    for number in range(TIMES):
        documents = plain_documents(1000)
        documents.insert(47 * number, poison(seed=100 + number))
        folder = tmp_path / str(number)
        folder.mkdir()
        workspace = poisoned_workspace(folder, documents, tokenizer)
        found = Runs(workspace, folder).finish("spiked")
        spikes = [json.loads(path.read_text()) for path in sorted((folder / "runs" / "spiked" / "spikes").glob("*.json"))]
        assert spikes, f"no spike in run {number}"
        assert not {step for spike in spikes for step in spike["data_steps"]} & {line["data_step"] for line in found if "loss" in line}
        worst = max(worst, abs(found[-1]["held_out/all"] / undisturbed[-1]["held_out/all"] - 1))
        told = workspace.run("explain", str(folder / "runs" / "spiked"), "--spike", "1")
        assert told.returncode == 0, told.stderr
        assert f"documents.jsonl row {47 * number + 1}" in told.stdout + told.stderr, told.stdout
    assert worst <= 0.02
    record("poisoned documents", TIMES, f"rewound, window skipped, held-out loss within {worst:.1%} of the undisturbed, documents named")
