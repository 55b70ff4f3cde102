"""Autopsy of a run with a poisoned document, compared with the run and with plain gradients on one device."""

import base64
import dataclasses
import html.parser
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.image
import numpy as np
import pytest

from tanuki_jax.checkpoints.format import finish, read_state, step_folder
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.serialize import to_json
from tanuki_jax.data.loader import HostBatch
from tanuki_jax.data.read_positions import Reading
from tanuki_jax.lm.kernels.attention.operands import Operands
from tanuki_jax.lm.kernels.attention.reference_attention import reference
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.model.remat import Remat
from tanuki_jax.lm.model.transformer import Group, Ops, RunLayers, hidden_states, output_matrix, scan_layers
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.training.explain.probe import Floats
from tests.training.explain.conftest import POISON, RARE, Explained, Poisoned, explain, loader_of, make_poisoned


def batch_of(poisoned: Poisoned, step: int) -> HostBatch:
    return loader_of(poisoned.experiment).batch(step - 1, slice(None))


def attend(
    q: jax.Array,
    k: jax.Array,
    v: jax.Array,
    segment_ids: jax.Array,
    positions: jax.Array,
    window: int | None = None,
) -> jax.Array:
    operands = Operands(q, k, v, segment_ids, segment_ids, positions, positions)
    return reference(operands, causal=True, window=window)[0]


def plain_states(
    poisoned: Poisoned, parameters: Params, batch: HostBatch, run_layers: RunLayers = scan_layers
) -> tuple[jax.Array, Routing | None]:
    """Return final states on one device."""
    return hidden_states(
        jax.tree.map(jnp.asarray, parameters),
        jnp.asarray(batch.tokens),
        jnp.asarray(batch.segment_ids),
        jnp.asarray(batch.positions),
        poisoned.experiment.model,
        Ops(attend=attend, run_layers=run_layers),
        compute_dtype="float32",
    )


def summed_loss(states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array) -> jax.Array:
    """With dense logits."""
    logps_btv = jax.nn.log_softmax(states_btd @ output_dv)
    return -jnp.sum(jnp.take_along_axis(logps_btv, targets_bt[..., None], -1)[..., 0] * weights_bt)


def plain_gradient(poisoned: Poisoned, parameters: Params, batch: HostBatch, weights_abt: Floats) -> list[Params]:
    """Gradients of the summed losses, for each of several arrays of loss weights."""

    def total(parameters: Params, weights_bt: jax.Array) -> jax.Array:
        states_btd, _ = plain_states(poisoned, parameters, batch)
        return summed_loss(states_btd, output_matrix(parameters), jnp.asarray(batch.targets), weights_bt)

    gradient = jax.jit(jax.grad(total))
    return [jax.device_get(gradient(parameters, weights_bt)) for weights_bt in weights_abt]


def norm(*arrays: Floats) -> float:
    return float(np.sqrt(sum(np.square(array, dtype=np.float64).sum() for array in arrays)))


@pytest.mark.long
def test_the_poisoned_document_is_named_first(poisoned: Poisoned, explained: Explained) -> None:
    worst, second, *_ = explained.result.suspects
    assert (worst.explained.origin.path, worst.explained.origin.row) == ("fables.txt", POISON)
    assert worst.document.step == poisoned.spike.first
    assert worst.document.share is not None and 0.9 < worst.document.share < 1.1
    assert worst.document.suspicion > 100 * second.document.suspicion
    assert worst.explained.first_words.startswith("rare")
    path, first, *others = explained.printed.splitlines()
    assert Path(path) == poisoned.folder / "spikes" / "001.html"
    assert f"fables.txt:{POISON} " in first and len(others) == 4


@pytest.mark.long
def test_the_replay_repeats_the_steps_of_the_run(poisoned: Poisoned, explained: Explained) -> None:
    trained = [each for each in explained.result.replayed.observations if each.accepted is not None]
    assert [each.step for each in trained] == list(range(poisoned.spike.checkpoint + 1, poisoned.spike.last + 1))
    assert [each.step for each in trained if not each.accepted] == [poisoned.spike.first]
    for each in trained:
        line = poisoned.lines[each.step - 1]
        assert each.accepted is line["accepted"]
        np.testing.assert_allclose(each.loss, line["loss"], rtol=1e-5)
        np.testing.assert_allclose(norm(each.gradients_g), line["gradient_norm"], rtol=1e-5)


