"""Instructions to write a few items in an exact form; the answer is nothing but the items in that form."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.contents import NUMBERS, Content, Kind, draw_contents, stated_in_order, with_one_replaced
from tanuki_jax.corpus.tasks.family import Family, Formatted, Pair, Paired, dialogue
from tanuki_jax.corpus.tasks.layouts import Layout, full_width

_COUNTS: Mapping[Kind, range] = {"list": range(2, 4), "numbers": range(2, 4), "record": range(2, 3)}
_BEGINNINGS = ("答え: ", "回答: ")
_FIRST_LINES = ("答え:\n", "メモ:\n")
_LAST_LINES = ("\n以上です。", "\nおわり")
_REQUESTS = ("書いてください。", "答えてください。", "並べてください。")
_REVERSED = ("順番は逆にしてください。", "最後のものから先に書いてください。")
_NOW = ("では、", "今度は、", "それを")
_SYSTEM = ("形式を守って答えてください。", "指示された形式だけで答えてください。")
_SYSTEM_SHARE = 0.2
_TWO_TURNS_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Form:
    """A layout and the ways to ask for it."""

    kind: Kind
    """Kind of contents that it suits."""
    layout: Layout
    wordings: tuple[str, ...]
    """Requests up to their verb; `{keys}` is replaced by the labels of a record."""


FORMS: Mapping[str, Form] = {
    "bullets": Form(
        "list", Layout("・{item}"), ("「・」の箇条書きで", "行の頭に「・」をつけて", "一行ずつ「・」をつけて")
    ),
    "hyphens": Form(
        "list", Layout("- {item}"), ("「- 」の箇条書きで", "行の頭に「- 」をつけて", "一行ずつ「- 」をつけて")
    ),
    "numbers": Form("list", Layout("{number}. {item}"), ("「1. 」からの番号つきで", "「1. 」「2. 」と番号をつけて")),
    "full_numbers": Form(
        "list", Layout("{full}．{item}"), ("「１．」からの番号つきで", "「１．」「２．」と番号をつけて")
    ),
    "sentence": Form(
        "list",
        Layout("{item}", "、", after="。"),
        ("「、」で区切って「。」で終えて", "「、」でつないで最後に「。」をつけて"),
    ),
    "slashes": Form("list", Layout("{item}", "/"), ("「/」で区切って", "「/」でつないで一行で")),
    "quotes": Form("list", Layout("「{item}」", ""), ("一つずつ「」で囲んで", "それぞれ「」に入れて")),
    "brackets": Form("list", Layout("【{item}】", ""), ("一つずつ【】で囲んで", "それぞれ【】に入れて")),
    "lines": Form("list", Layout("{item}"), ("記号なしで一行ずつ", "一行に一つだけ")),
    "json": Form(
        "record",
        Layout('"{label}": "{item}"', ", ", before="{", after="}"),
        ("キーが{keys}のJSONで", "{keys}をキーにした一行のJSONで"),
    ),
    "labels": Form(
        "record",
        Layout("{label}: {item}"),
        ("{keys}の項目名と「: 」をつけて一行ずつ", "「項目名: 内容」の形で一行ずつ"),
    ),
    "half_digits": Form(
        "numbers",
        Layout("{item}", "、", digits="half-width"),
        ("半角の数字で「、」で区切って", "「、」でつないで半角の数字で"),
    ),
    "full_digits": Form(
        "numbers",
        Layout("{item}", "、", digits="full-width"),
        ("全角の数字で「、」で区切って", "「、」でつないで全角の数字で"),
    ),
}


@dataclass(frozen=True, slots=True)
class Instruction:
    """Items and the form to write them in: a layout, and at most one of `reverse`, `before` and `after`."""

    form: str
    contents: tuple[Content, ...]
    """Items in the order of the prompt; numbers in half width."""
    reverse: bool = False
    before: str = ""
    """Text with which the answer has to begin."""
    after: str = ""
    """Text with which the answer has to end."""


class Instructions(Family[Instruction, str], Formatted[Instruction], Paired[Instruction]):
    """Lists, records and numbers in 13 layouts, in reverse, or with a fixed beginning or end, in one or two exchanges.

    The answer is one exact text, so that digits and signs of the other width are wrong.
    """

    name = "instructions"

    def draw(self, random: Random) -> Instruction:
        name = random.choice(tuple(FORMS))
        form = FORMS[name]
        contents = draw_contents(form.kind, _COUNTS[form.kind], random)
        addition = "nothing" if name == "json" else random.choice(("nothing", "reverse", "before", "after"))
        if addition == "before":
            return Instruction(
                name, contents, before=random.choice(_FIRST_LINES if "\n" in form.layout.between else _BEGINNINGS)
            )
        if addition == "after":
            return Instruction(name, contents, after=random.choice(_LAST_LINES))
        return Instruction(name, contents, reverse=addition == "reverse")

    def write(self, problem: Instruction, random: Random) -> tuple[Message, ...]:
        statement = _statement(problem, random)
        wording = random.choice(FORMS[problem.form].wordings).format(
            keys="と".join(f"「{label}」" for label, _ in problem.contents)
        )
        request = f"{wording}{random.choice(_REQUESTS)}{_addition(problem, random)}"
        if random.random() < _TWO_TURNS_SHARE:
            messages = dialogue(
                f"{statement}です。", f"{statement}ですね。", f"{random.choice(_NOW)}{request}", self.solve(problem)
            )
        else:
            question = random.choice((f"{statement}です。{request}", f"{request}\n{statement}"))
            messages = dialogue(question, self.solve(problem))
        return (Message("system", random.choice(_SYSTEM)), *messages) if random.random() < _SYSTEM_SHARE else messages

    def solve(self, problem: Instruction) -> str:
        return _written(problem, problem.contents)

    def check(self, problem: Instruction, response: str) -> bool:
        return response == self.solve(problem)

    def check_format(self, problem: Instruction, response: str) -> bool:
        return FORMS[problem.form].layout.matches(
            _in_order(problem, problem.contents), response, problem.before, problem.after
        )

    def check_items(self, problem: Instruction, response: str) -> bool:
        return stated_in_order(_in_order(problem, problem.contents), response)

    def pair(self, problem: Instruction, random: Random) -> Pair:
        """Return a pair of kind "fact": one item of the rejected answer is wrong."""
        return Pair(self.solve(problem), _written(problem, with_one_replaced(problem.contents, random)), "fact")


def _written(problem: Instruction, contents: tuple[Content, ...]) -> str:
    return f"{problem.before}{FORMS[problem.form].layout.write(_in_order(problem, contents))}{problem.after}"


def _in_order(problem: Instruction, contents: tuple[Content, ...]) -> tuple[Content, ...]:
    return contents[::-1] if problem.reverse else contents


def _statement(problem: Instruction, random: Random) -> str:
    """State the items; numbers in the width that the form does not have."""
    if FORMS[problem.form].kind == "record":
        return "、".join(f"{label}は{item}" for label, item in problem.contents)
    items = [item for _, item in problem.contents]
    if problem.form == "half_digits":
        items = list(map(full_width, items))
    label = NUMBERS if FORMS[problem.form].kind == "numbers" else problem.contents[0].label
    return f"{label}は{random.choice(('、', 'と')).join(items)}"


def _addition(problem: Instruction, random: Random) -> str:
    """Write the sentence that asks for `reverse`, `before` or `after`; empty if the form is a layout alone."""
    if problem.reverse:
        return random.choice(_REVERSED)
    if problem.before.endswith("\n"):
        return f"最初の行は「{problem.before.strip()}」にしてください。"
    if problem.before:
        return f"「{problem.before}」で始めてください。"
    return f"最後の行は「{problem.after.strip()}」にしてください。" if problem.after else ""
