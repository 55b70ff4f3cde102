import re

from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.rules.noise import SHORT_LINE, Noise


def after(text: str, rule: Noise) -> str:
    draft = Draft("a", text, seed=seed_of(text))
    rule.apply(draft)
    return draft.text


def test_the_sentence_with_the_word_goes_and_the_rest_stays() -> None:
    text = "猫がいる。詳しくは続きを読むを押す。犬もいる。\nカテゴリー一覧\n\n鳥。\n"
    assert after(text, Noise(probability=1)) == "猫がいる。犬もいる。\n\n鳥。\n"


def test_nine_in_ten_sentences_go() -> None:
    text = "".join(f"{number}番の記事を読む。\n" for number in range(2000)) + "猫。\n"
    left = re.findall("番の", after(text, Noise()))
    assert 150 < len(left) < 250
    assert after(text, Noise()) == after(text, Noise())


def test_a_line_is_cut_in_the_same_way_in_every_document() -> None:
    line = "".join(f"{number}番の記事を読む。" for number in range(40))
    found = {after(f"{number}匹の猫がいる。\n{line}\n", Noise()).split("\n")[1] for number in range(50)}
    assert len(found) == 1
    assert 0 < len(found.pop()) < len(line)


def test_a_short_line_stays_in_a_tenth_of_the_documents() -> None:
    assert Repeats().shortest_line == SHORT_LINE
    left = [after(f"{number}匹の猫がいる。\nカテゴリー一覧\n", Noise()) for number in range(1_000)]
    assert 60 < sum("カテゴリー一覧" in text for text in left) < 140


def test_a_text_of_noise_is_dropped() -> None:
    assert Noise(probability=1).apply(Draft("a", "続きを読む\n")) == "nothing left"
    assert Noise().apply(Draft("a", "猫がいる。\n")) == ""
