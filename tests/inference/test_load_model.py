"""Loading of a model."""

from pathlib import Path

import jax
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.model import Model
from tanuki_jax.inference.load_model import load_model
from tanuki_jax.lm.model.transformer import initialise
from tests.checkpoints.weights import write_weights


def test_a_tokenizer_with_more_pieces_than_the_model_is_refused(tokenizer: Path, tmp_path: Path) -> None:
    model = Model(vocabulary=300, width=8, hidden=8, layers=1, heads=2, kv_heads=1)
    params = jax.tree.map(np.array, initialise(model, jax.random.key(0)))
    write_weights(tmp_path / "00000003", model, params, tokenizer=str(tokenizer))
    with pytest.raises(InputError, match="has 384 pieces, but the model has only 300: restore the tokenizer"):
        load_model(tmp_path / "00000003")
