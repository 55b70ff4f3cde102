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
SCHOOL_TASKS = {
    "school_arithmetic": (
        ("わかなさんは定価6950円の商品を3割引で買いました。支払う金額は何円になりますか。"),
        ("3割引は定価の7割にあたります。6950×0.7=4865です。答えは4865円です。"),
    ),
    "statistics_problems": (
        (
            "合唱部の部員が1年間に読んだ本の冊数を調べると、56、76、54、79、78、6、7、55（冊）でした。"
            "この資料のメジアンはいくつですか。"
        ),
        (
            "小さい順に並べると、6、7、54、55、56、76、78、79です。"
            "真ん中の2つは55と56なので、(55+56)÷2=55.5です。"
            "以上より、答えは55.5です。"
        ),
    ),
    "probability": (
        (
            "黒田さんがだいだい色のさいころと紫のさいころを1回ずつ投げます。"
            "出る目の数の積が2の倍数になる確率を、そうならない場合の確率を使って求めなさい。"
        ),
        (
            "目の出方は全部で6×6=36通りです。"
            "あてはまらないのは(1, 1)、(1, 3)、(1, 5)、(3, 1)、(3, 3)、(3, 5)、(5, 1)、(5, 3)、"
            "(5, 5)の9通りなので、その確率は9/36です。"
            "求める確率は1-9/36=27/36です。"
            "したがって、答えは3/4です。"
        ),
    ),
    "geometry": (
        ("2点A(3, -10)、B(-3, -17)の間の距離を求めよ。"),
        ("座標の差は-6と-7なので、距離の2乗は36+49=85です。距離は√85です。答えは√85です。"),
    ),
    "table_reading": (
        (
            "工場で1日に作った部品のデータが、カンマで区切られています。"
            "\n"
            "工場,生産数[個],不良品[個]\n"
            "山手工場,1430,15\n"
            "川原工場,450,9\n"
            "港工場,650,5\n"
            "青葉工場,1340,16\n"
            "山手工場と港工場の生産数を合わせると何個ですか。"
        ),
        ("山手工場は1430、港工場は650です。1430+650=2080です。答えは2080個です。"),
    ),
    "units": (
        (
            "佐々木さんが分速65mで家を出た11分後に、いおりさんが分速208mで同じ道を追いかけました。"
            "いおりさんは出発してから何分後に追いつきますか。"
        ),
        (
            "追いかけ始めるとき、2人は65×11=715(m)離れています。"
            "差は1分間に208-65=143(m)ずつ縮みます。"
            "715÷143=5です。"
            "以上より、答えは5分です。"
        ),
    ),
    "calendar_problems": (
        ("今日は金曜日である。松尾さんは、13^239日後の曜日を7で割った余りから求めた。何曜日か。"),
        (
            "13の累乗を7でわったあまりは、6、1をくり返します（周期2）。"
            "239を2でわったあまりは1なので、13^239を7でわったあまりは6です。"
            "金曜日から6日進みます。"
            "よって、答えは木曜日です。"
        ),
    ),
    "text_operations": (
        ("文字列「brrgggf」を、文字とその連続する個数を並べる連長圧縮で表せ。たとえば「aab」は「a2b1」となる。"),
        ("同じ文字が続く区間に分けて、それぞれの個数を数えます。ゆえに、答えは「b1r2g3f1」です。"),
    ),
}


def response(task: Task[object]) -> str:
    return task.messages[-1].content


@pytest.mark.parametrize("name", FAMILIES)
def test_the_first_task_of_a_family_does_not_change(name: str) -> None:
    assert (
        tuple(message.content for message in FAMILIES[name].generate(0).messages) == (FIRST_TASKS | SCHOOL_TASKS)[name]
    )


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
        assert sum(len(message.content) for message in task.messages) <= (500 if task.level else 300)


@pytest.mark.long
def test_twenty_thousand_tasks_take_at_most_a_second() -> None:
    def seconds() -> float:
        start = time.thread_time()
        for family in FAMILIES.values():
            for key in range(1000):
                family.generate(key)
        return time.thread_time() - start

    assert min(seconds() for _ in range(5)) < 1000 * len(FAMILIES) / 20_000
