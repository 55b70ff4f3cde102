"""Programs: rows as arrays, and scores of places."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax

from tanuki_jax.config import registry
from tanuki_jax.inference.engine import programs
from tanuki_jax.inference.engine.paged_forward import empty_cache
from tanuki_jax.inference.engine.programs import Arrays, Row, score, sum_states
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.lm.model.weights import shapes
from tanuki_jax.planning.plan.target import parse


def test_rows_are_padded_with_rows_that_get_no_token() -> None:
    row = Row(5, 6, 7, (3 << 32) + 0xFFFFFFFF, 2, 8, 0.5, 0.9, 0.1, np.array([4, 9], np.int32), (1.5, 0.25, 0.75), 2)
    ints, floats, ids = Arrays.of([row], 2, 4)
    assert ints.tolist() == [[5, 6, 7, -1, 3, 2, 8, 2, 4, 9], [0] * 10]
    np.testing.assert_array_equal(floats, np.array([[0.5, 0.9, 0.1, 1.5, 0.25, 0.75], [0, 1, 0, 1, 0, 0]], np.float32))
    assert ids is None
    with_ids = Arrays.of([row._replace(ids=[7, 8, 5])], 2, 4).ids_bl
    assert with_ids is not None and with_ids.tolist() == [[7, 8, 5, -1], [-1] * 4]


def test_scores_are_those_of_a_log_softmax_over_all_embeddings(loaded: LoadedModel) -> None:
    states = np.random.default_rng(0).standard_normal((3, loaded.model.width)).astype(np.float32)
    expected = log_softmax(states @ np.asarray(loaded.parameters["output"]), axis=1)
    found = score(loaded.parameters, states, np.array([7, 8, 9]), vocabulary=384)
    np.testing.assert_allclose(found.logprob_n, expected[range(3), [7, 8, 9]], atol=1e-5)
    np.testing.assert_array_equal(found.top_nk[:, 0], expected[:, :384].argmax(axis=1))


def test_padding_is_not_summed() -> None:
    np.testing.assert_array_equal(sum_states(jnp.arange(6.0).reshape(3, 2), np.int32(2)), [2, 4])


@pytest.mark.gpu_compile
@pytest.mark.parametrize("target", ["a100:1", "h200:1"])
def test_programs_need_no_more_memory_for_longer_texts_on_a_gpu(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [device] = parse(target).devices()
    monkeypatch.setattr("jax.devices", lambda: [device])
    model, page, rows = dataclasses.replace(registry.experiment.find("8b").model, layers=1), 256, 16

    def temporary_bytes(program: Any, table: int, *arguments: tuple[tuple[int, ...], str], **options: Any) -> int:
        cache = jax.eval_shape(lambda: empty_cache(model, rows * table + 1, page, "bfloat16"))
        inputs = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in arguments]
        sharding = jax.sharding.SingleDeviceSharding(device)
        placed = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            (shapes(model, "bfloat16"), cache, *inputs),
        )
        compiled = jax.jit(functools.partial(program, model=model, **options), donate_argnames="cache")
        memory = compiled.lower(*placed).compile().memory_analysis()
        assert memory is not None
        return memory.temp_size_in_bytes

    def read(table: int) -> int:
        whole_number = ((), "int32")
        return temporary_bytes(programs.read, table, ((page,), "int32"), *[whole_number] * 2, ((table,), "int32"))

    def decode(table: int) -> int:
        ints, ids = ((rows, 8 + table), "int32"), ((rows, table * page), "int32")
        arguments = (ints, ((rows, 6), "float32"), ids, ((), "int32"))
        return temporary_bytes(programs.decode, table, *arguments, vocabulary=model.vocabulary, end_ids=(2,))

    for program in (read, decode):
        assert program(64) < 1.05 * program(8), "texts of 16,384 and of 2,048 tokens"
