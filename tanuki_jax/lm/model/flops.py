"""Floating-point operations of a model, counted on its jaxpr."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core as jax_core

from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Choices, Experts, swiglu
from tanuki_jax.lm.model.transformer import Params, hidden_states, output_matrix, shapes


def count(jaxpr: jax_core.Jaxpr) -> int:
    """Multiply-adds of all matrix products in a jaxpr, times two; the body of a scan counts as often as it runs.

    Elementwise work is left out, as is usual. ValueError for a `while` loop, whose length a jaxpr does not tell.
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
    """`Dispatch` of every token through the first experts, as many as it chooses: the products of the real one, and no others."""
    y_btd, rows = jnp.zeros_like(x_btd), jnp.full(1, x_btd.shape[1])
    for choice in range(choices.experts_btk.shape[-1]):
        expert: Experts = jax.tree.map(lambda matrices, choice=choice: matrices[choice], experts)
        y_btd += swiglu(x_btd, rows, expert, lambda x, weights, _: x @ weights) * choices.weights_btk[..., choice, None]
    return y_btd, jnp.zeros(())


def training_flops_per_token(
    model: Model, sequence_length: int, *, frozen: bool = False, reference: bool = False
) -> int:
    """Model FLOPs of one trained token: three times those of the forward pass, recomputation not counted.

    Where only adapters are trained (`frozen`) weights have no gradients: two times for products with them, and the adapters' own are left
    out. A `reference` costs a forward pass more.

    Products with weights, the output matrix included, are counted on the jaxpr of the forward pass; of a layer's experts only those count
    that a token goes to, whatever rows a dispatch computes. Attention counts as one causal document a row: a query sees (T + 1) / 2 keys
    on average, and costs 4 H Dh operations a key and layer. Packed rows need less; their tokens are still counted so, which is the
    convention of published MFUs.
    """
    time = 8

    def forward(params: Params, tokens: jax.Array) -> jax.Array:
        states, _ = hidden_states(
            params,
            tokens,
            tokens,
            tokens,
            model,
            attend=lambda q, *_: q,
            constrain=lambda x, _: x,
            dispatch=active,
            compute_dtype="float32",
        )
        return states @ output_matrix(params)

    jaxpr = jax.make_jaxpr(forward)(shapes(model), jax.ShapeDtypeStruct((1, time), jnp.int32))
    attention = model.layers * 4 * model.heads * model.head_dim * (sequence_length + 1) // 2
    weights = count(jaxpr.jaxpr) // time
    return (2 + (not frozen) + reference) * weights + (3 + reference) * attention
