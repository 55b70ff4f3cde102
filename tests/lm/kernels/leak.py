"""A test of whether an attention, ours or another project's, keeps the documents of a row apart.

Everything of one document is changed (queries, keys, values, gradient of the output); then no bit of the output or of a
gradient may move in another document, of the same row or of another.

    python -m tests.lm.kernels.leak MODULE:FUNCTION

FUNCTION takes q [B, T, H, D], k and v [B, T, K, D], segment_ids and positions int32[B, T] (ids from 1, 0 is padding),
attends causally and returns the output [B, T, H, D]. It runs on JAX's default device, where it must be deterministic
(cuDNN's gradients are under XLA_FLAGS=--xla_gpu_deterministic_ops=true), and is differentiated by JAX. For another
project's attention, adapt the arguments:

    def of_maxtext(q, k, v, segment_ids, positions):
        return operator(q, k, v, decoder_segment_ids=segment_ids, ...)  # an AttentionOp of its layers

One that JAX cannot differentiate takes the gradient of the output as a sixth argument, NumPy arrays all, and returns
(output, dq, dk, dv), arrays again:

    def torch_attention(q, k, v, segment_ids, positions, d_out):
        bfloat16 = {"device": "cuda", "dtype": torch.bfloat16}
        q, k, v = (torch.tensor(x.astype("float32"), **bfloat16, requires_grad=True) for x in (q, k, v))
        out = ...
        out.backward(torch.tensor(d_out.astype("float32"), **bfloat16))
        return [x.detach().float().cpu().numpy() for x in (out, q.grad, k.grad, v.grad)]
"""

import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import tyro

from tanuki_jax.base.errors import InputError

LENGTHS = ((100, 1, 155, 128, 90), (256, 200, 56))
RESULTS = ("output", "dq", "dk", "dv")

Attend = Callable[[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
AttendAndDifferentiate = Callable[..., Sequence[Any]]


class Leak(NamedTuple):
    """`result` of one document moved when another was changed; documents are (row, segment id)."""

    result: str
    changed: tuple[int, int]
    moved: tuple[int, int]

    def __str__(self) -> str:
        changed, moved = (
            f"document {segment} of row {row}" if segment else f"padding of row {row}" for row, segment in self[1:]
        )
        return f"{self.result} of {moved} moved when {changed} changed"


def leaks(
    attend: AttendAndDifferentiate,
    *,
    lengths: Sequence[Sequence[int]] = LENGTHS,
    time: int = 512,
    heads: int = 4,
    key_value_heads: int = 2,
    head_dim: int = 64,
    dtype: str = "bfloat16",
) -> list[Leak]:
    """Return what moves where it must not; empty if the documents are kept apart.

    Args:
        attend: (q, k, v, segment_ids, positions, d_out) -> (output, dq, dk, dv), such as `differentiated` makes.
        lengths: of the documents of each row; the rest of `time` is padding.

    Raises:
        InputError: the same inputs give other bits a second time.
    """
    segment_ids, positions = rows(lengths, time)
    random = np.random.default_rng(0)

    def draw() -> list[npt.NDArray[Any]]:
        shapes = [(len(lengths), time, count, head_dim) for count in (heads, key_value_heads, key_value_heads, heads)]
        return [random.standard_normal(shape).astype(jnp.dtype(dtype)) for shape in shapes]

    def run(
        q: npt.NDArray[Any], k: npt.NDArray[Any], v: npt.NDArray[Any], d_out: npt.NDArray[Any]
    ) -> list[npt.NDArray[Any]]:
        return [np.array(x) for x in attend(q, k, v, segment_ids, positions, d_out)]

    inputs, others = draw(), draw()
    before = run(*inputs)
    if any(moved(before, run(*inputs), segment_ids)):
        raise InputError(
            "this attention gives other bits for the same inputs, which hides leaks: make it deterministic"
        )
    leaked: list[Leak] = []
    for row in range(len(lengths)):
        for segment in np.unique(segment_ids[row]).tolist():
            changed = (np.arange(len(lengths))[:, None] == row) & (segment_ids == segment)
            after = run(*(np.where(changed[:, :, None, None], 4 * b, a) for a, b in zip(inputs, others, strict=True)))
            leaked += [
                Leak(result, (row, segment), where)
                for result, where in moved(before, after, segment_ids)
                if where != (row, segment)
            ]
    return leaked


def rows(lengths: Sequence[Sequence[int]], time: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return segment ids and positions, int32[B, time], of rows with documents of these lengths and then padding."""
    segment_ids, positions = np.zeros((2, len(lengths), time), np.int32)
    for row, documents in enumerate(lengths):
        begin = 0
        for number, length in enumerate(documents, 1):
            segment_ids[row, begin : begin + length] = number
            positions[row, begin : begin + length] = np.arange(length)
            begin += length
    return segment_ids, positions


def moved(
    before: Sequence[npt.NDArray[Any]], after: Sequence[npt.NDArray[Any]], segment_ids: npt.NDArray[np.int32]
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the results, and the documents (row, segment id) in them, of which a bit differs. Padding is ignored."""
    for result, a, b in zip(RESULTS, before, after, strict=True):
        for row, ids in enumerate(segment_ids):
            for segment in np.unique(ids[ids > 0]).tolist():
                if a[row, ids == segment].tobytes() != b[row, ids == segment].tobytes():
                    yield result, (row, segment)


def differentiated(attend: Attend) -> AttendAndDifferentiate:
    """Turn a JAX function (q, k, v, segment_ids, positions) -> output into an argument of `leaks`."""

    @jax.jit
    def output_and_gradients(
        q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array, d_out: jax.Array
    ) -> tuple[jax.Array, ...]:
        out, gradients = jax.vjp(lambda q, k, v: attend(q, k, v, segment_ids, positions), q, k, v)
        return out, *gradients(d_out.astype(out.dtype))

    return output_and_gradients


def main(
    function: tyro.conf.Positional[str],
    heads: int = 4,
    key_value_heads: int = 2,
    head_dim: int = 64,
    dtype: str = "bfloat16",
) -> int:
    """Print what leaks.

    Args:
        function: MODULE:FUNCTION, with five arguments for JAX to differentiate or with six.
        heads: query heads.
        key_value_heads: key and value heads.
        head_dim: size of a head.
        dtype: of queries, keys and values.

    Returns:
        The exit code, 1 if anything leaks.
    """
    module, _, name = function.partition(":")
    attend = getattr(importlib.import_module(module), name)
    if (
        sum(parameter.default is inspect.Parameter.empty for parameter in inspect.signature(attend).parameters.values())
        == 5
    ):
        attend = differentiated(attend)
    leaked = leaks(attend, heads=heads, key_value_heads=key_value_heads, head_dim=head_dim, dtype=dtype)
    print("\n".join(map(str, leaked)) or "no bit of any document moved when another changed")
    return 1 if leaked else 0


if __name__ == "__main__":
    raise SystemExit(tyro.cli(main))
