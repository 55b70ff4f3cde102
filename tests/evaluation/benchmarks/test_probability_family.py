import itertools
from pathlib import Path

from tanuki_jax.corpus.tasks.dice_probes import probe_questions
from tanuki_jax.corpus.tasks.splits import tasks
from tanuki_jax.evaluation.benchmarks.probability_family import ProbabilityFamily
from tests.evaluation.benchmarks.probe_runs import ran


def test_one_seed_gives_one_list_of_items() -> None:
    family = ProbabilityFamily(count=40)
    items = family.load(Path()).items
    assert items == ProbabilityFamily(count=40).load(Path()).items
    assert items[:40] == ProbabilityFamily(count=10).load(Path()).items
    other = ProbabilityFamily(count=40, seed=1).load(Path()).items
    assert len({item.id for item in items}) == 160 and {item.question for item in items} != {
        item.question for item in other
    }


def test_questions_on_one_event_are_a_cluster() -> None:
    items = ProbabilityFamily(count=2).load(Path()).items
    clusters = [item.cluster for item in items]
    assert clusters[1] == clusters[2] == clusters[3] != clusters[5]
    assert clusters[0] not in clusters[1:]
    assert len({item.expected for item in items[1:4]}) == 1


def test_no_question_is_one_that_trains() -> None:
    asked = {item.question for item in ProbabilityFamily(count=1000).load(Path()).items}
    trained = {task.messages[0].content for task in itertools.islice(tasks("probability", "train"), 3000)}
    assert len(asked) > 1000 and not asked & trained


def test_a_model_that_counts_right_is_high(tmp_path: Path) -> None:
    answers = {}
    for _, questions in itertools.islice(probe_questions(0), 25):
        for question in questions:
            right = f"答えは{question.event.chance}です。" if question.event else f"正解は{question.right}です。"
            answers[question.text] = right
    result = ran(ProbabilityFamily(), lambda text: answers.get(text, ""), tmp_path)
    assert result["metrics"]["correct"]["mean"] == 1 and result["overall"]["tier: high"] == 1
    assert result["overall"]["q2_complement"] == result["overall"]["q2a_listed"] == 0