@pytest.mark.long
def test_steps_of_an_adapter_are_replayed_over_the_frozen_weights(tmp_path: Path) -> None:
    poisoned = make_poisoned(tmp_path, experts=0, lora=LoRA(rank=8, alpha=32.0, base="float32"))
    explained = explain(poisoned)
    trained = [each for each in explained.result.replayed.observations if each.accepted is not None]
    assert [each.step for each in trained] == list(range(poisoned.spike.checkpoint + 1, poisoned.spike.last + 1))
    for each in trained:
        line = poisoned.lines[each.step - 1]
        np.testing.assert_allclose(
            [each.loss, norm(each.gradients_g)], [line["loss"], line["gradient_norm"]], rtol=1e-5
        )
    assert explained.result.replayed.groups == ["layer 0", "layer 1"]
    assert "Which layers moved first" in explained.page


@pytest.mark.long
def test_losses_of_documents_add_up_to_the_loss_of_their_step(poisoned: Poisoned, explained: Explained) -> None:
    for step in range(poisoned.spike.first - 2, poisoned.spike.last + 1):
        documents = [document for document in explained.result.replayed.documents if document.step == step]
        tokens = sum(document.fragment.length for document in documents)
        total = sum(
            document.at_step.mean * document.fragment.length for document in documents if document.at_step is not None
        )
        assert tokens == poisoned.lines[step - 1]["tokens"]
        np.testing.assert_allclose(total / tokens, poisoned.lines[step - 1]["loss"], rtol=1e-5)


@pytest.mark.long
def test_gradient_norms_are_those_of_plain_gradients(poisoned: Poisoned, explained: Explained) -> None:
    first = poisoned.spike.first
    batch, tokens = batch_of(poisoned, first), poisoned.lines[first - 1]["tokens"]
    listed = [suspect.document for suspect in explained.result.suspects if suspect.document.step == first][:3]
    weights_abt = np.zeros((1 + len(listed), *batch.loss_weights.shape), np.float32)
    weights_abt[0] = batch.loss_weights
    for weights_bt, document in zip(weights_abt[1:], listed, strict=True):
        weights_bt[document.row, document.positions()] = 1
    whole, *alone = plain_gradient(poisoned, poisoned.weights[first], batch, weights_abt)

    observed = next(each for each in explained.result.replayed.observations if each.step == first)
    of_layers = [norm(*(leaf[layer] for leaf in whole["blocks"].values())) for layer in range(2)]
    before, *after = (norm(whole[name]) for name in ("embedding", "norm", "output"))
    assert explained.result.replayed.groups == ["embedding", "layer 0", "layer 1", "norm", "output"]
    np.testing.assert_allclose(observed.gradients_g * tokens, [before, *of_layers, *after], rtol=1e-4)
    for document, gradient in zip(listed, alone, strict=True):
        assert document.share == pytest.approx(
            norm(*jax.tree.leaves(gradient)) / norm(*jax.tree.leaves(whole)), rel=1e-4
        )


@pytest.mark.long
def test_activations_are_measured_where_they_leave_a_layer(poisoned: Poisoned, explained: Explained) -> None:
    left: list[jax.Array] = []

    def one_at_a_time(
        groups: Sequence[Group], remat: Remat, x_btd: jax.Array, segment_ids: jax.Array, positions: jax.Array
    ) -> tuple[jax.Array, None]:
        (group,) = groups
        for number in range(2):
            params = jax.tree.map(lambda leaf, number=number: leaf[number], group.params)
            x_btd, _ = group.layer(x_btd, segment_ids, positions, params)
            left.append(x_btd)
        return x_btd, None

    batch = batch_of(poisoned, poisoned.spike.first)
    plain_states(poisoned, poisoned.weights[poisoned.spike.first], batch, one_at_a_time)
    real = batch.segment_ids != 0
    expected = [norm(np.asarray(x_btd)[real]) / np.sqrt(real.sum() * 32) for x_btd in left]
    observed = next(each for each in explained.result.replayed.observations if each.step == poisoned.spike.first)
    np.testing.assert_allclose(observed.activations_l, expected, rtol=1e-4)


