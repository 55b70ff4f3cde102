"""The README's comparison of guards is what the rules do."""

import dataclasses
import json
from pathlib import Path

import pytest

from tests.training.rivals import RESULT, outcomes, table


def test_the_result_and_the_readme_are_what_the_rules_do() -> None:
    results = outcomes()
    plain = {fault: {who: dataclasses.asdict(each) for who, each in rules.items()} for fault, rules in results.items()}
    assert json.loads(RESULT.read_text(encoding="utf-8")) == plain
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert "\n".join(table(results)) in readme


@pytest.mark.long
def test_ours_rejects_the_bad_steps_and_no_other() -> None:
    for rules in outcomes().values():
        ours = rules["tanuki_jax"]
        assert (ours.bad_applied, ours.healthy_skipped, ours.parameters_survive) == (0, 0, True)
