import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.tasks.contents import NOUNS, Content
from tanuki_jax.corpus.tasks.family import Task
from tanuki_jax.corpus.tasks.instructions import FORMS, Instruction, Instructions
from tanuki_jax.corpus.tasks.splits import tasks

FAMILY = Instructions()
SIGNS = '・-.．。、/「」【】{}":*＊= \n'
TO_HALF = str.maketrans("０１２３４５６７８９", "0123456789")


def first_tasks(count: int = 2000) -> Iterator[Task[Instruction]]:
    return (FAMILY.generate(key) for key in range(count))


def answered(prompt: str) -> str:
    """Return the answer, found by reading the words of the prompt."""
    words = "|".join(item for items in NOUNS.values() for item in items)
    stated = max(re.findall(rf"[^。\n]*は(?:{words}|[0-9０-９]+)[^。\n]*", prompt), key=len).removesuffix("です")
    record = "JSON" in prompt or "項目名" in prompt
    pairs = [part.split("は", 1) for part in stated.split("、")] if record else []
    items = [item for _, item in pairs] if record else re.split("[、と]", stated.split("は", 1)[1])
    if "逆" in prompt or "最後のものから" in prompt:
        items, pairs = items[::-1], pairs[::-1]
    if "JSON" in prompt:
        body = json.dumps(dict(pairs), ensure_ascii=False)
    elif record:
        body = "\n".join(f"{label}: {item}" for label, item in pairs)
    elif "半角" in prompt or "全角" in prompt:
        half = "、".join(items).translate(TO_HALF)
        body = half if "半角" in prompt else half.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    elif "１．" in prompt:
        body = "\n".join(f"{'０１２３４'[number]}．{item}" for number, item in enumerate(items, 1))
    elif "1. " in prompt:
        body = "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
    elif "・" in prompt:
        body = "\n".join(f"・{item}" for item in items)
    elif "「- 」" in prompt:
        body = "\n".join(f"- {item}" for item in items)
    elif "「」" in prompt:
        body = "".join(f"「{item}」" for item in items)
    elif "【】" in prompt:
        body = "".join(f"【{item}】" for item in items)
    elif "「/」" in prompt:
        body = "/".join(items)
    elif "「、」" in prompt:
        body = "、".join(items) + "。"
    else:
        assert "記号なし" in prompt or "一行に一つ" in prompt
        body = "\n".join(items)
    for pattern, before in ((r"最初の行は「(.*?)」", "{}\n"), (r"「([^」]*)」で始めて", "{}")):
        if match := re.search(pattern, prompt):
            body = before.format(match[1]) + body
    return f"{body}\n{match[1]}" if (match := re.search("最後の行は「(.*?)」", prompt)) else body


def test_the_solver_agrees_with_a_reader_of_the_text() -> None:
    for task in first_tasks():
        *before, response = task.messages
        users = "\n".join(message.content for message in before if message.role == "user")
        assert answered(users) == FAMILY.solve(task.problem) == response.content, users


def test_training_and_probes_have_every_form_item_and_addition() -> None:
    drawn = (
        itertools.islice(tasks("instructions", "train"), 3000),
        itertools.islice(tasks("instructions", "probe"), 600),
    )
    for problems in ([task.problem for task in side] for side in drawn):
        assert {problem.form for problem in problems} == set(FORMS)
        nouns = {content for problem in problems for content in problem.contents if content.label != "数"}
        assert nouns == {Content(label, item) for label, items in NOUNS.items() for item in items}
        additions = {(problem.reverse, problem.before, problem.after) for problem in problems}
        beginnings = [(False, before, "") for before in ("答え: ", "回答: ", "答え:\n", "メモ:\n")]
        assert additions == {
            (False, "", ""),
            (True, "", ""),
            *beginnings,
            (False, "", "\n以上です。"),
            (False, "", "\nおわり"),
        }


def test_instructions_have_one_or_two_turns_some_with_a_system_message() -> None:
    lengths = Counter(tuple(message.role for message in task.messages) for task in first_tasks())
    assert set(lengths) == {
        (*system, *["user", "assistant"] * turns) for system in ((), ("system",)) for turns in (1, 2)
    }
    assert min(lengths.values()) > 50


def test_a_prompt_has_its_numbers_in_the_other_width() -> None:
    for task in first_tasks():
        if task.problem.form in ("half_digits", "full_digits"):
            prompt = "\n".join(message.content for message in task.messages[:-1])
            numbers = re.findall(r"\d\d", prompt)
            assert {number.isascii() for number in numbers} == {task.problem.form == "full_digits"}


def test_there_are_too_many_problems_to_learn_by_heart() -> None:
    assert len({task.problem for task in first_tasks(10_000)}) > 8000


def test_the_form_is_judged_independently_of_the_items() -> None:
    towns = (Content("町", "札幌"), Content("町", "大阪"))
    problem = Instruction("bullets", towns, after="\n以上です。")
    assert FAMILY.solve(problem) == "・札幌\n・大阪\n以上です。"
    assert FAMILY.check_format(problem, "・大阪\n・りんご\n以上です。")
    assert not FAMILY.check(problem, "・大阪\n・札幌\n以上です。")
    for wrong in (
        "・札幌\n・大阪",
        "・札幌\n以上です。",
        "- 札幌\n- 大阪\n以上です。",
        "・札幌・大阪\n以上です。",
        "・札幌\n・大阪\n以上です",
    ):
        assert not FAMILY.check_format(problem, wrong)


def test_an_answer_has_the_form_of_its_instruction_and_no_other() -> None:
    """Try all forms of one kind on the same contents."""
    for task in first_tasks(500):
        kind = FORMS[task.problem.form].kind
        for name in (name for name, form in FORMS.items() if form.kind == kind):
            other = Instruction(
                name, task.problem.contents, task.problem.reverse, task.problem.before, task.problem.after
            )
            assert FAMILY.check_format(other, FAMILY.solve(task.problem)) == (name == task.problem.form)


@given(st.integers(0, 10_000), st.data())
def test_a_form_with_one_sign_more_or_less_is_rejected(key: int, data: st.DataObject) -> None:
    problem = FAMILY.generate(key).problem
    answer = FAMILY.solve(problem)
    assert FAMILY.check_format(problem, answer)
    position = data.draw(st.integers(0, len(answer)))
    longer = f"{answer[:position]}{data.draw(st.sampled_from(SIGNS))}{answer[position:]}"
    assert not FAMILY.check_format(problem, longer)
    signs = [position for position, sign in enumerate(answer) if sign in SIGNS]
    if signs:
        position = data.draw(st.sampled_from(signs))
        assert not FAMILY.check_format(problem, answer[:position] + answer[position + 1 :])


@given(st.integers(0, 10_000), st.integers(0, 1000))
def test_a_rejected_answer_has_the_form_and_one_wrong_item(key: int, seed: int) -> None:
    problem = FAMILY.generate(key).problem
    pair = FAMILY.pair(problem, Random(seed))
    assert pair.kind == "fact"
    assert FAMILY.check(problem, pair.chosen)
    assert not FAMILY.check(problem, pair.rejected)
    assert FAMILY.check_format(problem, pair.rejected)
    assert len(pair.chosen) == len(pair.rejected)
    both = zip(pair.chosen, pair.rejected, strict=True)
    differing = [position for position, (right, wrong) in enumerate(both) if right != wrong]
    assert differing[-1] - differing[0] < max(len(item) for _, item in problem.contents)
