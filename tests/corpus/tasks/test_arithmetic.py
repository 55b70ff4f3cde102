import re
from collections.abc import Iterator
from fractions import Fraction

from tanuki_jax.corpus.tasks.arithmetic import Arithmetic, Calculation
from tanuki_jax.corpus.tasks.arithmetic_stories import STORIES
from tanuki_jax.corpus.tasks.family import Task

FAMILY = Arithmetic()
EXPRESSION = re.compile(r"[\d(][\d+\-×÷() ]*\d")


def tasks(count: int = 2000) -> Iterator[Task[Calculation]]:
    return (FAMILY.generate(key) for key in range(count))


def counted(problem: Calculation) -> int:
    """Return the answer, found by moving things one by one."""
    heap = ["thing"] * problem.start
    for operation, number in problem.steps:
        if operation == "+":
            heap.extend(["thing"] * number)
        elif operation == "-":
            for _ in range(number):
                heap.pop()
        elif operation == "×":
            heap = [thing for _ in range(number) for thing in heap]
        else:
            shares: list[list[str]] = [[] for _ in range(number)]
            for position, thing in enumerate(heap):
                shares[position % number].append(thing)
            assert len({len(share) for share in shares}) == 1, "a remainder"
            heap = shares[0]
        assert heap, "nothing is left on the way"
    return len(heap)


def test_the_solver_agrees_with_counting() -> None:
    for task in tasks():
        assert FAMILY.solve(task.problem) == counted(task.problem)


def test_the_expression_of_a_plain_sum_has_the_solvers_value() -> None:
    sums = 0
    for task in tasks():
        match = EXPRESSION.search(task.messages[0].content)
        if match and not match[0].isdigit():
            sums += 1
            fractions = re.sub(r"\d+", r"Fraction(\g<0>)", match[0].replace("×", "*").replace("÷", "/"))
            assert eval(fractions, {"Fraction": Fraction}) == FAMILY.solve(task.problem)
    assert sums > 500


def test_a_question_has_the_numbers_of_its_problem() -> None:
    for task in tasks():
        question = re.sub(r"(?<!\d)1(?=箱|人)", "", task.messages[0].content)
        operands = [task.problem.start, *(number for _, number in task.problem.steps)]
        assert sorted(map(int, re.findall(r"\d+", question))) == sorted(operands)


def test_every_kind_of_story_occurs() -> None:
    patterns = {tuple(operation for operation, _ in task.problem.steps) for task in tasks()}
    assert patterns == set(STORIES)
    assert len({re.sub(r"\d+", "0", task.messages[0].content) for task in tasks()}) > 800


def test_an_answer_has_the_taught_form_and_other_numbers_are_rejected() -> None:
    for task in tasks():
        answer = task.messages[-1].content
        match = re.search(r"答えは(\d+)です。$", answer)
        assert match
        for wrong in (int(match[1]) + 1, int(match[1]) - 1, -int(match[1]), int(match[1]) * 10):
            assert not FAMILY.check(task.problem, f"{answer[: match.start()]}答えは{wrong}です。")
