"""Floating-point operations that a step issues: the model's, recomputation, and idle rounds of a pipeline."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.config.experiment import Activation, Experiment, Layout
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.kernels.attention.attention import PLAIN, Backend
from tanuki_jax.lm.model import lora as low_rank
from tanuki_jax.lm.model.experts import Choices, Experts
from tanuki_jax.lm.model.flops import active, count, visible_pairs
from tanuki_jax.lm.model.remat import Remat, keep_all, rematerialize
from tanuki_jax.lm.model.transformer import Ops, hidden_states
from tanuki_jax.lm.model.weights import ADAPTERS, Params, shapes
from tanuki_jax.lm.parallel.pipeline import bubble
from tanuki_jax.training.setup import flops_per_token

TIME = 8
"""Tokens with which a layer is traced; the cost of its products is proportional to them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """Operations of a step on all devices, by kind."""

    matmul: int
    """Products with weights, the router's included, those of experts and output matrix excluded."""
    attention: int
    grouped_matmul: int
    """Products with the weights of experts."""
    cross_entropy: int

    @property
    def total(self) -> int:
        return self.matmul + self.attention + self.grouped_matmul + self.cross_entropy


def model_flops(experiment: Experiment) -> int:
    """Return the model FLOPs of a step: its tokens times `flops_per_token`."""
    return _tokens(experiment) * flops_per_token(experiment)


def issued(experiment: Experiment, backend: Backend) -> Work:
    """Return the operations that a step issues.

    Products of a layer are counted on its jaxpr, forward and backward, under the layout's policy; frozen weights have
    no gradients, and the norms of DoRA are left out. Attention is counted by formula: two products forward, twice if
    its output is recomputed, and five backward (the scores again among them); a kernel computes the causal half of the
    square, plain JAX (`backend`) all of it. The loss computes its logits twice, and one gradient if the output matrix
    is frozen, else two. A reference is one more forward pass. Idle rounds of a pipeline compute the layers for nothing.
    """
    model, layout, lora, tokens = experiment.model, experiment.layout, experiment.lora, _tokens(experiment)
    time, reference = experiment.data.sequence_length, experiment.objective.computes_reference
    matmul = grouped = attention = 0
    for group in model.groups:
        one = dataclasses.replace(
            model, layers=1, experts=group.experts, dense_layers=0, window=group.window, global_every=0
        )
        passes = [_layer(one, lora, layout.remat, layout.save, layout.offload)]
        if reference:
            passes.append(_forward(one))
        products, experts, forwards = map(sum, zip(*passes, strict=True))
        keys = 2 * time if backend in PLAIN else 2 * visible_pairs(one, time) // time
        matmul += group.layers * products
        grouped += group.layers * experts
        attention += group.layers * (2 * forwards + 5) * model.heads * model.head_dim * keys
    work = Work(
        matmul=tokens * matmul,
        attention=tokens * attention,
        grouped_matmul=tokens * grouped,
        cross_entropy=((3 if lora.rank else 4) + reference) * tokens * 2 * model.width * model.vocabulary,
    )
    return with_idle(work, layout)


def with_idle(work: Work, layout: Layout) -> Work:
    """Add the idle rounds of a pipeline, in which the layers are computed for nothing."""
    if layout.stage == 1:
        return work
    layers = ("matmul", "attention", "grouped_matmul")
    return dataclasses.replace(work, **{name: round(getattr(work, name) / (1 - bubble(layout))) for name in layers})


def _tokens(experiment: Experiment) -> int:
    return experiment.data.batch_rows * experiment.data.sequence_length


type _Layer = tuple[int, int, int]
"""FLOPs of one token and layer with weights and with experts' weights, and the number of attention's forward passes."""


@functools.cache
def _layer(
    model: Model, lora: LoRA, remat: str, save: tuple[Activation, ...], offload: tuple[Activation, ...]
) -> _Layer:
    """Count the forward and backward pass."""
    return _counted(model, lora, rematerialize(remat, save, offload), backward=True)


@functools.cache
def _forward(model: Model) -> _Layer:
    """Count the forward pass alone, without adapters."""
    return _counted(model, LoRA(), keep_all, backward=False)


def _counted(model: Model, lora: LoRA, remat: Remat, *, backward: bool) -> _Layer:
    counting = functools.partial(_count, model, lora, remat, backward)
    # The difference that a stand-in's products make is what attention, or experts, contribute.
    bare = counting(attention=False, experts=False)
    attention = counting(attention=True, experts=False) - bare
    experts = counting(attention=False, experts=True) - bare if model.experts else 0
    return bare, experts, attention // (2 * model.heads * model.head_dim)


def _count(model: Model, lora: LoRA, remat: Remat, backward: bool, *, attention: bool, experts: bool) -> int:
    """Count the products of a layer, for one token, with stand-ins for attention and experts, or without."""
    frozen = shapes(model)
    trained = frozen
    if lora.rank:
        plain = dataclasses.replace(lora, dora=False)  # whose norms are of a matrix, not of tokens
        trained = low_rank.shapes(model, plain)

    def loss(trained: Params, frozen: Params, tokens: jax.Array) -> jax.Array:
        params = {**frozen, ADAPTERS: trained} if lora.rank else trained
        ops = Ops(
            attend=lambda q, k, v, *_: _attend(attention, q, k, v),
            dispatch=active if experts else _idle,
            remat=remat,
        )
        states, _ = hidden_states(params, tokens, tokens, tokens, model, ops, compute_dtype="float32")
        return states.sum()

    traced = jax.make_jaxpr(jax.grad(loss) if backward else loss)(
        trained, frozen, jax.ShapeDtypeStruct((1, TIME), jnp.int32)
    )
    return count(traced.jaxpr) // TIME


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _attend(counted: bool, q_bthd: jax.Array, k_btkd: jax.Array, v_btkd: jax.Array) -> jax.Array:
    """Stand in for attention, with the same inputs to recompute as the kernels.

    If `counted`, its forward pass has one product of 2 H D operations per token, so that forward passes can be counted.
    """
    scores_bth = jnp.einsum("bthd,bthd->bth", q_bthd, q_bthd) if counted else q_bthd.sum(3)
    return q_bthd * scores_bth[..., None] + (k_btkd * v_btkd).sum(2, keepdims=True)


def _attend_forward(counted: bool, *inputs: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    out = checkpoint_name(_attend(counted, *inputs), "attention")
    return out, (*inputs, out)


def _attend_backward(counted: bool, kept: tuple[jax.Array, ...], gradient: jax.Array) -> tuple[jax.Array, ...]:
    q_bthd, k_btkd, v_btkd, out = kept
    shared = (out * gradient).sum(2, keepdims=True)
    return q_bthd * out * gradient, v_btkd * shared, k_btkd * shared


_attend.defvjp(_attend_forward, _attend_backward)


def _idle(x_btd: jax.Array, choices: Choices, _: Experts) -> tuple[jax.Array, jax.Array]:
    """Stand in for `Dispatch` without a product, with the same inputs to recompute."""
    return jnp.sin(x_btd) * choices.weights_btk.sum(-1, keepdims=True), jnp.zeros(())
