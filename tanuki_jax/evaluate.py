"""Evaluate a model by benchmarks, probes and judges, and compare models in a report.

python -m tanuki_jax.evaluate --config=jaster --endpoint http://localhost:8000/v1
python -m tanuki_jax.evaluate --config=small --checkpoint runs/tiny_dpo
python -m tanuki_jax.evaluate --config=mt_bench_ja --endpoint http://localhost:8000/v1 --judge.urls http://judge:8000/v1
python -m tanuki_jax.evaluate --config=small --follow runs/tiny_sft --benchmarks.school_problems.count 5
python -m tanuki_jax.evaluate report evaluations --out reports/all
python -m tanuki_jax.evaluate --weak evaluations/small/tiny_sft --reference evaluations/small/other
python -m tanuki_jax.evaluate export --config=jaster_text --tasks lm_eval_tasks
"""

import dataclasses

from tanuki_jax.base.command import enter
from tanuki_jax.config.check_words import check_action
from tanuki_jax.config.command_line import parse_config, parse_options
from tanuki_jax.evaluation.evaluate_options import Export, Run, Weak
from tanuki_jax.evaluation.report.report_options import Report


def main(words: list[str]) -> None:
    """Run the command, or what its first word names, with the other arguments."""
    action, rest = (words[0], words[1:]) if words else ("", words)
    if action == "report":
        reporting = parse_options("evaluate report", rest, Report)
        from tanuki_jax.evaluation.report.report_commands import report

        report(reporting)
        return
    if "--weak" in words:
        weakness = parse_options("evaluate --weak", [word for word in words if word != "--weak"], Weak)
        from tanuki_jax.evaluation.evaluate_commands import weak

        weak(weakness)
        return
    check_action(words, ("report", "export", "--weak"))
    from tanuki_jax.evaluation.named_evaluations import EVALUATIONS

    if action == "export":
        from tanuki_jax.evaluation.peers.lm_eval_tasks import can_export

        exported = dataclasses.replace(EVALUATIONS, listed=can_export)
        evaluation, exporting = parse_config(exported, "evaluate export", rest, Export)
        from tanuki_jax.evaluation.evaluate_commands import export

        export(evaluation, exporting)
        return
    evaluation, options = parse_config(EVALUATIONS, "evaluate", words, Run)
    from tanuki_jax.evaluation.evaluate_commands import run

    run(evaluation, options)


if __name__ == "__main__":
    enter("evaluate", main)
