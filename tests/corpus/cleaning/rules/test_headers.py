from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.headers import Headers


def after(text: str) -> str:
    draft = Draft("a", text)
    assert Headers().apply(draft) == ""
    return draft.text


def test_titles_above_the_text_go() -> None:
    assert after("ねこの話 | 動物の部屋\nトップ > 動物\n\n猫がいる。\n【注】犬は\n") == "猫がいる。\n【注】犬は\n"


def test_text_stays() -> None:
    for text in ("【注】猫がいる。\n犬。\n", "ねこの話 | 動物の部屋", "猫がいる\n犬 | 鳥\n", "あ" * 30 + "|\n犬。\n"):
        assert after(text) == text
