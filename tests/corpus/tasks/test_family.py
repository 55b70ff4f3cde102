import itertools
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from tanuki_jax.corpus.tasks.family import Family, Formatted, Task
from tanuki_jax.corpus.tasks.registry import FAMILIES

KEYS = 1000
FIRST_TASKS = {
    "arithmetic": (
        "ゆいさんはボールを53個持っていました。ひなたさんに14個あげて、あとで10個買いました。今は何個持っていますか。",
        "答えは49です。",
    ),
    "table": (
        """次の表があります。
| 曜日 | 貸出(冊) |
| --- | --- |
| 日曜日 | 77 |
| 金曜日 | 206 |
| 土曜日 | 213 |
| 水曜日 | 103 |
土曜日の貸出は何冊ですか。""",
        "土曜日の貸出は213冊です。答えは213冊です。",
    ),
    "dialogue": (
        "木曜日の9時に散歩を入れてください。",
        "木曜日の9時に散歩を入れました。",
        "火曜日の12時に勉強会を入れてください。",
        "はい、火曜日の12時に勉強会を登録しました。",
        "火曜日には何がありますか。",
        "火曜日は、12時から勉強会があります。",
    ),
    "instructions": (
        "名前は渡辺さん、中村さんです。「1. 」からの番号つきで並べてください。",
        "1. 渡辺さん\n2. 中村さん",
    ),
    "style": (
        "品物はプリン、曜日は月曜日。これを項目ごとの行でお願いします。",
        "品物: プリン\n曜日: 月曜日",
    ),
}


def response(task: Task[object]) -> str:
    return task.messages[-1].content


@pytest.mark.parametrize("name", FAMILIES)
def test_the_first_task_of_a_family_does_not_change(name: str) -> None:
    assert tuple(message.content for message in FAMILIES[name].generate(0).messages) == FIRST_TASKS[name]


def test_tasks_do_not_depend_on_the_process() -> None:
    program = (
        "from tanuki_jax.corpus.tasks.registry import FAMILIES\n"
        "for f in FAMILIES.values():\n"
        "    for k in range(200):\n"
        "        print(f.generate(k))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    expected = "".join(f"{family.generate(key)}\n" for family in FAMILIES.values() for key in range(200))
    assert outputs == {expected.encode()}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_task_ends_with_an_answer_that_its_checker_accepts(family: Family[Any, Any]) -> None:
    for key in range(KEYS):
        task = family.generate(key)
        assert family.check(task.problem, response(task))


@pytest.mark.parametrize("family", [family for family in FAMILIES.values() if not isinstance(family, Formatted)])
def test_the_width_of_digits_matters_only_in_exact_forms(family: Family[Any, Any]) -> None:
    to_full_width = str.maketrans("0123456789-:", "０１２３４５６７８９－：")
    for key in range(KEYS):
        task = family.generate(key)
        assert family.check(task.problem, response(task).translate(to_full_width))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_checker_rejects_the_answer_to_another_problem(family: Family[Any, Any]) -> None:
    tasks = [family.generate(key) for key in range(KEYS)]
    for task, other in itertools.pairwise(tasks):
        same = family.solve(task.problem) == family.solve(other.problem)
        assert family.check(task.problem, response(other)) <= same


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_an_empty_response_and_a_refusal_are_rejected(family: Family[Any, Any]) -> None:
    for key in range(KEYS):
        problem = family.generate(key).problem
        assert not family.check(problem, "")
        assert not family.check(problem, "わかりません。")


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_tasks_are_short_turns_after_at_most_one_system_message(family: Family[Any, Any]) -> None:
    for key in range(KEYS):
        task = family.generate(key)
        assert (task.family, task.key) == (family.name, key)
        roles = [message.role for message in task.messages]
        roles = roles[roles[0] == "system" :]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert 1 <= len(roles) // 2 <= 4
        assert sum(len(message.content) for message in task.messages) <= 300


@pytest.mark.long
def test_twenty_thousand_tasks_take_at_most_a_second() -> None:
    def seconds() -> float:
        start = time.process_time()
        for family in FAMILIES.values():
            for key in range(1000):
                family.generate(key)
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 1000 * len(FAMILIES) / 20_000
