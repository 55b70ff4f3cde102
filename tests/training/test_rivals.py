"""Comparison of our guard with other trainers' rules."""

import dataclasses
import json
from pathlib import Path

import pytest

from tests.training.rivals import RESULT, outcomes, table

pytestmark = pytest.mark.thorough


def test_the_result_and_the_page_are_what_the_rules_do() -> None:
    found = outcomes()
    plain = {fault: {who: dataclasses.asdict(each) for who, each in rules.items()} for fault, rules in found.items()}
    assert json.loads(RESULT.read_text(encoding="utf-8")) == plain
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert "\n".join(table(found)) in page


@pytest.mark.long
def test_ours_rejects_the_bad_steps_and_no_other() -> None:
    for rules in outcomes().values():
        ours = rules["tanuki_jax"]
        assert (ours.bad_applied, ours.healthy_skipped, ours.parameters_survive) == (0, 0, True)
