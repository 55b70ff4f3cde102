"""Losses of routers, added to those of an objective."""

import jax
import jax.numpy as jnp

from tanuki_jax.config.experiment import Router
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.objectives.objective import Sums


def add_routing(sums: Sums, routing: Routing, router: Router, weights_m: jax.Array) -> Sums:
    """Add the weighted router losses of all layers to an objective's sums, and the routers' statistics to its parts.

    Router losses are means over the tokens of a micro-batch, weighted by its weight; the load-balancing loss is not
    linear in tokens, so it depends on how a batch is cut into micro-batches. Parts: `load_balancing_loss`,
    `router_z_loss` and `dropped_share`, means over layers; `expert_load` [L, E], `router_entropy` [L] and
    `expert_dropped` [L].

    Args:
        sums: sums of an objective.
        routing: statistics of all layers, with leading axes M (micro-batches) and L.
        router: weights of its losses.
        weights_m: float32[M], weights of the micro-batches, whose sum is that of `sums`.
    """
    routing = jax.tree.map(lambda part: jnp.tensordot(weights_m, part, 1), routing)
    loss = router.load_balancing_weight * routing.load_balancing.sum() + router.z_loss * routing.z_loss.sum()
    reported = {
        "load_balancing_loss": routing.load_balancing.mean(),
        "router_z_loss": routing.z_loss.mean(),
        "dropped_share": routing.dropped.mean(),
        "expert_load": routing.load_e,
        "router_entropy": routing.entropy,
        "expert_dropped": routing.dropped,
    }
    return sums._replace(total=sums.total + loss, parts=sums.parts | reported)
