"""A PyTorch kernel, checked and timed in the process that `peers` starts; prints its figures as JSON.

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
    """Causal attention over rows of documents."""

    lengths: list[list[int]]
    heads: int
    kv_heads: int
    dim: int
    backward: bool

    def smaller(self) -> "Attention":
        """Return a shape that fits the reference: the first documents of the first row, cut short."""
        return dataclasses.replace(self, lengths=[[min(length, 512) for length in self.lengths[0][:4]]])

    def inputs(self) -> list[Any]:
        """Return q, k and v, [rows x T, heads, D] in bfloat16."""
        tokens = sum(map(sum, self.lengths))
        return [_random(tokens, heads, self.dim) for heads in (self.heads, self.kv_heads, self.kv_heads)]

    def variant(self, name: str) -> Callable[..., Any]:
        """Return the kernel of a variant. NotImplementedError if it does not support the rows."""
        if name.startswith("FlashAttention"):
            return functools.partial(self._flash_attention, 3 if name.endswith("3") else 2)
        if any(len(row) > 1 for row in self.lengths):
            raise NotImplementedError("packed rows need a dense mask")
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
        """Start of each document and end of the last one, int32[documents + 1]."""
        return torch.tensor(
            [0, *itertools.accumulate(itertools.chain(*self.lengths))], device=DEVICE, dtype=torch.int32
        )

    def _sdpa(self, backend: Any, q: Any, k: Any, v: Any) -> Any:
        rows = len(self.lengths)
        per_row = [x.view(rows, -1, *x.shape[1:]).transpose(1, 2) for x in (q, k, v)]
        with torch.nn.attention.sdpa_kernel(backend):
            out = torch.nn.functional.scaled_dot_product_attention(*per_row, is_causal=True, enable_gqa=True)
        return out.transpose(1, 2).reshape(q.shape)

    def reference(self, q: Any, k: Any, v: Any) -> Any:
        """Compute the output document by document and head by head."""
        group, outs = self.heads // self.kv_heads, []
        for start, length in _spans(self.lengths):
            span = slice(start, start + length)
            later = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
            heads = []
            for head in range(self.heads):
                scores = (q[span, head] @ k[span, head // group].T * self.dim**-0.5).masked_fill(later, -torch.inf)
                heads.append(scores.softmax(-1) @ v[span, head // group])
            outs.append(torch.stack(heads, 1))
        return torch.cat(outs)


@dataclasses.dataclass(frozen=True)
class CrossEntropy:
    """Linear + cross-entropy, summed over the tokens of weight one."""

    rows: int
    time: int
    width: int
    vocabulary: int
    counted: int
    backward: bool

    def smaller(self) -> "CrossEntropy":
        """Return a shape with an eighth of the tokens."""
        return dataclasses.replace(
            self, rows=1, time=self.time // 8, counted=self.time * self.counted // (8 * self.rows * self.time)
        )

    def inputs(self) -> list[Any]:
        """Return states [tokens, D] and the output matrix [V, D], in bfloat16."""
        return [_random(self.rows * self.time, self.width), _random(self.vocabulary, self.width) * self.width**-0.5]

    @functools.cached_property
    def targets(self) -> Any:
        """Target ids, int64[tokens]; -100 where the weight is zero."""
        tokens = self.rows * self.time
        targets = torch.randint(self.vocabulary, (tokens,), device=DEVICE)
        targets[torch.randperm(tokens, device=DEVICE)[self.counted :]] = -100
        return targets

    def variant(self, name: str) -> Callable[..., Any]:
        """Return Liger's loss, the only variant."""
        from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss

        loss = LigerFusedLinearCrossEntropyLoss(reduction="sum")
        return lambda states, output: loss(output, states, self.targets)[None]

    def reference(self, states: Any, output: Any) -> Any:
        """Compute the sum of losses, 1,024 tokens at a time."""
        chunks = zip(states.split(1024), self.targets.split(1024), strict=True)
        losses = [
            torch.nn.functional.cross_entropy(chunk @ output.T, targets, reduction="sum") for chunk, targets in chunks
        ]
        return torch.stack(losses).sum()[None]


SHAPES = {"attention": Attention, "cross-entropy": CrossEntropy}


def _spans(lengths: list[list[int]]) -> list[tuple[int, int]]:
    flat = list(itertools.chain(*lengths))
    return [(end - length, length) for end, length in zip(itertools.accumulate(flat), flat, strict=True)]


def _random(*shape: int) -> Any:
    return torch.randn(*shape, device=DEVICE, dtype=torch.float32).bfloat16()


def _results(function: Callable[..., Any], inputs: list[Any], backward: bool, gradient: Any) -> list[Any]:
    """Return the output and, if `backward`, the gradients of the inputs."""
    leaves = [x.detach().requires_grad_(backward) for x in inputs]
    out = function(*leaves)
    gradients = torch.autograd.grad(out, leaves, gradient.to(out.dtype)) if backward else ()
    return [out.detach(), *gradients]


def _worst_row(result: Any, expected: Any) -> float:
    """Return the largest relative error of a row, like `correctness.worst_row`."""
    error = (result.float() - expected).norm(dim=-1)
    length = expected.norm(dim=-1)
    return float((error / length.clamp(min=float(length.square().mean().sqrt()) + 1e-30)).max())


def _error(shape: Any, name: str) -> float:
    """Return the largest relative error of a row against the reference in float32."""
    inputs, function = shape.inputs(), shape.variant(name)
    gradient = torch.randn_like(function(*inputs).float())
    results = _results(function, inputs, shape.backward, gradient)
    expected = _results(shape.reference, [x.float() for x in inputs], shape.backward, gradient)
    return max(_worst_row(result, other) for result, other in zip(results, expected, strict=True))


def main(specification: str) -> dict[str, Any]:
    """Check and time the variant of a JSON object with benchmark, variant, shape and seconds; return its figures."""
    specified = json.loads(specification)
    torch.manual_seed(0)
    shape: Any = SHAPES[specified["benchmark"]](**specified["shape"])
    outcome: dict[str, Any] = {"unavailable": "", "wrong": ""}
    try:
        function = shape.variant(specified["variant"])
    except NotImplementedError as reason:
        return outcome | {"unavailable": str(reason)}
    error = _error(shape.smaller(), specified["variant"])
    if not error <= TOLERANCE:  # also true for NaN
        return outcome | {"wrong": f"a row has a relative error of {error:.2g}, more than {TOLERANCE}"}
    inputs, cuda = shape.inputs(), DEVICE == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    gradient = torch.randn_like(function(*inputs))
    synchronise = torch.cuda.synchronize if cuda else (lambda: None)
    timing = clock(
        lambda: _results(function, inputs, shape.backward, gradient), specified["seconds"], wait=lambda _: synchronise()
    )
    peak = torch.cuda.max_memory_allocated() if cuda else 0
    return outcome | {"timing": dataclasses.asdict(timing), "error": error, "peak_bytes": peak}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
