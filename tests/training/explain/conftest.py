"""Token stores of whole words, and a small run that met a poisoned document and went back."""

import contextlib
import dataclasses
import hashlib
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
import tokenizers

from tanuki_jax.checkpoints.format import State, finish, read_state, step_folder, weights_fingerprint
from tanuki_jax.checkpoints.items import checkpoint_handler
from tanuki_jax.checkpoints.save import save_arguments
from tanuki_jax.config.experiment import (
    Checkpoints,
    Data,
    Experiment,
    Guard,
    HeldOut,
    Layout,
    Schedule,
    Tokenizer,
    from_checkpoint,
)
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.model import Model
from tanuki_jax.config.serialize import to_json
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.open_stores import open_stores
from tanuki_jax.data.store import Input, StoreWriter
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.explain import main
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import place_batch
from tanuki_jax.training.explain import autopsy
from tanuki_jax.training.explain.autopsy import autopsy as perform
from tanuki_jax.training.explain.autopsy_page import Autopsy
from tanuki_jax.training.loss_history import LossHistory, RunHistory, Spike, with_history
from tanuki_jax.training.setup import TrainSetup, TrainState, initial_state
from tanuki_jax.training.start import items as checkpoint_items
from tanuki_jax.training.step import make_step
from tests.checkpoints.weights import write_weights

WITHOUT = LoRA()
ANIMALS = ["狸", "狐", "<b>tanuki</b>", "heron", "mole", "otter"]
VERBS = ["drums", "sleeps", "fishes", "waits", "sings"]
PLACES = ["山", "river", "temple", "field", "月"]
RARE = [f"rare{number}" for number in range(60)]
MIXTURE = Mixture(sources=(Source(name="fables"),), stages=(Stage(weights={"fables": 1.0}),))
POISON = 700
"""Row of the poisoned document in the source."""


@dataclasses.dataclass(frozen=True)
class Poisoned:
    """A run folder with one spike, whose first step read the poisoned document."""

    folder: Path
    experiment: Experiment
    spike: Spike
    lines: list[dict[str, Any]]
    """Metrics of all steps from 1 on."""
    weights: dict[int, Params]
    """Step -> parameters before it, on the host."""


def write_tokenizer(path: Path, words: set[str]) -> None:
    vocabulary = {word: number for number, word in enumerate(["<EOD>", "<UNK>", *sorted(words)])}
    whole_words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<UNK>"))
    whole_words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    whole_words.save(str(path))


def write_store(folder: Path, texts: list[str], tokenizer_path: str) -> None:
    tokenizer = load(tokenizer_path)
    documents = [[*tokenizer.encode(text), tokenizer.eod] for text in texts]
    digests = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") for text in texts]
    with StoreWriter(
        folder,
        source=folder.name,
        tokenizer_fingerprint=tokenizer.fingerprint,
        vocabulary=tokenizer.vocabulary,
        inputs=[Input(f"{folder.name}.txt", 1)],
        settings={},
    ) as writer:
        counts = np.array([len(document) for document in documents])
        files, rows = np.zeros(len(texts), np.int32), np.arange(1, len(texts) + 1)
        writer.append(np.concatenate(documents).astype(np.uint16), counts, np.array(digests, np.uint64), files, rows)
        writer.commit({})


def fables() -> list[str]:
    """Return plain sentences, one of which is replaced by unexpected words."""
    chance = random.Random(0)

    def fable() -> str:
        sentences = (
            f"the {chance.choice(ANIMALS)} {chance.choice(VERBS)} by the {chance.choice(PLACES)} ."
            for _ in range(chance.randint(1, 6))
        )
        return " ".join(sentences)

    texts = [fable() for _ in range(1200)]
    texts[POISON - 1] = " ".join(chance.choice(RARE) for _ in range(40))
    return texts


@dataclasses.dataclass(frozen=True)
class Explained:
    """Results of the command about a spike."""

    result: Autopsy
    page: str
    printed: str


def explain(poisoned: Poisoned, *words: str) -> Explained:
    """Run the command in this process; return its results."""
    kept: list[Autopsy] = []

    def keep(*arguments: Any) -> Autopsy:
        kept.append(perform(*arguments))
        return kept[0]

    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(autopsy, "autopsy", keep)
        main([str(poisoned.folder), "--spike", "1", *words])
    return Explained(kept[0], kept[0].record.path.read_text(encoding="utf-8"), printed.getvalue())


@pytest.fixture(scope="session")
def explained(poisoned: Poisoned) -> Explained:
    return explain(poisoned)


@pytest.fixture(scope="session")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Poisoned:
    return make_poisoned(tmp_path_factory.mktemp("poisoned"), experts=0)


def tiny(folder: Path, experts: int = 0) -> Experiment:
    """Return an experiment whose files belong into a folder; none exists yet."""
    return Experiment(
        name="poisoned",
        model=Model(vocabulary=128, width=32, hidden=64, layers=2, heads=4, kv_heads=4, experts=experts),
        data=Data(
            mixture="fables",
            tokenizer=Tokenizer(path=str(folder / "tokenizer.json")),
            stores=str(folder / "stores"),
            sequence_length=64,
            batch_rows=16,
            held_out_share=0.0,
        ),
        steps=100,
        schedule=Schedule(peak=1e-2, warmup_steps=5),
        checkpoints=Checkpoints(every_steps=8),
        held_out=HeldOut(every_steps=20, rows=16),
        guard=Guard(window=8, deviations=4.0),
        layout=Layout(compute_dtype="float32", fsdp=4, accumulation=2),
        runs=str(folder / "runs"),
    )


