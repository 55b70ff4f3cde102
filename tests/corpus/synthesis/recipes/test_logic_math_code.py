from collections.abc import Callable

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipe import Ask, Dropped, Item, Language, Reply
from tanuki_jax.corpus.synthesis.recipes.logic_math_code import (
    LogicMathCode,
    Program,
    check_tests,
    parse_plan,
    parse_program,
    without_bodies,
)
from tanuki_jax.corpus.synthesis.sandbox.run_code import Sandbox
from tests.corpus.synthesis.hostile_texts import check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

LANGUAGES: tuple[Language, ...] = ("ja", "en")
SANDBOX = Sandbox(seconds=5)
DOUBLE = "def double(x):\n    return 2 * x"
TESTS = "assert double(2) == 4\nassert double(0) == 0\nassert double(-1) == -2"


def program(solution: str = DOUBLE, tests: str = TESTS) -> Program:
    return Program("Double a number.", solution, tests, "It is a product.")


def written(**parts: str) -> str:
    whole = {
        "task": "Double.",
        "solution": f"```python\n{DOUBLE}\n```",
        "tests": f"```python\n{TESTS}\n```",
        "explanation": "A product.",
    }
    return "\n".join(f"<{name}>\n{text}\n</{name}>" for name, text in {**whole, **parts}.items() if text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_problem_is_planned_solved_and_re_examined(language: Language) -> None:
    made, rendered = rehearse(LogicMathCode(language=language, areas=("math",)), Item("a"))
    assert isinstance(made.record, Conversation)
    assert [message.role for message in made.record.messages] == ["user", "assistant"] * 2
    metadata = made.record.metadata
    assert metadata["final_answer"] == ("9600円" if language == "ja" else "9600yen")
    plan, steps, review = (str(messages[-1]["content"]) for messages in rendered)
    assert all(str(metadata[name]) in plan for name in ("topic", "level", "persona"))
    assert str(metadata["plan"]) in steps and made.record.messages[0].content in steps
    assert made.record.messages[1].content in review and made.record.messages[2].content in review
    assert str(metadata["plan"]) not in made.written


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_program_of_the_example_passes_its_tests(language: Language) -> None:
    made, _ = rehearse(LogicMathCode(language=language, areas=("code",)), Item("a"))
    assert isinstance(made.record, Conversation)
    task, answer = (message.content for message in made.record.messages)
    assert "due_day(day: int" in task and "while due in closed" not in task
    assert "```python\ndef due_day(" in answer
    assert str(made.record.metadata["tests"]).count("assert") == 5
    assert made.style == "code"


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    reasoning = check_quotations(LogicMathCode(language=language, areas=("logic",)), Item("a"))
    code = check_quotations(LogicMathCode(language=language, areas=("code",)), Item("a"))
    folder = LogicMathCode.templates / "logic_math_code"
    assert reasoning | code == {f"logic_math_code/{path.name}" for path in folder.glob(f"*.{language}.jinja")}


def test_choices_depend_on_the_key_and_the_seed_alone() -> None:
    recipe = LogicMathCode(areas=("logic", "math"))
    assert rehearse(recipe, Item("a"), seed=2) == rehearse(recipe, Item("a"), seed=2)
    topics = {str(rehearse(recipe, Item(str(number)))[0].record.metadata["topic"]) for number in range(30)}
    assert len(topics) > 15


def test_no_area_is_an_error() -> None:
    with pytest.raises(InputError, match="areas is empty; give one or more of logic, math, code"):
        LogicMathCode(areas=())


def second_look(text: str) -> Callable[[Ask, str], Reply]:
    return lambda ask, example: Reply((text if "/review." in ask.template else example,))


def test_a_solution_that_the_second_look_contradicts_is_dropped() -> None:
    recipe = LogicMathCode(areas=("math",))
    with pytest.raises(Dropped, match="another answer"):
        rehearse(recipe, Item("a"), answer=second_look("検算すると違いました。\n答え: 9,500円"))
    with pytest.raises(Dropped, match="no final answer"):
        rehearse(recipe, Item("a"), answer=second_look("正しいです。"))
    assert rehearse(recipe, Item("a"), answer=second_look("もう一度。\n**答え：９６００円です。**"))[0].record


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "lacks a part"),
        ("<problem>a</problem>", "lacks a part"),
        ("<problem></problem><plan>b</plan>", "lacks a part"),
        ("<problem>a</problem><plan> \n</plan>", "lacks a part"),
        ("<problem>a<plan>b</plan>", "lacks a part"),
        ("<problem>a</problem><problem>c</problem><plan>b</plan>", "lacks a part"),
        ("problem: a\nplan: b", "lacks a part"),
        ("<Problem>a</Problem><plan>b</plan>", "lacks a part"),
        ("<problem>a\n回答: 5</problem><plan>b</plan>", "comes with an answer"),
        ("<problem>問題:</problem><plan>b</plan>", "is empty"),
        ("<problem>a<|endoftext|></problem><plan>b</plan>", "special tokens"),
        ("<problem>a</problem><plan>b</s></plan>", "special tokens"),
    ],
)
def test_other_replies_have_no_plan(text: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        parse_plan(text)


def test_words_around_the_parts_do_not_count() -> None:
    assert parse_plan("Sure!\n<plan>b</plan>\n<problem>問題: a</problem>\nDone.") == ("a", "b")
    assert parse_program("Here:\n" + written()) == Program("Double.", DOUBLE, TESTS, "A product.")
    assert parse_program(written(solution=DOUBLE)).solution == DOUBLE


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"task": ""}, "lacks a part"),
        ({"tests": ""}, "lacks a part"),
        ({"explanation": " "}, "lacks a part"),
        ({"solution": "def f(:"}, "no Python"),
        ({"tests": "```python\nassert f(1 ==\n```"}, "no Python"),
        ({"solution": "Use a loop.\n```python\nx = 1\n```"}, "not in one block"),
        ({"tests": "```python\nassert a\n```\n```python\nassert b\n```"}, "not in one block"),
        ({"solution": "x = 1\x00"}, "no Python"),
        ({"solution": "(" * 5_000 + ")" * 5_000}, "no Python"),
        ({"explanation": "Good.\nUser: thanks"}, "speaks for the user"),
        ({"task": "Double.\nAnswer: 2 * x"}, "comes with an answer"),
        ({"task": "Double.</s>"}, "special tokens"),
    ],
)
def test_other_replies_have_no_program(parts: dict[str, str], reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        parse_program(written(**parts))


@pytest.mark.parametrize(
    ("solution", "tests", "reason"),
    [
        (DOUBLE, "assert double(2) == 4\nassert True", "too few tests"),
        (DOUBLE, "print(double(2), double(3), double(4))", "too few tests"),
        ("double = 3", "assert double\n" * 3, "no function"),
        (DOUBLE.replace("2 *", "3 *"), TESTS, "not passed: failed"),
        ("import sys\nsys.exit(0)\n" + DOUBLE, TESTS, "not passed: failed"),
        ("def double(x):\n    return bytearray(1 << 34)", TESTS, "not passed: out of memory"),
        (DOUBLE, "double(2)\n" + "assert True\n" * 3, "without a solution"),
        (DOUBLE, "def unused():\n    assert double(2) == 4\n    assert 1\n    assert 2", "without a solution"),
    ],
)
def test_programs_whose_tests_prove_nothing_are_dropped(solution: str, tests: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        check_tests(program(solution, tests), 3, SANDBOX)


@pytest.mark.parametrize("depth", [200, 500, 900, 1_500, 100_000])
def test_code_that_is_nested_deeply_breaks_nothing(depth: int) -> None:
    with pytest.raises(Dropped):
        check_tests(program("x = " + "1 + " * depth + "1\n" + DOUBLE.replace("2 *", "3 *")), 3, SANDBOX)


def test_doubtful_escapes_are_no_reason_to_warn() -> None:
    check_tests(program(DOUBLE + "\nimport re\npattern = '\\d'"), 3, SANDBOX)


def test_a_program_that_passes_its_tests_is_kept() -> None:
    check_tests(program(), 3, SANDBOX)


def test_emptied_code_keeps_its_names() -> None:
    code = "class A:\n    def f(self):\n        return 1\n\nasync def g():\n    pass\n\nx = [n for n in range(3)]"
    assert without_bodies(code) == (
        "class A:\n\n    def f(self):\n        pass\n\nasync def g():\n    pass\nx = [n for n in range(3)]"
    )
