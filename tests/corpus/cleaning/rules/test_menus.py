import pytest

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.menus import Menus


@pytest.mark.parametrize(
    "line",
    [
        "ホーム | 会社概要 | 採用情報",
        "家電 > 掃除機 > ロボット掃除機",
        "HOME　会社案内　アクセス　お問い合わせ",
        "前へ / 次へ / 一覧",
    ],
)
def test_short_labels_with_separators_go(line: str) -> None:
    draft = Draft("a", f"{line}\n猫がいる。\n")
    assert Menus().apply(draft) == ""
    assert draft.text == "猫がいる。\n"


@pytest.mark.parametrize(
    "line",
    [
        "猫 と 犬 と 鳥 が いる。",
        "ホーム | 会社概要",
        "The cat sat on the mat and slept",
        "長い説明の付いた一つ目の項目です | 長い説明の付いた二つ目の項目です | 長い説明の付いた三つ目の項目です",
    ],
)
def test_sentences_stay(line: str) -> None:
    draft = Draft("a", f"{line}\n")
    assert Menus().apply(draft) == ""
    assert draft.text == f"{line}\n"
