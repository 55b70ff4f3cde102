import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import format as folder
from tanuki_jax.explain import main
from tanuki_jax.training.explain.spike_record import read_spike
from tanuki_jax.training.loss_history import LossHistory, Spike
from tests.training.explain.conftest import finish_checkpoint, loader_of, prepare, tiny, write_run

SPIKE = Spike(first=9, last=10, data_steps=(8, 9), checkpoint=6, reason="it was a test")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run that went back at step 10; its checkpoint is one file without meaning."""
    experiment = tiny(tmp_path)
    prepare(experiment, ["the tanuki drums", "the fox waits"] * 20)
    lines = [{"step": step, "data_step": step - 1, "loss": 1.0 * step} for step in range(1, 11)]
    run = write_run(experiment, SPIKE, [*lines, {"step": 10, "held_out/all": 1.0}])
    (run / "checkpoints" / "00000006").mkdir(parents=True)
    (run / "checkpoints" / "00000006" / "weights").write_bytes(b"weights")
    finish_checkpoint(run, experiment, SPIKE, loader_of(experiment).fingerprint, LossHistory())
    return run


def checkpoint(run: Path) -> Path:
    (found,) = (run / "checkpoints").iterdir()
    return found


def add_spike(run: Path, number: int, first: int, back_to: int) -> None:
    spike = Spike(first=first, last=first, data_steps=(first + 9,), checkpoint=back_to, reason="another")
    (run / "spikes" / f"{number:03d}.json").write_text(json.dumps(dataclasses.asdict(spike) | {"metrics": []}))


def test_a_spike_is_read_with_the_steps_that_were_cut(run: Path) -> None:
    record = read_spike(run, 1)
    assert record.spike == SPIKE
    assert [line["step"] for line in record.lines] == list(range(1, 11))
    assert record.afterwards == [] and [event["event"] for event in record.events] == ["resumed"]
    assert record.state.step == 6 and record.skipped == ()


def test_data_left_out_later_count_as_read(run: Path) -> None:
    """Only data of earlier spikes had been left out when the spike happened."""
    add_spike(run, 2, first=13, back_to=6)
    state = folder.read_state(checkpoint(run))
    folder.finish(checkpoint(run), dataclasses.replace(state, skipped=(3, 8, 9, 22)))
    assert read_spike(run, 1).skipped == (3,)
    assert read_spike(run, 2).skipped == (3, 8, 9)


def test_steps_that_replaced_the_cut_ones_are_kept_apart(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 9, "loss": 1.0}) + "\n")
    assert read_spike(run, 1).afterwards == [{"step": 9, "loss": 1.0}]


def test_an_unknown_spike_is_refused(run: Path) -> None:
    with pytest.raises(InputError, match=r"poisoned has no spike 2: it had only 1$"):
        read_spike(run, 2)
    (run / "spikes" / "001.json").unlink()
    with pytest.raises(InputError, match=r"poisoned has no spike 1: it had none so far$"):
        read_spike(run, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", r"spikes/001\.json is not JSON"),
        ("[]", r"spikes/001\.json is not a JSON object"),
        ("{}", r"metrics of .*001\.json are not lines of metrics"),
        ('{"metrics": [{"loss": 1}]}', r"metrics of .*001\.json are not lines of metrics"),
        ('{"metrics": [], "first": 3}', r"001\.json lacks the field last"),
        (
            '{"metrics": [], "first": 3, "last": 2, "data_steps": [], "checkpoint": 1, "reason": ""}',
            "has a spike of steps 3 to 2",
        ),
        (
            '{"metrics": [], "first": 3, "last": 4, "data_steps": [], "checkpoint": 3, "reason": ""}',
            "checkpoint of step 3, which is not before",
        ),
    ],
)
def test_a_spike_that_cannot_be_read_is_named(run: Path, text: str, said: str) -> None:
    (run / "spikes" / "001.json").write_text(text)
    with pytest.raises(InputError, match=said):
        read_spike(run, 1)


def test_events_that_cannot_be_read_are_named(run: Path) -> None:
    (run / "events.jsonl").write_text('no event\n{"event": "resumed"}\n')
    with pytest.raises(InputError, match=r"events\.jsonl, line 1,"):
        read_spike(run, 1)


def test_a_missing_damaged_or_later_checkpoint_is_refused(run: Path) -> None:
    add_spike(run, 2, first=4, back_to=2)
    with pytest.raises(InputError, match=r"at spike 2 .* went back to step 2, before the checkpoint 6"):
        read_spike(run, 1)
    (run / "spikes" / "002.json").unlink()
    (checkpoint(run) / "weights").write_bytes(b"weight")
    with pytest.raises(InputError, match="is damaged: weights "):
        read_spike(run, 1)
    shutil.rmtree(checkpoint(run))
    with pytest.raises(InputError, match=r"00000006, to which .* went back at spike 1, is missing"):
        read_spike(run, 1)


def test_data_that_changed_since_are_refused(run: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"seed": config["seed"] + 1}))
    with pytest.raises(InputError, match="no longer those"):
        main([str(run), "--spike", "1"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "takes one of --step N and --spike N"),
        (["--step", "1", "--spike", "1"], "takes one of --step N and --spike N"),
        (["--spike", "1", "--replay", "0"], "--replay is 0, and must be above 0"),
        (["--spike", "-1"], "--spike is -1, and must be at least 0"),
    ],
)
def test_contradicting_options_are_refused(run: Path, words: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        main([str(run), *words])
