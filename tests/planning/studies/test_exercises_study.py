"""The study of exercises in tuning: what is learned, and what is asked."""

import json
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.config.registry import experiment, mixture
from tanuki_jax.evaluation.benchmarks.exact_formats import ExactFormats
from tanuki_jax.planning.studies.exercises_study import (
    KINDS,
    ExercisesStudy,
    Scored,
    exercises,
    markdown,
    plot,
    read,
    write,
)


def test_the_benchmark_and_similar_exercises_share_no_problem() -> None:
    asked = ExactFormats(families=("instructions",), count=100).load(Path()).items
    learned = [*exercises("benchmark", 100)]
    assert [item.expected for item in asked] == [each.messages[-1].content for each in learned]
    problems = {(item.question, item.expected) for item in asked}
    similar = {tuple(message.content for message in each.messages) for each in exercises("similar", 1000)}
    assert len(similar) > 900 and not problems & {(*texts[:-1], texts[-1]) for texts in similar}


def test_a_condition_is_prepared_tuned_and_evaluated(tmp_path: Path) -> None:
    ran: list[Sequence[str]] = []

    def execute(words: Sequence[str]) -> None:
        ran.append(words)
        if words[0].endswith("evaluate"):
            out = Path(words[words.index("--out") + 1])
            out.mkdir(parents=True)
            metric = {"mean": 0.5, "low": 0.4, "high": 0.6}
            results = {"benchmarks": [{"metrics": dict.fromkeys(("strict", "flexible", "control"), metric)}]}
            (out / "results.json").write_text(json.dumps(results))

    study = ExercisesStudy(tmp_path, (0, 3), 7, 11, execute)
    found = study.run()
    assert [(each.kind, each.count) for each in found] == [(kind, count) for kind in KINDS for count in (0, 3)]
    assert [words[0].rpartition(".")[2] for words in ran] == ["prepare", "train"] + ["prepare", "train", "evaluate"] * 4
    assert len(study.commands) == len(ran) and "--start.checkpoint" in study.commands[3]
    config = next(word for word in ran[6] if word.startswith("--config=")).removeprefix("--config=")
    tuned = experiment.find(config)
    assert (tuned.name, tuned.steps, tuned.runs) == ("benchmark-3", 7, str(tmp_path))
    mixed = mixture.find(tuned.data.mixture)
    assert mixed.stages[0].weights == {"others": 4000, "exercises": 3}
    assert len((tmp_path / "benchmark-3.jsonl").read_text().splitlines()) == 3


def test_the_report_is_read_back_and_drawn(tmp_path: Path) -> None:
    scores = {metric: [0.5, 0.4, 0.6] for metric in ("strict", "flexible", "control")}
    results = [Scored(kind=kind, count=count, scores=scores) for kind in ("benchmark", "similar") for count in (0, 30)]
    write(tmp_path / "report.json", results, ["python"])
    assert read(tmp_path / "report.json") == results
    assert markdown(results).splitlines()[3] == "| benchmark | 30 | 50.0% | 50.0% | 50.0% |"
    plot(tmp_path / "report.png", results)
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
