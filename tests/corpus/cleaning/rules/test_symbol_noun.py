from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.symbol_noun import SymbolNoun


def test_lines_of_nouns_and_symbols_go() -> None:
    draft = Draft("a", "東京、大阪、名古屋、札幌、福岡\n猫が机の上で静かに寝ている。\n東京、大阪\n")
    assert SymbolNoun().apply(draft) == ""
    assert draft.text == "猫が机の上で静かに寝ている。\n東京、大阪\n"


def test_a_document_of_nouns_is_dropped() -> None:
    text = "東京と大阪\n会社概要\n採用情報\n交通案内\n"
    assert SymbolNoun().apply(Draft("a", text)) == "too many nouns"
    assert SymbolNoun(nouns=0.95).apply(Draft("a", text)) == ""
    assert SymbolNoun().apply(Draft("a", "東京、大阪、名古屋、札幌、福岡\n")) == "nothing left"
