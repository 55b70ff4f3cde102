from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.tasks.contents import Content
from tanuki_jax.corpus.tasks.splits import conversations
from tanuki_jax.corpus.tasks.style import CHOICES, Request, Style

FAMILY = Style()
SIGNS = "・-.)。、/「」【】:*＊=!\n "
TOWNS = (Content("町", "札幌"), Content("町", "大阪"))
EXAMPLES = {
    "bullet": (TOWNS, "・札幌\n・大阪", "*札幌\n*大阪"),
    "number": (TOWNS, "1. 札幌\n2. 大阪", "1) 札幌\n2) 大阪"),
    "end": (TOWNS, "札幌、大阪です。", "札幌、大阪だよ。"),
    "stop": (TOWNS, "札幌、大阪。", "札幌、大阪!"),
    "heading": (TOWNS, "答え:\n札幌\n大阪", "結果:\n札幌\n大阪"),
    "bracket": (TOWNS, "「札幌」「大阪」", "【札幌】【大阪】"),
    "separator": (TOWNS, "札幌、大阪", "札幌/大阪"),
    "label": ((TOWNS[0], Content("組", "赤組")), "町: 札幌\n組: 赤組", "町= 札幌\n組= 赤組"),
    "digits": ((Content("数", "25"), Content("数", "90")), "25、90", "２５、９０"),
}


def test_each_choice_has_two_forms() -> None:
    assert set(EXAMPLES) == set(CHOICES)
    for name, (contents, preferred, other) in EXAMPLES.items():
        problem = Request(name, contents)
        assert FAMILY.solve(problem) == (preferred, other)
        pair = FAMILY.pair(problem, Random(0))
        assert (pair.chosen, pair.rejected) == (preferred, other)


def test_conversations_have_both_forms_equally_often() -> None:
    preferred, count = 0, 2000
    for record in conversations(["style"], count, seed=0):
        key = record.metadata["key"]
        assert isinstance(key, int)
        preferred += record.messages[-1].content == FAMILY.solve(FAMILY.generate(key).problem)[0]
    assert abs(preferred / count - 0.5) < 0.05


def test_conversations_have_both_forms_of_each_choice_equally_often() -> None:
    preferred: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for record in conversations(["style"], 9000, seed=1):
        key = record.metadata["key"]
        assert isinstance(key, int)
        problem = FAMILY.generate(key).problem
        count[problem.choice] += 1
        preferred[problem.choice] += record.messages[-1].content == FAMILY.solve(problem)[0]
    assert set(count) == set(CHOICES)
    assert all(abs(preferred[name] / count[name] - 0.5) < 0.05 for name in CHOICES)


def test_a_request_does_not_reveal_a_form() -> None:
    for key in range(1000):
        request = FAMILY.generate(key).messages[0].content
        assert not set(SIGNS) & set(request.replace("。", "").replace("\n", "")) - {"、"}


@given(st.integers(0, 10_000), st.data())
def test_both_answers_are_accepted_and_differ_in_one_rule(key: int, data: st.DataObject) -> None:
    problem = FAMILY.generate(key).problem
    pair = FAMILY.pair(problem, Random(0))
    assert pair.kind == "rule"
    assert len(pair.chosen) == len(pair.rejected)
    assert pair.chosen != pair.rejected
    for answer in (pair.chosen, pair.rejected):
        assert FAMILY.check(problem, answer)
        assert FAMILY.check_format(problem, answer)
        position = data.draw(st.integers(0, len(answer)))
        longer = f"{answer[:position]}{data.draw(st.sampled_from(SIGNS))}{answer[position:]}"
        assert not FAMILY.check_format(problem, longer)
    mixed = [f"{pair.chosen[:position]}{pair.rejected[position:]}" for position in range(1, len(pair.chosen))]
    assert all(FAMILY.check_format(problem, text) == (text in (pair.chosen, pair.rejected)) for text in mixed)
