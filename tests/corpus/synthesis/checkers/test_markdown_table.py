import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.markdown_table import MarkdownTable

CHECKER = MarkdownTable(columns=("名前", "特徴"), rows=2)


@pytest.mark.parametrize(
    "answer",
    [
        '| 名前 | 特徴 |\n| --- | --- |\n| 海 | 広い |\n| 山 | 高い |',
        '|名前|特徴|\n|---|---|\n|海|広い|\n|山|高い|',
        '| 名前 | 特徴 |\n|:---|---:|\n| 海 | 広い |\n| 山 | 高い |\n',
        '\n\n| 名前 | 特徴 |\n| :---: | ----- |\n| 海 | 広い |\n| 山 | 高い |\n\n',
        '| 名前 | 特徴 |\n| --- | --- |\n| １ | ２ |\n| 1 | 2 |',
        '| 名前 | 特徴 |\n| --- | --- |\n| a\\|b | 広い |\n| 山 | 高い |',
        '| 名前 | 特徴 |\n| --- | --- |\n| `x` | 広い |\n| 山 | 高い |',
        '  | 名前 | 特徴 |\n  | --- | --- |\n  | 海 | 広い |\n  | 山 | 高い |',
        '| 名前 | 特徴 |  \n| --- | --- |\n| 海 | 広い |\n| 山 | 高い | ',
        '|  名前  |  特徴  |\n|------|------|\n|  海  |  広い  |\n|  山  |  高い  |',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '| 名前 | 特徴 |',
        '| 名前 | 特徴 |\n| --- | --- |\n| 海 | 広い |',
        '| 名前 | 特徴 |\n| --- | --- |\n| 海 | 広い |\n| 山 | 高い |\n| 川 | 長い |',
        '| 特徴 | 名前 |\n| --- | --- |\n| 広い | 海 |\n| 高い | 山 |',
        '| 名前 | 特徴 | 例 |\n| --- | --- | --- |\n| 海 | 広い | a |\n| 山 | 高い | b |',
        '| 名前 | 特徴 |\n| 海 | 広い |\n| 山 | 高い |',
        '```\n| 名前 | 特徴 |\n| --- | --- |\n| 海 | 広い |\n| 山 | 高い |\n```',
        '表です。\n| 名前 | 特徴 |\n| --- | --- |\n| 海 | 広い |\n| 山 | 高い |',
        '| 名前 | 特徴 |\n| --- | --- |\n| 海 | 広い |\n| 山 | 高い |\n以上です。',
        '| 名前 | 特徴 |\n| --- | --- |\n| 海 | |\n| 山 | 高い |',
        '| 名前 | 特徴 |\n| --- | --- |\n| 海 | 広い | 青い |\n| 山 | 高い |',
        '名前 | 特徴\n--- | ---\n海 | 広い\n山 | 高い',
        '| 名前 | 特徴 |\n| ーー | ーー |\n| 海 | 広い |\n| 山 | 高い |',
        '｜名前｜特徴｜\n｜---｜---｜\n｜海｜広い｜\n｜山｜高い｜',
        '| 名前 | 特徴 |\n| --- | --- |\n\n| 海 | 広い |\n| 山 | 高い |',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


def test_columns_must_be_names() -> None:
    for columns in (("名前",), ("a|b", "c"), ("a", " ")):
        with pytest.raises(InputError, match=r"two or more names without \|"):
            MarkdownTable(columns=columns, rows=2)
