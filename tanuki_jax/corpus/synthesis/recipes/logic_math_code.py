"""Problems of logic, mathematics and programming with solutions that were checked: by a second look, or by tests."""

import ast
import warnings
from dataclasses import dataclass
from random import Random
from typing import Annotated, ClassVar, Literal, NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits, check_tuples
from tanuki_jax.corpus.synthesis.exchange import made_conversation
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.replies import final_answer, parse_answer, parse_code, parse_parts, parse_question
from tanuki_jax.corpus.synthesis.sandbox.run_code import Sandbox, run_code
from tanuki_jax.corpus.synthesis.themes import draw_persona
from tanuki_jax.corpus.synthesis.word_lists import draw, group

AREAS = {"logic": "logic", "math": "mathematics", "code": "programming"}
"""Area -> heading of its topics in the list `topics`."""

PROBLEMS = Sampling(temperature=0.9, top_p=0.95)
"""Settings for problems, which should differ from each other."""
SOLUTIONS = Sampling(temperature=0.1)
"""Settings for solutions, which should be right."""
SANDBOX = Sandbox()
"""Limits of programs that run."""


class Program(NamedTuple):
    """A programming task with its solution and tests."""

    task: str
    """Task in words."""
    solution: str
    """Python code of the solution."""
    tests: str
    """Python code that asserts what the solution must do."""
    explanation: str
    """Explanation of the solution in words."""


@dataclass(frozen=True, kw_only=True)
class LogicMathCode(Recipe):
    """Problems by a person, a topic and a level at random.

    Logic and mathematics take three requests: a problem with a plan, the steps, and a re-examination of the steps that
    must come to the same answer. Code takes one: a task, a solution and tests, which run in a sandbox; they must pass
    with the solution, and fail with one whose functions do nothing.
    """

    reads: ClassVar[Literal["nothing"]] = "nothing"
    waits: ClassVar[bool] = True

    language: Language = "ja"
    """Language of the problems and solutions."""
    areas: tuple[Literal["logic", "math", "code"], ...] = ("logic", "math", "code")
    """Areas from which topics are drawn, all alike often."""
    least_tests: Annotated[int, Limits(at_least=1, at_most=50)] = 3
    """Least number of assertions in the tests of a program."""
    problems: Sampling = PROBLEMS
    """Settings for problems and plans, and for programs."""
    solutions: Sampling = SOLUTIONS
    """Settings for steps and re-examinations."""
    sandbox: Sandbox = SANDBOX
    """Limits of programs that run."""

    def __post_init__(self) -> None:
        check_tuples(self)
        if not self.areas:
            raise InputError(f"areas is empty; give one or more of {', '.join(AREAS)}")

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests for one problem."""
        area = random.choice(self.areas)
        values = {
            "area": area,
            "topic": random.choice(group("topics", AREAS[area])).text(self.language),
            "level": draw(random, "levels", self.language),
            "persona": draw_persona(random, self.language),
        }
        review = draw(random, "reviews", self.language)
        if area == "code":
            return (yield from self._code(item, values))
        return (yield from self._reasoning(item, values, review))

    def _reasoning(self, item: Item, values: dict[str, str], review: str) -> Chain:
        reply = yield Ask(self._template("plan"), values, self.problems)
        problem, plan = parse_plan(reply.text)
        known = {"problem": problem, "plan": plan, "level": values["level"]}
        steps = parse_answer((yield Ask(self._template("steps"), known, self.solutions)).text)
        answer = final_answer(steps)
        known = {"problem": problem, "answer": steps, "review": review}
        second = parse_answer((yield Ask(self._template("review"), known, self.solutions)).text)
        if final_answer(second) != answer:
            raise Dropped("the re-examination comes to another answer")
        return self._made(item, [problem, steps, review, second], {**values, "plan": plan, "final_answer": answer})

    def _code(self, item: Item, values: dict[str, str]) -> Chain:
        reply = yield Ask(self._template("code"), values, self.problems)
        program = parse_program(reply.text)
        check_tests(program, self.least_tests, self.sandbox)
        answer = f"{program.explanation}\n\n```python\n{program.solution}\n```"
        return self._made(item, [program.task, answer], {**values, "tests": program.tests})

    def _template(self, name: str) -> str:
        return f"logic_math_code/{name}.{self.language}.jinja"

    def _made(self, item: Item, turns: list[str], choices: dict[str, str]) -> Made:
        area = choices["area"]
        return made_conversation(
            item, turns, recipe="logic_math_code", style=area, language=self.language, choices=choices
        )


def parse_plan(text: str) -> tuple[str, str]:
    """Return problem and plan of a reply.

    Raises:
        Dropped: one is missing, or the problem comes with an answer.
    """
    problem, plan = parse_parts(text, ("problem", "plan"))
    return parse_question(problem), plan


def parse_program(text: str) -> Program:
    """Return the programming task of a reply.

    Raises:
        Dropped: a part is missing, or the code is no Python.
    """
    task, solution, tests, explanation = parse_parts(text, ("task", "solution", "tests", "explanation"))
    program = Program(parse_question(task), parse_code(solution), parse_code(tests), parse_answer(explanation))
    for code in (program.solution, program.tests):
        _tree(code)
    return program


def check_tests(program: Program, least: int, sandbox: Sandbox) -> None:
    """Run the tests of a program, with its solution and with one whose functions return nothing.

    Raises:
        Dropped: they are fewer than `least` assertions, do not pass, or pass in both cases.
    """
    assertions = sum(isinstance(node, ast.Assert) for node in ast.walk(_tree(program.tests)))
    if assertions < least:
        raise Dropped("there are too few tests")
    emptied = without_bodies(program.solution)
    if emptied == _source(_tree(program.solution)):
        raise Dropped("the solution has no function")
    result = run_code(program.solution, program.tests, sandbox)
    if not result.passed:
        raise Dropped(f"the tests have not passed: {result.outcome}")
    if run_code(emptied, program.tests, sandbox).passed:
        raise Dropped("the tests pass without a solution")


def without_bodies(code: str) -> str:
    """Return code in which every function and method returns nothing."""
    tree = _tree(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return _source(tree)


def _tree(code: str) -> ast.Module:
    """Return the syntax tree of code. Dropped: it is no Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # Python warns of doubtful escapes such as "\\d"
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Dropped("the code is no Python") from None


def _source(tree: ast.Module) -> str:
    """Return the code of a syntax tree. Dropped: it is nested too deeply."""
    try:
        return ast.unparse(tree)
    except RecursionError:
        raise Dropped("the code is no Python") from None
