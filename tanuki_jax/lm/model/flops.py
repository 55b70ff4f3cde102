"""Counts of a model's floating-point operations, taken from its jaxpr."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core as jax_core

from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Choices, Experts, swiglu
from tanuki_jax.lm.model.transformer import Ops, hidden_states, output_matrix
from tanuki_jax.lm.model.weights import Params, shapes


def count(jaxpr: jax_core.Jaxpr) -> int:
    """Return twice the multiply-adds of all matrix products in a jaxpr; the body of a scan counts as often as it runs.

    Elementwise work is left out, as is usual. ValueError for a `while` loop, whose length is not in the jaxpr.
    """
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            total += _product(equation)
        elif equation.primitive.name == "while":
            raise ValueError("a while loop's operations cannot be counted; use scan")
        else:
            inner = [count(branch) for branch in _subjaxprs(equation)]
            runs = equation.params["length"] if equation.primitive.name == "scan" else 1
            total += runs * (max(inner, default=0) if equation.primitive.name == "cond" else sum(inner))
    return total


def _product(equation: Any) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    depth = math.prod(equation.invars[0].aval.shape[dim] for dim in contracted)
    return int(2 * depth * math.prod(equation.outvars[0].aval.shape))


def _subjaxprs(equation: Any) -> list[jax_core.Jaxpr]:
    found: list[jax_core.Jaxpr] = []
    for parameter in equation.params.values():
        for value in parameter if isinstance(parameter, tuple | list) else (parameter,):
            if isinstance(value, jax_core.ClosedJaxpr):
                found.append(value.jaxpr)
            elif isinstance(value, jax_core.Jaxpr):
                found.append(value)
    return found


def active(x_btd: jax.Array, choices: Choices, experts: Experts) -> tuple[jax.Array, jax.Array]:
    """Send every token to the first experts, as many as it chooses: a `Dispatch` with the products of the real one, and
    no others."""
    y_btd, rows = jnp.zeros_like(x_btd), jnp.full(1, x_btd.shape[1])
    for choice in range(choices.experts_btk.shape[-1]):
        expert: Experts = jax.tree.map(lambda matrices, choice=choice: matrices[choice], experts)
        y_btd += swiglu(x_btd, rows, expert, lambda x, weights, _: x @ weights) * choices.weights_btk[..., choice, None]
    return y_btd, jnp.zeros(())


def training_flops_per_token(
    model: Model, sequence_length: int, *, frozen: bool = False, reference: bool = False
) -> int:
    """Return the model FLOPs of one trained token: three times those of the forward pass, without recomputation.

    Where only adapters are trained (`frozen`) weights have no gradients: products with them count twice, and the
    adapters' own products are left out. A `reference` costs another forward pass.

    Products with weights, the output matrix included, are counted on the jaxpr of the forward pass; of a layer's
    experts only those count that a token is sent to, whatever rows a dispatch computes. Attention counts as one causal
    document a row: a query sees (T + 1) / 2 keys on average (fewer in a window), and costs 4 H Dh operations a key and
    layer. Packed rows need less, and are counted so all the same: published MFUs do.
    """
    time = 8

    def forward(params: Params, tokens: jax.Array) -> jax.Array:
        ops = Ops(attend=lambda q, *_: q, dispatch=active)
        states, _ = hidden_states(params, tokens, tokens, tokens, model, ops, compute_dtype="float32")
        return states @ output_matrix(params)

    jaxpr = jax.make_jaxpr(forward)(shapes(model), jax.ShapeDtypeStruct((1, time), jnp.int32))
    attention = 4 * model.heads * model.head_dim * visible_pairs(model, sequence_length) // sequence_length
    products = count(jaxpr.jaxpr) // time
    return (2 + (not frozen) + reference) * products + (3 + reference) * attention


def visible_pairs(model: Model, sequence_length: int) -> int:
    """Return the number of pairs of a query and a key that it sees, in one causal document and all layers."""
    pairs = 0
    for group in model.groups:
        window = min(group.window or sequence_length, sequence_length)
        # The first `window` queries see 1, 2, ... keys; the others see `window` each.
        pairs += group.layers * (window * (window + 1) // 2 + (sequence_length - window) * window)
    return pairs
