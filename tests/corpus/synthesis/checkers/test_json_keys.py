import pytest

from tanuki_jax.corpus.synthesis.checkers.json_keys import JsonKeys

CHECKER = JsonKeys(keys=(("title", "string"), ("count", "integer")))


@pytest.mark.parametrize(
    "answer",
    [
        '{"title": "海", "count": 3}',
        '{"count": 3, "title": "海"}',
        '\n{"title": "海", "count": 3}\n\n',
        '{\n  "title": "海",\n  "count": 3\n}',
        '{"title": "３つ", "count": -3}',
        '{"title":"a","count":0}',
        '{"title": "\\u6d77", "count": 12345678901234567890}',
        '{"title": "```", "count": 1}',
        '\t{"title": "海", "count": 3} ',
        '{"title": "改行\\nあり", "count": 3}',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '   \n',
        '```json\n{"title": "海", "count": 3}\n```',
        '{"title": "海", "count": 3}\n以上です。',
        '結果：{"title": "海", "count": 3}',
        '{"title": "海", "count": "3"}',
        '{"title": "海", "count": ３}',
        '{"title": "海"}',
        '{"title": "海", "count": 3, "note": ""}',
        '{"title": "海", "title": "山", "count": 3}',
        '{"title": "海", "count": NaN}',
        '{"title": "海", "count": 3.0}',
        '{"title": "海", "count": true}',
        '{"title": "", "count": 3}',
        '[{"title": "海", "count": 3}]',
        "{'title': '海', 'count': 3}",
        '{"title": "海", "count": 3,}',
        '{"title": null, "count": 3}',
        '{"title": "海", "count": 3}{}',
        '"title"',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


FENCED = JsonKeys(keys=(("title", "string"),), fence=True)


@pytest.mark.parametrize(
    "answer",
    [
        '{"title": "海"}',
        '```json\n{"title": "海"}\n```',
        '```\n{"title": "海"}\n```\n',
        '```JSON\n{"title": "a"}```',
    ],
)
def test_a_fence_may_be_allowed(answer: str) -> None:
    assert FENCED.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '答え：\n```json\n{"title": "海"}\n```',
        '```json\n{"title": "海"}\n```\n以上です。',
        '```json\n{"title": "海"}',
        '```yaml\n{"title": "海"}\n```',
        '```json\n{"title": "海"}\n```\n```json\n{"title": "海"}\n```',
    ],
)
def test_nothing_may_stand_outside_the_fence(answer: str) -> None:
    assert not FENCED.obeyed(answer)


def test_hostile_answers_are_refused_quickly() -> None:
    number = JsonKeys(keys=(("price", "number"),))
    assert number.obeyed('{"price": 1.5e3}')
    assert not number.obeyed('{"price": 1e999}')
    assert not number.obeyed('{"price": -Infinity}')
    assert not number.obeyed('{"price": ' + "9" * 5_000 + "}")
    assert not number.obeyed('{"price": ' + "[" * 90_000)
    assert not number.obeyed('{"price": 1}' + " " * 100_000 + "x")
