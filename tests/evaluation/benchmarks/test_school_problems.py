"""School problems by rule."""

from pathlib import Path

import pytest

from tanuki_jax.evaluation.benchmark import Reply
from tanuki_jax.evaluation.benchmarks.school_problems import SchoolProblems


def test_worked_answers_are_right_and_others_wrong() -> None:
    task = SchoolProblems(count=5)
    items = task.load(Path()).items
    assert len(items) == 5 * len(task.families) and {"elementary", "middle", "high"} <= {
        item.tags.get("level") for item in items
    }
    for item in items:
        for reply, right in ((Reply(item.expected), 1), (Reply("わかりません。"), 0), (Reply(failure="x"), 0)):
            chain = task.chain(item)
            next(chain)
            with pytest.raises(StopIteration) as end:
                chain.send([reply])
            assert end.value.value.values == {"correct": right}, item


def test_the_form_decides_the_endpoint_and_the_name() -> None:
    assert [SchoolProblems(form=form).path_asked for form in ("chat", "text")] == ["chat/completions", "completions"]
    assert SchoolProblems(form="text").name == "school_problems_text"
