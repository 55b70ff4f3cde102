import pytest

from tanuki_jax.corpus.synthesis.checkers.yaml_keys import YamlKeys

CHECKER = YamlKeys(keys=(("title", "string"), ("steps", "strings")))


@pytest.mark.parametrize(
    "answer",
    [
        'title: 海\nsteps:\n- 泳ぐ\n- 休む',
        'title: 海\nsteps:\n  - 泳ぐ\n  - 休む\n\n',
        'steps:\n- 泳ぐ\ntitle: 海',
        'title: "海"\nsteps: [泳ぐ, 休む]',
        '---\ntitle: 海\nsteps:\n- 泳ぐ',
        'title: "３"\nsteps:\n- "1"',
        'title: |\n  海は\n  広い\nsteps:\n- 泳ぐ',
        '# 例\ntitle: 海\nsteps:\n- 泳ぐ',
        'title: 海 # 注\nsteps:\n- 泳ぐ',
        '\n\ntitle: 海\nsteps:\n- 泳ぐ\n',
        "title: '海'\nsteps:\n- '泳ぐ'",
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        ' \n',
        '```yaml\ntitle: 海\nsteps:\n- 泳ぐ\n```',
        'title: 海\nsteps:\n- 泳ぐ\n以上です。',
        '結果は次の通りです。\ntitle: 海\nsteps:\n- 泳ぐ',
        '{"title": "海", "steps": ["泳ぐ"]}',
        'title: 3\nsteps:\n- 泳ぐ',
        'title: 海\ntitle: 山\nsteps:\n- 泳ぐ',
        'title: 海\nsteps: 泳ぐ',
        'title: 海\nsteps: []',
        'title: 海',
        'title: 海\nsteps:\n- 泳ぐ\nnote: なし',
        'title: &a 海\nsteps:\n- *a',
        'title: !!str 3\nsteps:\n- 泳ぐ',
        'title: 海\nsteps:\n- 泳ぐ\n---\ntitle: 海\nsteps:\n- 泳ぐ',
        '- title: 海\n- steps: 泳ぐ',
        'title：海\nsteps：\n- 泳ぐ',
        'title: 海\nsteps:\n- 1',
        'title:\nsteps:\n- 泳ぐ',
        'title: [海\nsteps: x',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


def test_a_fence_may_be_allowed() -> None:
    fenced = YamlKeys(keys=(("count", "integer"),), fence=True)
    assert fenced.obeyed("count: 3")
    assert fenced.obeyed("```yaml\ncount: 3\n```\n")
    assert fenced.obeyed("```yml\ncount: 3\n```")
    assert not fenced.obeyed("```json\ncount: 3\n```")
    assert not fenced.obeyed("```yaml\ncount: ３\n```")
    assert not fenced.obeyed("```yaml\ncount: 3\n```\n以上")


def test_hostile_answers_are_refused_quickly() -> None:
    checker = YamlKeys(keys=(("title", "string"),))
    assert not checker.obeyed("title: " + "[" * 9_000)
    assert not checker.obeyed("title: " + "海" * 10_000)
    assert not checker.obeyed("- " * 4_900)
    assert not checker.obeyed("title: {" * 1_200)
    assert not checker.obeyed("".join(" " * depth + "title:\n" for depth in range(130)))
    assert not checker.obeyed("title: !!python/object/apply:os.system ['true']")
    assert not checker.obeyed("? [a]\n: b\ntitle: 海")
    assert not checker.obeyed("title: 海\x00")
    assert not YamlKeys(keys=(("year", "integer"),)).obeyed("year: 2024-01-01")
    assert not YamlKeys(keys=(("finished", "boolean"),)).obeyed("finished: 1")
    assert not YamlKeys(keys=(("score", "number"),)).obeyed("score: .nan")
