import json
from pathlib import Path
from typing import Any

from tanuki_jax.evaluation.graders.used_complement import used_complement

SOLUTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "solutions_of_two_dice.jsonl").read_text("utf-8").splitlines()
]
"""Solutions written by hand, and whether they go through the complement."""


def test_no_solution_is_misjudged() -> None:
    assert [row for row in SOLUTIONS if used_complement(row["response"]) != row["used"]] == []


def test_other_numbers_of_cases_are_possible() -> None:
    assert used_complement("216 - 4 = 212通り", total=216, bound=5)
    assert not used_complement("216 - 4 = 212通り")
    assert used_complement("合計が4以下になる場合は4通りです。", total=216, bound=5)
    assert not used_complement("合計が4以下になる場合は4通りです。")


def test_the_thinking_is_left_out() -> None:
    assert not used_complement("<think>余事象を使おう。</think>35/36です。")
