"""Evaluate a model by benchmarks, probes and judges, and compare models in a report.

python -m tanuki_jax.evaluate --config=jaster --endpoint http://localhost:8000/v1
python -m tanuki_jax.evaluate --config=small --checkpoint runs/tiny_dpo
python -m tanuki_jax.evaluate --config=mt_bench_ja --endpoint http://localhost:8000/v1 --judge.urls http://judge:8000/v1
"""

from tanuki_jax.base.command import enter
from tanuki_jax.config.command_line import parse_config
from tanuki_jax.evaluation.evaluate_options import Run


def main(words: list[str]) -> None:
    """Run the command, or what its first word names, with the other arguments."""
    from tanuki_jax.evaluation.named_evaluations import EVALUATIONS

    evaluation, options = parse_config(EVALUATIONS, "evaluate", words, Run)
    from tanuki_jax.evaluation.evaluate_commands import run

    run(evaluation, options)


if __name__ == "__main__":
    enter("evaluate", main)
