"""A model that follows each token with the one that a table names, so that its output is known beforehand."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import jax
import numpy as np
import pytest

from tanuki_jax.config import experiment
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.data.tokenizer.training import train
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.engine.run_jobs import engine_for, updates
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.text import jobs_for
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.mesh import make_mesh
from tests.checkpoints.weights import write_weights
from tests.inference.untrained import make_tokenizer, untrained

TEXTS = [
    "昔々、山に狸が住んでいました。",
    "def raccoon(dog):\n    return dog  # 狸",
    "The quick brown fox, and 1234 dogs.",
] * 20
PIECES = 384


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tokenizer of 384 pieces."""
    folder = tmp_path_factory.mktemp("tokenizer") / "tokenizer"
    train(TEXTS, experiment.Tokenizer(path=str(folder), pieces=PIECES), folder)
    return folder


@pytest.fixture(scope="session")
def chat_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tokenizer with a chat template."""
    return make_tokenizer(tmp_path_factory.mktemp("chat") / "tokenizer")


@pytest.fixture(scope="session")
def loaded(chat_tokenizer: Path) -> LoadedModel:
    """Return a model of random weights."""
    return untrained(chat_tokenizer)


def parrot(model: Model, successors: Mapping[int, int]) -> Params:
    """Return parameters with which every token is followed by its successor.

    The layers add nothing to the embedding, and the output matrix is the table.
    """
    assert model.width == model.vocabulary
    params: Params = jax.tree.map(np.array, initialise(model, jax.random.key(0)))
    params["embedding"] = np.eye(model.vocabulary, dtype=np.float32)
    params["output"] = np.zeros((model.width, model.vocabulary), np.float32)
    for token, successor in successors.items():
        params["output"][token, successor] = 1
    params["blocks"]["o"][:] = 0
    params["blocks"]["down"][:] = 0
    return params


@dataclasses.dataclass(frozen=True)
class Parrot:
    """A checkpoint of a parrot, in a run that trains on rows of 64 tokens."""

    run: Path
    checkpoint: Path


type MakeParrot = Callable[[str, str], Parrot]


@pytest.fixture
def make_parrot(tokenizer: Path, tmp_path: Path) -> MakeParrot:
    """(prompt, continuation) -> a parrot that continues the prompt and ends the document. They share no token."""

    def make(prompt: str, continuation: str) -> Parrot:
        loaded = load(tokenizer)
        ids = [*loaded.encode(prompt)[-1:], *loaded.encode(continuation), loaded.eod]
        assert len(set(ids)) == len(ids)
        model = Model(vocabulary=400, width=400, hidden=8, layers=1, heads=4, kv_heads=2)
        params = parrot(model, dict(itertools.pairwise(ids)))
        checkpoint = tmp_path / "run" / "checkpoints" / "00000003"
        write_weights(checkpoint, model, params, step=3, tokens=9, tokenizer=str(tokenizer))
        return Parrot(tmp_path / "run", checkpoint)

    return make


class NoText(Tokenizer):
    """Tokenizer of a model whose tokens have no text."""

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary, self.undecided = vocabulary, frozenset()

    def decode(self, ids: Iterable[int]) -> str:
        return ""


def without_text(params: Params, model: Model, limit: int) -> LoadedModel:
    """Return a model without a tokenizer, whose texts never end by themselves."""
    parameters, mesh = jax.tree.map(jax.numpy.asarray, params), make_mesh(Layout(), jax.devices()[:1])
    return LoadedModel(parameters, model, NoText(model.vocabulary), Path(), limit, (model.vocabulary,), mesh)


def greedy(params: Params, model: Model, prompts: list[list[int]], count: int) -> list[list[int]]:
    """Return the prompts followed by the most probable tokens."""
    loaded = without_text(params, model, 512)
    jobs = jobs_for(loaded, prompts, Sampling(tokens=count))
    engine = engine_for(loaded, jobs, rows=len(jobs))
    rows = [[*prompt] for prompt in prompts]
    for number, update in updates(engine, jobs):
        rows[number] += update.tokens
    return rows
