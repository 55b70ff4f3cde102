"""Fifty steps of ours, against a plain PyTorch loop from the same weights over the same documents."""

import math
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt
import pytest
import torch
import transformers

from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.config.experiment import (
    AdamW,
    Checkpoints,
    Data,
    Experiment,
    HeldOut,
    Layout,
    NextToken,
    Schedule,
    Tokenizer,
)
from tanuki_jax.config.model import Model
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import local_rows, place_batch
from tanuki_jax.training.setup import TrainSetup, initial_state
from tanuki_jax.training.step import make_step
from tests.checkpoints.weights import write_weights

pytestmark = pytest.mark.parity

STEPS, ROWS, TIME, ACCUMULATION, VOCABULARY = 50, 4, 24, 2, 48

type Rows = list[list[npt.NDArray[np.int64]]]
"""Documents of each row."""

COSINE = Experiment(
    name="parity",
    model=Model(vocabulary=VOCABULARY, width=32, hidden=56, layers=2, heads=4, kv_heads=2, initial_std=0.1),
    data=Data(mixture="", tokenizer=Tokenizer(path=""), stores="", sequence_length=TIME, batch_rows=ROWS),
    steps=STEPS,
    schedule=Schedule(peak=1e-2, final=1e-3, warmup_steps=8),
    objective=NextToken(z_loss=1e-2),
    optimizer=AdamW(b2=0.98, epsilon=1e-6, weight_decay=0.2, clip_norm=0.8),
    checkpoints=Checkpoints(every_steps=STEPS),
    held_out=HeldOut(every_steps=STEPS, rows=ROWS),
    layout=Layout(data=1, fsdp=2, accumulation=ACCUMULATION, compute_dtype="float32"),
)
PLATEAU = Experiment(
    **vars(COSINE)
    | {
        "model": Model(
            vocabulary=VOCABULARY, width=32, hidden=40, layers=2, heads=4, kv_heads=4, initial_std=0.1, tied=True
        ),
        "schedule": Schedule(peak=1e-2, warmup_steps=5, stable_steps=20, end_step=45, shape="linear"),
    }
)


def documents(step: int) -> Rows:
    """Count in steps of one to three, with slips: something to learn, in rows that are filled to different degrees."""
    random = np.random.default_rng(step)
    rows: Rows = []
    for row in range(ROWS):
        lengths = [int(n) for n in random.integers(2, TIME // 2, 3)]
        kept = [
            n for n, end in zip(lengths, np.cumsum(np.array(lengths) - 1), strict=True) if end <= TIME - 8 * (row % 2)
        ]
        counts = [random.integers(VOCABULARY) + random.integers(1, 4) * np.arange(n) for n in kept]
        rows.append([(count + (random.random(len(count)) < 0.1)) % VOCABULARY for count in counts])
    return rows


def pack(rows: Rows) -> Batch[npt.NDArray[np.generic]]:
    tokens, targets, segment_ids, positions = np.zeros((4, ROWS, TIME), np.int32)
    for row, texts in enumerate(rows):
        start = 0
        for number, text in enumerate(texts, 1):
            place = slice(start, start + len(text) - 1)
            tokens[row, place], targets[row, place] = text[:-1], text[1:]
            segment_ids[row, place], positions[row, place] = number, np.arange(len(text) - 1)
            start = place.stop
    return Batch(tokens, targets, (segment_ids > 0).astype(np.float32), segment_ids, positions)


def train_ours(experiment: Experiment) -> tuple[Params, list[tuple[float, float, float]]]:
    """Return the initial parameters, and loss, z-loss and gradient norm of every step."""
    mesh = make_mesh(experiment.layout, jax.devices()[:2])
    fresh = jax.jit(lambda: initial_state(experiment))()
    initial: Params = jax.device_get(fresh["parameters"])
    setup = TrainSetup(experiment, mesh)
    state = jax.device_put(fresh, setup.state_shardings)
    step = make_step(setup)
    shape = (ACCUMULATION, ROWS // ACCUMULATION, TIME)
    measured = []
    for number in range(STEPS):
        state, metrics = step(state, place_batch(mesh, pack(documents(number)), local_rows(mesh, shape), shape))
        measured.append((float(metrics["loss"]), float(metrics["z_loss"]), float(metrics["gradient_norm"])))
    return initial, measured


def train_theirs(llama: transformers.LlamaForCausalLM, experiment: Experiment) -> list[tuple[float, float, float]]:
    """Each document alone; the micro-batches add up to the mean over all tokens of the step."""
    assert isinstance(experiment.objective, NextToken)
    optimizer_config, z_loss = experiment.optimizer, experiment.objective.z_loss
    matrices = [parameter for parameter in llama.parameters() if parameter.ndim > 1]
    norms = [parameter for parameter in llama.parameters() if parameter.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": optimizer_config.weight_decay}, {"params": norms, "weight_decay": 0.0}],
        lr=1.0,
        betas=(optimizer_config.b1, optimizer_config.b2),
        eps=optimizer_config.epsilon,
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda number: rate(experiment.schedule, number + 1))
    measured = []
    for number in range(STEPS):
        rows = documents(number)
        tokens = sum(len(text) - 1 for texts in rows for text in texts)
        sums = torch.zeros(2)
        for micro in range(ACCUMULATION):
            for text in (
                text for texts in rows[micro * ROWS // ACCUMULATION :][: ROWS // ACCUMULATION] for text in texts
            ):
                ids = torch.from_numpy(text)
                logits = llama(ids[None, :-1]).logits[0]
                loss = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="sum")
                squared_log_z = logits.logsumexp(-1).square().sum()
                ((loss + z_loss * squared_log_z) / tokens).backward()
                sums += torch.stack([loss, squared_log_z]).detach()
        norm = torch.nn.utils.clip_grad_norm_(llama.parameters(), optimizer_config.clip_norm)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        measured.append((float(sums[0] / tokens), float(sums[1] / tokens), float(norm)))
    return measured


def rate(schedule: Schedule, update: int) -> float:
    """Learning rate of an update, counted from 1."""
    if update <= schedule.warmup_steps:
        return schedule.peak * update / schedule.warmup_steps
    start, end = schedule.warmup_steps + schedule.stable_steps, schedule.end_step or STEPS
    done = min(max((update - start) / (end - start), 0.0), 1.0)
    left = 1 - done if schedule.shape == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return schedule.final + left * (schedule.peak - schedule.final)


def in_torch(initial: Params, experiment: Experiment, folder: Path) -> transformers.LlamaForCausalLM:
    write_weights(folder / "ours", experiment.model, initial, sequence_length=TIME)
    to_hugging_face.write(folder / "ours", folder / "theirs", "", lambda done: None)
    return transformers.LlamaForCausalLM.from_pretrained(folder / "theirs")


@pytest.mark.parametrize("experiment", [COSINE, PLATEAU], ids=["cosine, untied, grouped", "plateau and line, tied"])
def test_fifty_steps_follow_a_pytorch_loop(experiment: Experiment, tmp_path: Path) -> None:
    initial, measured = train_ours(experiment)
    expected = train_theirs(in_torch(initial, experiment, tmp_path), experiment)
    loss, _, norm = np.array(expected).T
    assert loss[-5:].mean() < 0.7 * loss[0], "nothing was learned, so little was compared"
    assert (norm > experiment.optimizer.clip_norm).sum() > 5, "hardly a gradient was clipped"
    np.testing.assert_allclose(measured, expected, rtol=1e-3)
