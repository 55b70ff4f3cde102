import pytest

from tanuki_jax.corpus.synthesis.filters.proper_names import common_words, fold_names, is_grounded, names_in


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("エジソンとトーマスは渋谷で会った。", ["エジソン", "トーマス", "渋谷"]),
        ("スマートフォンのアプリでブログを読み、モチベーションが上がる。", []),
        ("ワクワク、ドキドキ、キラキラする。", []),
        ("サステナビリティとキルケゴールのワークショップ。", ["キルケゴール"]),
        ("Google の製品と macOS を、AIとPCで使う。", ["Google", "macOS", "AI", "PC"]),
        ("However, Mary went to Lisbon with NASA.", ["Mary", "Lisbon", "NASA"]),
        ("Scientists agree. Water is wet.", []),
        ("Karl said so. Peter's hat is red.", ["Karl", "Peter"]),
        ("The Long Way To The Sea", []),
        ("# About Lisbon", []),
        ("", []),
    ],
)
def test_names_are_told_from_common_words(text: str, names: list[str]) -> None:
    assert list(names_in(text)) == names


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("ﾍﾞｰﾄｰｳﾞｪﾝ", "ベートーヴェン"), ("ＮＡＳＡ", "NASA"), ("ヴェルレーヌ", "ベルレーヌ"), ("渡邊", "渡辺"),
        ("さくら", "サクラ"),
        ("アメリカ", "米国"), ("トーキョー", "トウキョウ"), ("コンピューター", "コンピュータ"),
        ("ジャン・ヴァルジャン", "バルジャン"),
        ("google", "Google"), ("何もない", "AI"), ("国際連合", "国連"),
    ],
)  # fmt: skip
def test_a_name_is_found_in_another_spelling(source: str, name: str) -> None:
    assert is_grounded(name, fold_names(source))


@pytest.mark.parametrize(
    ("source", "name"), [("渡部", "渡辺"), ("ロシア", "米国"), ("ランボー", "ランブル"), ("", "NASA")]
)
def test_another_name_is_not_found(source: str, name: str) -> None:
    assert not is_grounded(name, fold_names(source))


def test_common_words_are_folded() -> None:
    assert {fold_names("コンピューター"), fold_names("Monday"), "ai"} <= common_words()
    assert "monday" in common_words() and "エジソン" not in common_words()
