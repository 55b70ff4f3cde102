"""The losses of routers beside an objective's sums."""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.config.experiment import Router
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.objectives.objective import Sums
from tanuki_jax.lm.objectives.router_losses import add_routing

SUMS = Sums(total=jnp.float32(100), weight=jnp.float32(40), parts={"loss": jnp.float32(90)})
ROUTING = Routing(
    load_e=jnp.array([[[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]]]),
    entropy=jnp.array([[0.1, 0.2, 0.3]]),
    dropped=jnp.array([[0.0, 0.3, 0.6]]),
    load_balancing=jnp.array([[1.0, 1.5, 2.0]]),
    z_loss=jnp.array([[2.0, 4.0, 9.0]]),
)
ALONE = jnp.array([40.0])


def test_router_losses_are_summed_over_layers_and_weighted() -> None:
    added = add_routing(SUMS, ROUTING, Router(load_balancing_weight=0.02, z_loss=0.001), ALONE)
    np.testing.assert_allclose(added.total, 100 + 40 * (0.02 * 4.5 + 0.001 * 15), rtol=1e-6)
    assert added.weight == 40


def test_micro_batches_together_count_as_one_after_the_other() -> None:
    both = jax.tree.map(lambda part: jnp.concatenate([part, 2 * part]), ROUTING)
    together = add_routing(SUMS, both, Router(z_loss=0.001), jnp.array([30.0, 10.0]))
    np.testing.assert_allclose(together.total, 100 + (30 + 2 * 10) * (0.02 * 4.5 + 0.001 * 15), rtol=1e-6)
    np.testing.assert_allclose(
        together.parts["router_entropy"] / 40, (30 + 2 * 10) / 40 * np.array([0.1, 0.2, 0.3]), rtol=1e-6
    )
    assert np.isfinite(add_routing(SUMS, both, Router(), jnp.zeros(2)).total)


def test_a_loss_of_weight_zero_is_only_reported() -> None:
    added = add_routing(SUMS, ROUTING, Router(load_balancing_weight=0, z_loss=0), ALONE)
    assert added.total == 100
    np.testing.assert_allclose(added.parts["router_z_loss"] / added.weight, 5, rtol=1e-6)


def test_what_routers_did_is_reported_beside_the_objective() -> None:
    added = add_routing(SUMS, ROUTING, Router(), ALONE)
    means = {name: np.asarray(part / added.weight) for name, part in added.parts.items()}
    expected: dict[str, npt.ArrayLike] = {
        "loss": 90 / 40,
        "load_balancing_loss": 1.5,
        "router_z_loss": 5,
        "dropped_share": 0.3,
        "expert_load": ROUTING.load_e[0],
        "router_entropy": ROUTING.entropy[0],
        "expert_dropped": ROUTING.dropped[0],
    }
    assert means.keys() == expected.keys()
    for name, mean in expected.items():
        np.testing.assert_allclose(means[name], np.asarray(mean), rtol=1e-6)
