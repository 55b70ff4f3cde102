"""The losses of routers, added to an objective's."""

from tanuki_jax.config.experiment import Router
from tanuki_jax.model.experts import Routing
from tanuki_jax.objectives.sums import Sums


def add_routing(sums: Sums, routing: Routing, router: Router) -> Sums:
    """Adds the weighted losses of all layers, and reports what their routers did.

    Router losses are means over the tokens of a micro-batch, which count with its weight; that of load balancing is not linear in tokens,
    so it depends on how a batch is cut into micro-batches. What is reported: `load_balancing_loss`, `router_z_loss` and `dropped_share`,
    means over layers; `expert_load` [L, E], `router_entropy` [L] and `expert_dropped` [L].

    Args:
        sums: of an objective.
        routing: of all layers, with a leading axis L.
        router: the weights of its losses.
    """
    loss = router.load_balancing * routing.load_balancing.sum() + router.z_loss * routing.z_loss.sum()
    means = {
        "load_balancing_loss": routing.load_balancing.mean(),
        "router_z_loss": routing.z_loss.mean(),
        "dropped_share": routing.dropped.mean(),
        "expert_load": routing.load_e,
        "router_entropy": routing.entropy,
        "expert_dropped": routing.dropped,
    }
    reported = {name: mean * sums.weight for name, mean in means.items()}
    return Sums(total=sums.total + loss * sums.weight, weight=sums.weight, parts=sums.parts | reported)
