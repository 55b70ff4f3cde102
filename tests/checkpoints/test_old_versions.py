"""Reading of the state of checkpoints of earlier versions; `state_version_1.json` was written by the code of then."""

import dataclasses
import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State, commit, damage, read_state, rewrite
from tanuki_jax.checkpoints.old_versions import VERSION

VERSION_1 = Path(__file__).with_name("state_version_1.json")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Make a checkpoint of version 1, with its checksums."""
    checkpoint = tmp_path / "00000040"
    (checkpoint / "base").mkdir(parents=True)
    (checkpoint / "base" / "data").write_bytes(b"weights")
    (checkpoint / "state.json").write_text(VERSION_1.read_text("utf-8"), "utf-8")
    return checkpoint


def test_version_1_is_read_with_its_history_under_todays_names(checkpoint: Path) -> None:
    assert damage(checkpoint) == ""
    state = read_state(checkpoint)
    assert (state.version, state.step, state.tokens, state.skipped) == (1, 40, 163840, (24, 25))
    assert state.history == {
        "loss_history": {
            "losses": [6.821033954620361, 6.6937689781188965],
            "gradient_norms": [1.7783586978912354, 2.420926332473755],
            "rejected": [38],
            "smoothed": 6.68826961517334,
            "level": 6.65,
            "mean_abs_deviation": 0.0625,
            "calm_steps": 11,
            "raised_since": 39,
        },
        "spikes": json.loads(VERSION_1.read_text("utf-8"))["spikes"],
        "slow_until": 50,
    }


def test_a_state_from_before_there_was_a_history_has_none(checkpoint: Path) -> None:
    old = json.loads(VERSION_1.read_text("utf-8"))
    younger = ("course", "spikes", "slow_until", "sums")
    files = {name: digest for name, digest in old["files"].items() if name != "state.json"}
    fields = {name: value for name, value in old.items() if name not in younger} | {"files": files}
    (checkpoint / "state.json").write_text(json.dumps(fields))
    assert damage(checkpoint) == "" and read_state(checkpoint).history == {}


def test_a_rewritten_checkpoint_keeps_its_version(checkpoint: Path) -> None:
    state = dataclasses.replace(read_state(checkpoint), history={"slow_until": 60})
    rewrite(checkpoint, state)
    assert read_state(checkpoint) == dataclasses.replace(state, files=read_state(checkpoint).files)
    assert damage(checkpoint) == "" and read_state(checkpoint).version == 1
    commit(checkpoint, state)
    assert read_state(checkpoint).version == VERSION


def test_a_later_version_is_refused(checkpoint: Path) -> None:
    commit(checkpoint, State.converted(read_state(checkpoint).model, 16))
    text = (checkpoint / "state.json").read_text()
    (checkpoint / "state.json").write_text(text.replace(f'"version": {VERSION}', '"version": 99'))
    wrong = rf"state\.json has version 99, and this tanuki_jax reads versions up to {VERSION}; update it"
    with pytest.raises(InputError, match=wrong):
        read_state(checkpoint)
