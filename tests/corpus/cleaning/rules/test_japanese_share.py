from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.japanese_share import JapaneseShare


def test_letters_and_digits_of_others_count_against() -> None:
    assert JapaneseShare().apply(Draft("a", "猫が3匹、cats!!!!!")) == "too little Japanese"
    assert JapaneseShare().apply(Draft("a", "猫が三匹、cats!!!!!")) == ""
    assert JapaneseShare(least=0.2).apply(Draft("a", "猫が3匹、cats")) == ""
    assert JapaneseShare().apply(Draft("a", "Кошка сидит.")) == "too little Japanese"
    assert JapaneseShare().apply(Draft("a", "!!!")) == "too little Japanese"
