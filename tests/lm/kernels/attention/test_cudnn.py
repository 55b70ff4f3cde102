"""The cudnn backend: its description of the documents for cuDNN, its refusals, and what is compiled for an H200."""

import functools
import math
import re
import types
from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.cudnn import DOCUMENTS, cudnn, extents, ordinals
from tanuki_jax.lm.kernels.attention.operands import Operands
from tanuki_jax.lm.kernels.attention.reference_attention import reference
from tanuki_jax.planning.plan.target import parse
from tests.lm.kernels.leak import rows

pytestmark = pytest.mark.thorough

TIME = 100


@given(lengths=st.lists(st.lists(st.integers(1, 5), max_size=20), min_size=2, max_size=2))
def test_offsets_and_lengths_are_those_of_the_documents(lengths: list[list[int]]) -> None:
    numbers = jax.jit(ordinals)(rows(lengths, TIME)[0])
    for row, documents in enumerate(lengths):
        assert (
            numbers[row].tolist()
            == np.repeat([*range(len(documents)), -1], [*documents, TIME - sum(documents)]).tolist()
        )
    for first in range(0, max(map(len, lengths)) + 1, DOCUMENTS):
        offsets, sizes = (x.tolist() for x in jax.jit(extents)(numbers, first))
        for row, documents in enumerate(lengths):
            absent = DOCUMENTS - len(documents[first : first + DOCUMENTS])
            assert sizes[row] == documents[first : first + DOCUMENTS] + [0] * absent
            assert offsets[row] == [sum(documents[:number]) for number in range(first, first + DOCUMENTS)]


