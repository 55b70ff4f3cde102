"""Runs of one benchmark against a scripted model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.benchmark import Benchmark
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.run_evaluation import answerer, evaluate
from tests.evaluation.scripted import asked, scripted


def ran(benchmark: Benchmark, script: Callable[[str], str | web.Response], folder: Path) -> dict[str, Any]:
    """Return the results of a benchmark.

    Args:
        benchmark: benchmark.
        script: question -> answer, or a refusal.
        folder: folder of the data, in which the run gets a folder too.
    """
    with scripted(lambda body: script(asked(body))) as url:
        limits = Requests(failure_share=1.0, tries=1)
        evaluation = Evaluation(name="probe", benchmarks=(benchmark,), requests=limits, data=str(folder))
        model = answerer(RemoteModel(urls=(url,)), "endpoint")
        return evaluate(evaluation, model, folder / "run").benchmarks[0]


def means(result: dict[str, Any]) -> dict[str, float | None]:
    """Return the means of the metrics."""
    return {name: metric["mean"] for name, metric in result["metrics"].items()}
