"""Small checkpoints and tokenizers to convert."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.training import train
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import Params
from tests.checkpoints.weights import write_adapter, write_weights

TEXTS = [
    "昔々、山に狸が住んでいました。",
    "def raccoon(dog):\n    return dog  # 狸",
    "The quick brown fox, and 1234 dogs.",
] * 20


@dataclasses.dataclass(frozen=True)
class Native:
    """A checkpoint and what is in it."""

    path: Path
    model: Model
    values: Params


type MakeNative = Callable[..., Native]


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tokenizer of 384 pieces."""
    folder = tmp_path_factory.mktemp("tokenizer") / "tokenizer"
    train(TEXTS, Tokenizer(path=str(folder), pieces=384), folder)
    return folder


@pytest.fixture
def make_native(tmp_path: Path) -> MakeNative:
    """Make a checkpoint NAME of random values, for texts of 128 tokens."""

    def make(name: str = "native", dtype: str = "float32", tokenizer: str = "", **fields: Any) -> Native:
        model = Model(
            **({"vocabulary": 400, "width": 32, "hidden": 56, "layers": 3, "heads": 4, "kv_heads": 2} | fields)
        )
        values = jax.tree.map(np.asarray, initialise(model, jax.random.key(1), dtype))
        values["norm"] = (1 + np.arange(model.width) / 7).astype(values["norm"].dtype)

        write_weights(tmp_path / name, model, values, step=7, tokens=70, tokenizer=tokenizer, sequence_length=128)
        return Native(tmp_path / name, model, values)

    return make


type Adapt = Callable[[Native, str, LoRA], Path]


@pytest.fixture
def adapt(tmp_path: Path) -> Adapt:
    """Make a checkpoint NAME with an adapter of random values, named as its LoRA says, over another checkpoint."""

    def make(base: Native, name: str, of: LoRA) -> Path:
        write_adapter(tmp_path / name, base.path, of)
        return tmp_path / name

    return make