class Outline(html.parser.HTMLParser):
    """Headings, texts of cells and sources of pictures; every element must be closed where it ends."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.headings: list[str] = []
        self.text = ""
        self.pictures: list[bytes] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert {"src", "href"}.isdisjoint(name for name, _ in attrs) or tag == "img"
        if tag == "img":
            source = dict(attrs)["src"] or ""
            assert source.startswith("data:image/png;base64,")
            self.pictures.append(base64.b64decode(source.partition(",")[2]))
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open[-1:] == ["h2"]:
            self.headings.append(data)


@pytest.mark.long
def test_the_page_is_complete_and_needs_nothing_else(poisoned: Poisoned, explained: Explained) -> None:
    outline = Outline(explained.page)
    text = " ".join(outline.text.split())  # as a browser shows it
    assert outline.open == [] and {"b", "script", "link"}.isdisjoint(outline.tags)
    assert outline.headings == ["What happened", "Replay", "Which layers moved first", "Documents"]
    assert len(outline.pictures) == 3
    for picture in outline.pictures:
        height, width, _ = matplotlib.image.imread(io.BytesIO(picture), format="png").shape
        assert height > 200 and width > 500
    assert '<meta charset="utf-8">' in explained.page and "://" not in explained.page
    assert (
        f"step {poisoned.spike.last} the run detected a spike that began at step {poisoned.spike.first}: it was a test."
        in text
    )
    assert "relative, and the guard rejected the same steps." in text
    assert "<b>tanuki</b>" in text and "狸" in text and RARE[0] in text
    assert f"skipped the data of steps {poisoned.spike.first} to {poisoned.spike.last} (data steps " in text
    assert "Steps rejected before that: 1." in text and "suspicion of 1 or more: 1." in text
    assert f"event resumed, step {poisoned.spike.checkpoint + 1}" in text
    assert f"step {poisoned.spike.first}, embedding: gradient" in text


@pytest.mark.long
def test_routers_are_shown_and_a_far_checkpoint_is_not_trained_from(tmp_path: Path) -> None:
    poisoned = make_poisoned(tmp_path, experts=4)
    near, far = explain(poisoned), explain(poisoned, "--replay", "1")
    for each in (near, far):
        assert each.result.suspects[0].explained.origin.row == POISON
        loads = [observation.load_le for observation in each.result.replayed.observations]
        assert all(load_le is not None and load_le.shape == (2, 4) for load_le in loads)
        np.testing.assert_allclose([load_le.sum(1) for load_le in loads if load_le is not None], 1, rtol=1e-5)
        assert "<h2>Routers</h2>" in each.page
    first = next(each for each in near.result.replayed.observations if each.step == poisoned.spike.first)
    assert first.load_le is not None
    np.testing.assert_allclose(first.load_le, poisoned.lines[poisoned.spike.first - 1]["expert_load"], rtol=1e-5)
    assert [each.accepted for each in far.result.replayed.observations] == [None] * 13
    assert "no step was trained again" in far.page and "no step was trained again" not in near.page
    assert f"The spike lasted until step {poisoned.spike.last}" in far.page
    assert json.loads((poisoned.folder / "spikes" / "001.json").read_text())["first"] == poisoned.spike.first


@pytest.mark.long
def test_a_spike_from_before_batches_got_other_rows_is_replayed(
    poisoned: Poisoned, explained: Explained, tmp_path: Path
) -> None:
    folder, experiment = tmp_path / "poisoned", poisoned.experiment
    shutil.copytree(poisoned.folder, folder)
    layout = dataclasses.replace(experiment.layout, accumulation=3)
    larger = dataclasses.replace(experiment, data=dataclasses.replace(experiment.data, batch_rows=24), layout=layout)
    (folder / "config.json").write_text(to_json(larger))
    state = read_state(step_folder(folder / "checkpoints", poisoned.spike.checkpoint))
    later = step_folder(folder / "checkpoints", 80)
    later.mkdir()
    finish(later, dataclasses.replace(state, step=80, reading=Reading(batch_rows=((0, 16), (60, 24)))))
    again = explain(dataclasses.replace(poisoned, folder=folder)).result.replayed
    before = explained.result.replayed
    assert again.plan == before.plan
    assert [each.loss for each in again.observations] == pytest.approx(
        [each.loss for each in before.observations], rel=1e-5
    )
