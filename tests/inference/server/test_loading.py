"""Models to serve: found and named before anything is loaded."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.hugging_face import export_model
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.inference.engine.job import Job
from tanuki_jax.inference.server.loading import EngineSettings, find_sources, load_models
from tanuki_jax.lm.model.transformer import initialise
from tests.checkpoints.weights import write_adapter, write_weights
from tests.inference.engine.conftest import run, tokens_of
from tests.inference.untrained import SHAPE

SETTINGS = EngineSettings(rows=2, cache_tokens=0, reuse=True, most_waiting=4, tensor=1)


@pytest.fixture(scope="module")
def run_folder(chat_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    weights = jax.tree.map(np.asarray, initialise(Model(**SHAPE), jax.random.key(0)))
    write_weights(folder / "checkpoints" / "00000003", Model(**SHAPE), weights, step=3, tokenizer=str(chat_tokenizer))
    return folder


@pytest.mark.thorough
def test_a_run_and_its_export_answer_alike_side_by_side(run_folder: Path, tmp_path: Path) -> None:
    export_model.write(run_folder / "checkpoints" / "00000003", tmp_path / "exported", "", lambda _: None)
    sources = find_sources([str(run_folder), str(tmp_path / "exported")], [])
    assert [source.name for source in sources] == ["small", "exported"]
    models = load_models(sources, SETTINGS)
    answers = [tokens_of(*run(served.engine, Job(prompt=(40, 41), tokens=9))) for served in models]
    assert answers[0] == answers[1] != ()
    question = [{"role": "user", "content": "狸"}]
    assert models[0].chat_ids(question, []) == models[1].chat_ids(question, [])


def test_adapters_are_models_of_their_names(run_folder: Path, tmp_path: Path) -> None:
    base = run_folder / "checkpoints" / "00000003"
    write_adapter(tmp_path / "polite", base, LoRA(name="polite", rank=2))
    [alone] = find_sources([str(tmp_path / "polite")], [])
    assert (alone.name, alone.adapter) == ("polite", "polite")
    [named] = find_sources([f"mine={run_folder}"], [])
    assert named.name == "mine"
    for odd in (f"={run_folder}", "mine="):
        with pytest.raises(InputError, match="neither PATH nor NAME=PATH"):
            find_sources([odd], [])
    with pytest.raises(InputError, match="no checkpoint has an adapter named 'rude'"):
        find_sources([str(tmp_path / "polite")], ["rude"])


def test_what_cannot_be_served_is_refused_before_it_is_loaded(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two models are called small"):
        find_sources([str(run_folder), str(run_folder)], [])
    with pytest.raises(InputError, match="no checkpoint"):
        find_sources([str(tmp_path / "nowhere")], [])
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "unknown"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="unknown"):
        find_sources([str(tmp_path)], [])


def test_a_cache_that_is_too_small_is_refused(run_folder: Path) -> None:
    with pytest.raises(InputError, match="fewer --rows or more --cache-tokens"):
        load_models(find_sources([str(run_folder)], []), SETTINGS._replace(cache_tokens=10))
