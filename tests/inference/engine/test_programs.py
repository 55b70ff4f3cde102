"""Programs: rows as arrays, and scores of places."""

import jax.numpy as jnp
import numpy as np
from scipy.special import log_softmax

from tanuki_jax.inference.engine.programs import Arrays, Row, score, sum_states
from tanuki_jax.inference.load_model import LoadedModel


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
