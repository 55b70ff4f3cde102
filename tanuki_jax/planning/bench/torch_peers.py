"""What `peers` runs: one PyTorch kernel, checked and timed, its figures printed as JSON. Imports no jax array.

python -m tanuki_jax.planning.bench.torch_peers '{"benchmark": "attention", ...}'
"""

import dataclasses
import functools
import itertools
import json
import sys
from collections.abc import Callable
from typing import Any

import torch

from tanuki_jax.planning.bench.timing import clock

TOLERANCE = 0.05
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@dataclasses.dataclass(frozen=True)
class Attention:
    lengths: list[list[int]]
    heads: int
    kv_heads: int
    dim: int
    backward: bool

    def smaller(self) -> "Attention":
        """The first documents of the first row, cut short: what the reference can hold."""
        return dataclasses.replace(self, lengths=[[min(length, 512) for length in self.lengths[0][:4]]])

    def inputs(self) -> list[Any]:
        """q, k and v, [rows x T, heads, D] in bfloat16."""
        tokens = sum(map(sum, self.lengths))
        return [_random(tokens, heads, self.dim) for heads in (self.heads, self.kv_heads, self.kv_heads)]

    def variant(self, name: str) -> Callable[..., Any]:
        if name.startswith("FlashAttention"):
            return functools.partial(self._flash_attention, 3 if name.endswith("3") else 2)
        if any(len(row) > 1 for row in self.lengths):
            raise NotImplementedError("it takes packed rows only with a dense mask")
        backends = torch.nn.attention.SDPBackend
        backend = backends.CUDNN_ATTENTION if name.endswith("cuDNN") else backends.FLASH_ATTENTION
        return functools.partial(self._sdpa, backend)

    def _flash_attention(self, version: int, q: Any, k: Any, v: Any) -> Any:
        if version == 3:
            from flash_attn_interface import flash_attn_varlen_func
        else:
            from flash_attn import flash_attn_varlen_func
        ends, longest = self.ends, max(map(max, self.lengths))
        out = flash_attn_varlen_func(q, k, v, ends, ends, max_seqlen_q=longest, max_seqlen_k=longest, causal=True)
        return out[0] if isinstance(out, tuple) else out

    @functools.cached_property
    def ends(self) -> Any:
        """int32[documents + 1]: where each document begins, and where the last one ends."""
        return torch.tensor(
            [0, *itertools.accumulate(itertools.chain(*self.lengths))], device=DEVICE, dtype=torch.int32
        )

    def _sdpa(self, backend: Any, q: Any, k: Any, v: Any) -> Any:
        rows = len(self.lengths)
        wide = [x.view(rows, -1, *x.shape[1:]).transpose(1, 2) for x in (q, k, v)]
        with torch.nn.attention.sdpa_kernel(backend):
            out = torch.nn.functional.scaled_dot_product_attention(*wide, is_causal=True, enable_gqa=True)
        return out.transpose(1, 2).reshape(q.shape)

    def reference(self, q: Any, k: Any, v: Any) -> Any:
        """Document by document and head by head."""
        group, outs = self.heads // self.kv_heads, []
        for start, length in _spans(self.lengths):
            span = slice(start, start + length)
            ahead = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
            heads = []
            for head in range(self.heads):
                scores = (q[span, head] @ k[span, head // group].T * self.dim**-0.5).masked_fill(ahead, -torch.inf)
                heads.append(scores.softmax(-1) @ v[span, head // group])
            outs.append(torch.stack(heads, 1))
        return torch.cat(outs)


@dataclasses.dataclass(frozen=True)
class CrossEntropy:
    rows: int
    time: int
    width: int
    vocabulary: int
    counted: int
    backward: bool

    def smaller(self) -> "CrossEntropy":
        """An eighth of the tokens."""
        return dataclasses.replace(
            self, rows=1, time=self.time // 8, counted=self.time * self.counted // (8 * self.rows * self.time)
        )

    def inputs(self) -> list[Any]:
        """States [tokens, D] and the output matrix [V, D], in bfloat16."""
        return [_random(self.rows * self.time, self.width), _random(self.vocabulary, self.width) * self.width**-0.5]

    @functools.cached_property
    def targets(self) -> Any:
        """int64[tokens], -100 where the weight is zero."""
        tokens = self.rows * self.time
        targets = torch.randint(self.vocabulary, (tokens,), device=DEVICE)
        targets[torch.randperm(tokens, device=DEVICE)[self.counted :]] = -100
        return targets

    def variant(self, name: str) -> Callable[..., Any]:
        from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss

        loss = LigerFusedLinearCrossEntropyLoss(reduction="sum")
        return lambda states, output: loss(output, states, self.targets)[None]

    def reference(self, states: Any, output: Any) -> Any:
        parts = zip(states.split(1024), self.targets.split(1024), strict=True)
        losses = [
            torch.nn.functional.cross_entropy(part @ output.T, targets, reduction="sum") for part, targets in parts
        ]
        return torch.stack(losses).sum()[None]


SHAPES = {"attention": Attention, "cross-entropy": CrossEntropy}


def _spans(lengths: list[list[int]]) -> list[tuple[int, int]]:
    flat = list(itertools.chain(*lengths))
    return [(end - length, length) for end, length in zip(itertools.accumulate(flat), flat, strict=True)]


def _random(*shape: int) -> Any:
    return torch.randn(*shape, device=DEVICE, dtype=torch.float32).bfloat16()


def _results(function: Callable[..., Any], inputs: list[Any], backward: bool, gradient: Any) -> list[Any]:
    """The output, and the gradients of the inputs if `backward`."""
    leaves = [x.detach().requires_grad_(backward) for x in inputs]
    out = function(*leaves)
    gradients = torch.autograd.grad(out, leaves, gradient.to(out.dtype)) if backward else ()
    return [out.detach(), *gradients]


def _worst_row(got: Any, expected: Any) -> float:
    error = (got.float() - expected).norm(dim=-1)
    length = expected.norm(dim=-1)
    return float((error / length.clamp(min=float(length.square().mean().sqrt()) + 1e-30)).max())


def _error(shape: Any, name: str) -> float:
    """Largest relative error of a row against float32, on the smaller shape."""
    inputs, function = shape.inputs(), shape.variant(name)
    gradient = torch.randn_like(function(*inputs).float())
    got = _results(function, inputs, shape.backward, gradient)
    expected = _results(shape.reference, [x.float() for x in inputs], shape.backward, gradient)
    return max(_worst_row(one, other) for one, other in zip(got, expected, strict=True))


def main(words: str) -> dict[str, Any]:
    given = json.loads(words)
    torch.manual_seed(0)
    shape: Any = SHAPES[given["benchmark"]](**given["shape"])
    said: dict[str, Any] = {"unavailable": "", "wrong": ""}
    try:
        function = shape.variant(given["variant"])
    except NotImplementedError as reason:
        return said | {"unavailable": str(reason)}
    error = _error(shape.smaller(), given["variant"])
    if not error <= TOLERANCE:  # so that NaN is wrong too
        return said | {"wrong": f"a row has a relative error of {error:.2g}, more than {TOLERANCE}"}
    inputs, cuda = shape.inputs(), DEVICE == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    gradient = torch.randn_like(function(*inputs))
    synchronise = torch.cuda.synchronize if cuda else (lambda: None)
    timing = clock(
        lambda: _results(function, inputs, shape.backward, gradient), given["seconds"], wait=lambda _: synchronise()
    )
    peak = torch.cuda.max_memory_allocated() if cuda else 0
    return said | {"timing": dataclasses.asdict(timing), "error": error, "peak_bytes": peak}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