class Emulated:
    """Stand-in with what cuDNN promises: documents by offset and length, statistics by document and position.

    It promises nothing for other tokens.
    """

    @staticmethod
    def documents(
        q: jax.Array, offsets: jax.Array, lengths: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        local = jnp.arange(q.shape[1]) - offsets[:, :DOCUMENTS, None]
        inside = (local >= 0) & (local < lengths[:, :, None])
        segment_ids = jnp.sum(jnp.where(inside, jnp.arange(1, DOCUMENTS + 1)[:, None], 0), axis=1)
        positions = jnp.sum(jnp.where(inside, local, 0), axis=1)
        in_document = jnp.arange(q.shape[1]) < lengths[:, :, None]
        token = jnp.where(in_document, offsets[:, :DOCUMENTS, None] + jnp.arange(q.shape[1]), 0)
        return segment_ids, positions, in_document, token

    @classmethod
    def attend(
        cls, q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array, parameters: Any
    ) -> Any:
        causal = parameters["mask_type"].name == "CAUSAL"
        window = parameters["sliding_window_length"]
        scaled = q * (parameters["scale"] * q.shape[3] ** 0.5)
        operands = Operands(scaled, k, v, segment_ids, segment_ids, positions, positions)
        return reference(operands, causal=causal, window=window)

    @classmethod
    def statistics(cls, lse: jax.Array, in_document: jax.Array, token: jax.Array) -> jax.Array:
        gathered = jnp.swapaxes(jax.vmap(lambda row, index: row[index])(lse, token), 2, 3)
        return jnp.where(in_document[:, :, None], gathered, jnp.nan).reshape(-1, lse.shape[2], lse.shape[1])


class Forward(Emulated):
    @classmethod
    def bind(
        cls, q: Any, k: Any, v: Any, bias: Any, lengths: Any, _: Any, offsets: Any, *rest: Any, **parameters: Any
    ) -> list[Any]:
        segment_ids, positions, in_document, token = cls.documents(q, offsets, lengths)
        out, lse = cls.attend(q, k, v, segment_ids, positions, parameters)
        return [jnp.where(segment_ids[:, :, None, None] > 0, out, jnp.nan), cls.statistics(lse, in_document, token)]


class Backward(Emulated):
    @classmethod
    def bind(
        cls, q: Any, k: Any, v: Any, bias: Any, lengths: Any, _: Any, offsets: Any, *rest: Any, **parameters: Any
    ) -> list[Any]:
        statistics, _, d_out = rest[3:]
        segment_ids, positions, in_document, token = cls.documents(q, offsets, lengths)
        (_, lse), gradients = jax.vjp(lambda q, k, v: cls.attend(q, k, v, segment_ids, positions, parameters), q, k, v)
        wrong = jnp.nanmax(jnp.abs(cls.statistics(lse, in_document, token) - statistics)) > 1e-5
        inside = (segment_ids[:, :, None, None] > 0) & ~wrong
        return [jnp.where(inside, x, jnp.nan) for x in gradients((jnp.where(inside, d_out, 0), jnp.zeros_like(lse)))]


@pytest.mark.parametrize(("causal", "window"), [(True, None), (True, 5), (False, None)])
@pytest.mark.parametrize("lengths", [[[9, 1, 17], [64], []], [[3] * 21, [2, 1] * 10, [5] * DOCUMENTS]])
def test_any_number_of_documents_is_computed_by_calls_for_a_few(
    lengths: list[list[int]], causal: bool, window: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for direction, primitive in (("fwd", Forward), ("bwd", Backward)):
        monkeypatch.setattr(
            f"tanuki_jax.lm.kernels.attention.cudnn.fused._dot_product_attention_{direction}_p_wrapper", primitive
        )
    segment_ids, positions = map(jnp.asarray, rows(lengths, 64))
    keys = jax.random.split(jax.random.key(0), 4)
    q, k, v, d_out = (
        jax.random.normal(key, (3, 64, heads, 8), jnp.bfloat16) for key, heads in zip(keys, (4, 2, 2, 4), strict=True)
    )

    def results_and_gradients(attend: Any) -> Any:
        def run(q: jax.Array, k: jax.Array, v: jax.Array) -> Any:
            return attend(
                Operands(q, k, v, segment_ids, segment_ids, positions, positions), causal=causal, window=window
            )

        out, gradients, lse = jax.vjp(run, q, k, v, has_aux=True)
        return out, lse, gradients(d_out)

    ours, theirs = (
        jax.tree.leaves(jax.jit(results_and_gradients, static_argnums=0)(attend)) for attend in (cudnn, reference)
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.astype(jnp.float32), b.astype(jnp.float32), rtol=2**-7, atol=1e-6)


def arguments(time: int = 16, keys: int = 16, dtype: Any = jnp.bfloat16) -> Operands:
    ones, position = jnp.ones((1, time), jnp.int32), jnp.arange(time)[None]
    return Operands(
        *(jnp.zeros((1, length, 2, 8), dtype) for length in (time, keys, keys)),
        *(x[:, :length] for x in (ones, position) for length in (time, keys)),
    )


@pytest.mark.parametrize(
    ("operands", "options", "message"),
    [
        (arguments(dtype=jnp.float32), {}, "bfloat16 or float16, not float32"),
        (arguments(keys=8), {}, "16 queries and 8 keys"),
        (arguments(), {"causal": False, "window": 4}, "windows for causal attention only"),
    ],
)
def test_unsupported_operands_are_refused(operands: Operands, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        cudnn(operands, **{"causal": True, "window": None, **options})


def test_an_old_cudnn_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = types.SimpleNamespace(cudnn_get_version=lambda: 92400)
    monkeypatch.setattr("tanuki_jax.lm.kernels.attention.cudnn.fused.cuda_versions", versions)
    with pytest.raises(InputError, match=r"cuDNN 9\.25 or later, not version 92400"):
        cudnn(arguments(), causal=True, window=None)


def compiled_for_h200(batch: int, time: int, heads: int, key_value_heads: int, dim: int, **options: Any) -> str:
    """Return the optimised program of the output and of its gradients."""
    sharding = jax.sharding.SingleDeviceSharding(parse("h200:1").devices()[0])
    q, k = (
        jax.ShapeDtypeStruct((batch, time, count, dim), jnp.bfloat16, sharding=sharding)
        for count in (heads, key_value_heads)
    )
    ids = jax.ShapeDtypeStruct((batch, time), jnp.int32, sharding=sharding)

    def run(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> Any:
        def loss(q: jax.Array, k: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
            operands = Operands(q, k, v, segment_ids, segment_ids, positions, positions)
            out, lse = cudnn(operands, **{"causal": True, "window": None, **options})
            return jnp.sum(jnp.square(out.astype(jnp.float32))), lse

        return jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)(q, k, v)

    return str(jax.jit(run).lower(q, k, k, ids, ids).compile().as_text())


@pytest.mark.gpu_compile
@pytest.mark.parametrize(
    ("batch", "time", "heads", "key_value_heads", "dim"),
    [(1, 2048, 8, 8, 64), (4, 2048, 32, 8, 128), (1, 8192, 32, 8, 128), (4, 8192, 8, 1, 64)],
)
def test_both_passes_compile_to_calls_of_cudnn_with_offsets_and_no_mask(
    batch: int, time: int, heads: int, key_value_heads: int, dim: int
) -> None:
    program = compiled_for_h200(batch, time, heads, key_value_heads, dim)
    calls = [line for line in program.splitlines() if "__cudnn$fmha" in line]
    names = {name for call in calls for name in re.findall(r"__cudnn\$(\w+)", call)}
    assert names == {"fmhaSoftmax", "fmhaSoftmaxBackward"}
    for call in calls:
        assert re.search(rf'max_seg_per_batch"\s*:\s*"?{DOCUMENTS}\b', call)
        assert call.count(f"s32[{batch},{DOCUMENTS}]{{1,0}}") == call.count(f"s32[{batch},{DOCUMENTS + 1}]{{1,0}}") == 2
    shapes = [tuple(map(int, shape.split(","))) for shape in set(re.findall(r"\[([\d,]+)\]", program))]
    assert not [shape for shape in shapes if shape[-2:] == (time, time) and math.prod(shape) >= batch * time**2]


@pytest.mark.gpu_compile
@pytest.mark.parametrize(
    ("options", "mask", "window"),
    [({"window": 512}, "CAUSAL", 512), ({"causal": False}, "NO_MASK", 0)],
    ids=["window", "both ways"],
)
def test_the_window_and_causality_reach_cudnn(options: dict[str, Any], mask: str, window: int) -> None:
    for call in re.findall(r".*__cudnn\$fmha.*", compiled_for_h200(1, 2048, 8, 2, 128, **options)):
        assert re.search(rf'mask_type"\s*:\s*"{mask}"', call)
        assert re.search(rf'sliding_window_length"\s*:\s*"?{window}\b', call)


@pytest.mark.gpu_compile
@pytest.mark.parametrize("check_vma", [False, True])
def test_batch_and_heads_may_be_split_in_a_scan_of_rematerialised_layers(check_vma: bool) -> None:
    mesh = jax.sharding.Mesh(np.array(parse("h200:4").devices()).reshape(2, 2), ("data", "tensor"))
    arrays, ids = jax.P("data", None, "tensor", None), jax.P("data", None)

    @functools.partial(
        jax.shard_map, mesh=mesh, in_specs=(arrays,) * 3 + (ids,) * 2, out_specs=arrays, check_vma=check_vma
    )
    def layer(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
        operands = Operands(q, k, v, segment_ids, segment_ids, positions, positions)
        return cudnn(operands, causal=True, window=None)[0]

    def loss(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
        once = jax.checkpoint(lambda x, _: (layer(x, k, v, segment_ids, positions), None))
        return jnp.sum(jax.lax.scan(once, q, length=3)[0].astype(jnp.float32))

    q, k = (
        jax.ShapeDtypeStruct((4, 256, n, 128), jnp.bfloat16, sharding=jax.NamedSharding(mesh, arrays)) for n in (8, 4)
    )
    row = jax.ShapeDtypeStruct((4, 256), jnp.int32, sharding=jax.NamedSharding(mesh, ids))
    program = str(jax.jit(jax.grad(loss, argnums=(0, 1, 2))).lower(q, k, k, row, row).compile().as_text())
    assert "__cudnn$fmhaSoftmaxBackward" in program
    assert not re.search(r"all-(gather|reduce|to-all)|collective-permute", program)


def test_a_gradient_of_the_log_sum_exp_is_refused() -> None:
    def log_sum_exp(q: jax.Array, *others: jax.Array) -> jax.Array:
        return jnp.sum(cudnn(Operands(q, *others), causal=True, window=None)[1])

    with pytest.raises(NotImplementedError, match="log-sum-exp of the cudnn attention backend has no gradient"):
        jax.eval_shape(jax.grad(log_sum_exp), *arguments())
