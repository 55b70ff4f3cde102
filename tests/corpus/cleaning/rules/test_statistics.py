from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.statistics import ENGLISH, Statistics
from tanuki_jax.corpus.cleaning.text_statistics import Limit

PROSE = "猫は机の上に座って、窓の外の鳥を見ている。\n鳥は猫に気づいて、急いで飛んで行ってしまった。\n"


def test_prose_is_kept() -> None:
    assert Statistics().apply(Draft("a", PROSE)) == ""


def test_the_reason_names_the_statistic() -> None:
    assert Statistics().apply(Draft("a", "12 34 56 78 90円です。")) == "digit_share too high"
    limits = (Limit(statistic="mean_sentence", least=100),)
    assert Statistics(limits=limits).apply(Draft("a", PROSE)) == "mean_sentence too low"


def test_shares_of_lines_need_several_lines() -> None:
    line = "・猫と犬と鳥と魚の話です。\n"
    assert Statistics().apply(Draft("a", line * 4)) == ""
    assert Statistics().apply(Draft("a", line * 5)) == "short_lines too high"


def test_english_limits_keep_english_prose() -> None:
    text = "The cat sat on the mat and watched the birds that had come to the garden with their young. " * 5
    assert Statistics(limits=ENGLISH).apply(Draft("a", text)) == ""
    assert Statistics(limits=ENGLISH).apply(Draft("a", "Buy now! " * 40)) == "stop_words too low"