def prepare(experiment: Experiment, texts: list[str]) -> None:
    """Write the tokenizer and the store."""
    data = experiment.data
    write_tokenizer(Path(data.tokenizer.path), {word for text in texts for word in text.split()})
    write_store(Path(data.stores) / "fables", texts, data.tokenizer.path)


def write_run(experiment: Experiment, spike: Spike, lines: list[dict[str, Any]]) -> Path:
    """Write the folder of a run that went back once, without its checkpoint; `lines`: metrics of all steps so far."""
    run = Path(experiment.runs) / experiment.name
    (run / "spikes").mkdir(parents=True)
    (run / "config.json").write_text(to_json(experiment))
    (run / "mixture.json").write_text(to_json(MIXTURE))
    kept, cut = ([line for line in lines if (line["step"] <= spike.checkpoint) is wanted] for wanted in (True, False))
    (run / "spikes" / "001.json").write_text(json.dumps(dataclasses.asdict(spike) | {"metrics": cut}))
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
    (run / "events.jsonl").write_text(
        json.dumps({"time": "then", "event": "resumed", "step": spike.checkpoint + 1}) + "\n"
    )
    return run


def finish_checkpoint(run: Path, experiment: Experiment, spike: Spike, fingerprint: str, losses: LossHistory) -> None:
    """Commit the checkpoint before a spike, with the state that the run has after it went back."""
    state = State(
        step=spike.checkpoint,
        tokens=0,
        skipped=spike.data_steps,
        model=experiment.model,
        tokenizer="",
        sequence_length=experiment.data.sequence_length,
        data=fingerprint,
        files={},
    )
    state = with_history(state, RunHistory(loss_history=losses, spikes=(spike,)))
    if experiment.lora.rank:
        base, of = Path(experiment.start.checkpoint), experiment.lora
        fingerprint = weights_fingerprint(read_state(base))
        state = dataclasses.replace(state, adapters={of.name: of}, base=str(base), base_fingerprint=fingerprint)
    finish(step_folder(run / "checkpoints", spike.checkpoint), state)


def frozen(experiment: Experiment) -> Params:
    """Return the parameters that its adapters are for."""
    return initialise(experiment.model, jax.random.key(7))


def make_poisoned(folder: Path, experts: int, lora: LoRA = WITHOUT) -> Poisoned:
    """Return a run that trains all parameters, or adapters of fresh ones."""
    experiment = tiny(folder, experts)
    if lora.rank:
        experiment = dataclasses.replace(experiment, lora=lora, start=from_checkpoint(str(folder / "base")))
        write_weights(folder / "base", experiment.model, jax.device_get(frozen(experiment)))
    prepare(experiment, fables())
    experiment, first = next(seeded for seeded in _seeds(experiment) if 14 <= seeded[1] <= 18)
    spike = Spike(
        first=first, last=first + 1, data_steps=(first - 1, first), checkpoint=first - 5, reason="it was a test"
    )
    poisoned = Poisoned(Path(experiment.runs) / experiment.name, experiment, spike, [], {})
    _train(poisoned)
    write_run(experiment, spike, poisoned.lines)
    return poisoned


def _seeds(experiment: Experiment) -> Iterator[tuple[Experiment, int]]:
    """Yield the experiment with seeds 0, 1, ..., and the first step, from 1, that reads the poisoned document."""
    for seed in range(100):
        seeded = dataclasses.replace(experiment, seed=seed)
        loader = loader_of(seeded)
        read = (
            step
            for step in range(1, 40)
            if any(fragment.document == POISON - 1 for row in loader.trace(step - 1) for fragment in row)
        )
        yield seeded, next(read, 0)


def loader_of(experiment: Experiment) -> Loader:
    return Loader(open_stores(experiment.data, MIXTURE), MIXTURE, experiment.data, experiment.seed)


def _train(poisoned: Poisoned) -> None:
    experiment, spike, loader = poisoned.experiment, poisoned.spike, loader_of(poisoned.experiment)
    mesh = make_mesh(experiment.layout)
    with jax.set_mesh(mesh):
        placed = TrainSetup(experiment, mesh).state_shardings
        base = frozen(experiment) if experiment.lora.rank else None
        state: TrainState = jax.jit(lambda: initial_state(experiment, base), out_shardings=placed)()
        step = make_step(TrainSetup(experiment, mesh))
        for number in range(1, spike.last + 1):
            poisoned.weights[number] = jax.device_get(state["parameters"])
            state, metrics = step(
                state, place_batch(mesh, loader.batch(number - 1, slice(None)), range(16), (2, 8, 64))
            )
            values = {name: value.tolist() for name, value in jax.device_get(metrics).items()}
            poisoned.lines.append({"step": number, "data_step": number - 1} | values)
            if number == spike.checkpoint:
                _save(poisoned, state, loader.fingerprint)


def _save(poisoned: Poisoned, state: TrainState, fingerprint: str) -> None:
    items = ocp.args.Composite(
        **{
            name: save_arguments(item, poisoned.experiment.model)
            for name, item in checkpoint_items(poisoned.experiment, state).items()
        }
    )
    checkpoint = step_folder(poisoned.folder / "checkpoints", poisoned.spike.checkpoint)
    ocp.Checkpointer(checkpoint_handler()).save(checkpoint, args=items)
    window = jax.device_get(state["guard"])
    losses, norms = (
        tuple(values[np.isfinite(values)].tolist()) for values in (window["losses"], window["gradient_norms"])
    )
    history = LossHistory(losses=losses, gradient_norms=norms)
    finish_checkpoint(poisoned.folder, poisoned.experiment, poisoned.spike, fingerprint, history)
