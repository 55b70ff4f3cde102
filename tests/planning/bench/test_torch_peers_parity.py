"""PyTorch kernels as peers: checked against float32, timed, and refused if they are wrong."""

import dataclasses
import json
from typing import Any

import pytest

from tanuki_jax.planning.bench import peers, torch_peers
from tanuki_jax.planning.bench.bench_results import take

pytestmark = pytest.mark.parity

SHAPE = {"lengths": [[32], [32]], "heads": 4, "kv_heads": 2, "dim": 16, "backward": True}


def figures(**changes: Any) -> dict[str, Any]:
    specification = {"benchmark": "attention", "variant": "torch SDPA, flash", "shape": SHAPE | changes, "seconds": 0.0}
    return torch_peers.main(json.dumps(specification))


def test_torch_attention_is_timed_if_it_is_correct() -> None:
    for backward in (True, False):
        answer = figures(backward=backward)
        assert not answer["wrong"] and not answer["unavailable"]
        assert 0 < answer["error"] < 0.05 and answer["timing"]["median"] > 0


def test_a_peer_that_needs_a_dense_mask_is_unavailable_for_packed_rows() -> None:
    assert "dense mask" in figures(lengths=[[16, 16]])["unavailable"]


def test_a_wrong_peer_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch_peers.Attention, "variant", lambda self, name: lambda q, k, v: q * 1.0 + 0 * (k.sum() + v.sum())
    )
    answer = figures()
    assert answer["wrong"].startswith("a row has a relative error of") and "timing" not in answer


def test_the_reference_keeps_documents_apart() -> None:
    """Compares packed rows with each document on its own."""
    packed = torch_peers.Attention(lengths=[[5, 7]], heads=2, kv_heads=1, dim=8, backward=False)
    q, k, v = (x.float() for x in packed.inputs())
    together = packed.reference(q, k, v)
    for span, length in ((slice(0, 5), 5), (slice(5, 12), 7)):
        single = dataclasses.replace(packed, lengths=[[length]]).reference(q[span], k[span], v[span])
        assert (together[span] - single).abs().max() < 1e-6


def test_figures_come_from_another_process() -> None:
    (flash, cudnn) = peers.measurements("attention", "case", {"time": 32}, SHAPE, 1e6, True)
    result = take(flash._replace(benchmark="attention"), 0.0, 1e9)
    assert result.outcome == "measured", result.detail
    assert result.figures is not None and result.figures.flops == 1e6
    failed = take(cudnn, 0.0, 1e9)
    assert (failed.outcome, failed.detail[:12]) == ("failed", "RuntimeError")
