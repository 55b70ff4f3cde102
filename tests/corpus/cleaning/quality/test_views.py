from collections import Counter

import numpy as np

from tanuki_jax.corpus.cleaning.quality.views import CHARACTERS, VIEWS, grams_of, normalized, profile_of

TEXT = "猫は机の上で、静かに寝ている。"


def counts_of(view: str, text: str) -> list[int]:
    return sorted(grams_of(VIEWS[view], *normalized(text)).counts.tolist())


def test_characters_are_counted_in_ngrams_of_one_to_four() -> None:
    text = "ABab 　\nab"
    folded = "abab ab"
    grams = Counter(folded[start : start + n] for n in range(1, 5) for start in range(len(folded) - n + 1))
    assert counts_of("characters", text) == sorted(grams.values())


def test_base_forms_do_not_depend_on_inflection() -> None:
    assert normalized("寝た")[1][0].base == normalized("寝ない")[1][0].base
    shared = set(grams_of(VIEWS["base_forms"], *normalized("猫が寝た")).buckets.tolist()) & set(
        grams_of(VIEWS["base_forms"], *normalized("猫が寝ない")).buckets.tolist()
    )
    assert len(shared) >= 5  # 猫, が, 寝る, 猫が, が寝る


def test_grammar_does_not_depend_on_the_words_of_content() -> None:
    cat, dog = (grams_of(VIEWS["grammar"], *normalized(text)) for text in (TEXT, TEXT.replace("猫", "犬")))
    assert np.array_equal(cat.buckets, dog.buckets)
    assert not np.array_equal(
        grams_of(VIEWS["grammar"], *normalized(TEXT)).buckets,
        grams_of(VIEWS["grammar"], *normalized(TEXT.replace("は", "が"))).buckets,
    )


def test_only_the_beginning_is_judged() -> None:
    long = "あ" * CHARACTERS
    assert normalized(long + "猫")[0] == long


def test_texts_of_nothing_have_finite_profiles() -> None:
    for text in ("", " \n", "\ud800", TEXT):
        assert np.isfinite(profile_of(*normalized(text))).all()
        assert all(counts_of(view, "") == [] for view in VIEWS)
