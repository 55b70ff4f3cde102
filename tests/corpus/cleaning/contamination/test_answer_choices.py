import pytest

from tanuki_jax.corpus.cleaning.contamination.answer_choices import behind_choices, plain_choices

CHOICES = plain_choices(["東京", "大阪", "New York", "12", "はい。行きます。", "東京タワー"])


@pytest.mark.parametrize(
    "choices",
    [
        "東京\n大阪\nNew York\n",
        "A. 東京\nB. 大阪\nC. new york\n",
        "\n(1) 東京　(2) 大阪　(3) １２\n",
        "ア 東京タワー、イ 大阪、ウ 東京。",
        "選択肢：\n① はい。行きます。\n② 東京\n\n答え：②\n正解：東京\n",
        "12\n",
    ],
)
@pytest.mark.parametrize("rest", ["", "次の朝、東京へ行った。\n", "大阪城は広い。"])
def test_lines_and_sentences_of_choices_are_passed(choices: str, rest: str) -> None:
    text = f"首都はどこですか。{choices}{rest}"
    assert text[behind_choices(text, 9, CHOICES) :] == rest


@pytest.mark.parametrize("text", ["東京都は広い。\n東京\n", "1. 犬\n2. 東京\n", "\n\n", "", "A.\nB.\n"])
def test_other_lines_are_not_passed(text: str) -> None:
    assert behind_choices(text, 0, CHOICES) == 0
    assert behind_choices("東京\n", 0, plain_choices([])) == 0
