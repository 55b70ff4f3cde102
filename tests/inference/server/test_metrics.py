"""Metrics count what was done, refused and left."""

from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.server.registry import Registry
from tests.inference.server.conftest import make_served, serving


def test_tokens_and_outcomes_are_counted(loaded: LoadedModel) -> None:
    with serving(Registry([make_served(loaded)], most_tokens=0)) as server:
        usage = server.post("/v1/completions", prompt="狸が", max_tokens=3, n=2).json["usage"]
        server.post("/v1/embeddings", input="狸")
        server.post("/v1/completions", prompt=[])
        metrics = server.get("/metrics").body.decode()
    assert f'tanuki_completion_tokens_total{{model="untrained"}} {usage["completion_tokens"]}.0' in metrics
    assert f'tanuki_prompt_tokens_total{{model="untrained"}} {usage["prompt_tokens"] + 1}.0' in metrics
    assert 'tanuki_requests_total{endpoint="completions",model="untrained",outcome="done"} 1.0' in metrics
    assert 'tanuki_refused_total{status="400"} 1.0' in metrics
    assert 'tanuki_first_token_seconds_count{model="untrained"} 1.0' in metrics
