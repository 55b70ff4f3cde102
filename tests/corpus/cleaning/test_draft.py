from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.rules.judge import Judge
from tanuki_jax.corpus.cleaning.rules.perplexity import Perplexity
from tanuki_jax.corpus.cleaning.rules.quality import Quality
from tanuki_jax.corpus.cleaning.rules.rule_table import RULES


def test_random_numbers_depend_on_text_and_rule_alone() -> None:
    first, again = Draft("a", "text", seed=seed_of("text")), Draft("b", "changed", seed=seed_of("text"))
    assert first.random("noise").random() == again.random("noise").random()
    assert first.random("noise").random() != first.random("other").random()
    other = Draft("a", "text", seed=seed_of("texts"))
    assert first.random("noise").random() != other.random("noise").random()
    assert first.random("noise", "line").random() == other.random("noise", "line").random()


def test_a_lone_surrogate_has_a_seed() -> None:
    assert seed_of("\ud800") != seed_of("\ud801")


def test_the_limit_that_is_broken_or_nearest_is_noted() -> None:
    draft = Draft("a", "")
    assert draft.within("words", 100, least=10, most=110)
    assert draft.nearest is not None
    assert draft.nearest[:3] == ("words", 100, 110)
    assert draft.within("share", 0.5, most=0.9)  # farther from its limit, as a share of it
    assert draft.nearest[:3] == ("words", 100, 110)
    assert not draft.within("digits", 0.1, least=0.2)
    assert draft.nearest[:3] == ("digits", 0.1, 0.2)
    assert draft.nearest.distance == 0.5
    assert draft.within("free", 3)
    assert draft.within("none", 3, least=0)
    assert draft.nearest[0] == "digits"


def test_every_rule_with_a_limit_notes_what_it_measures() -> None:
    text = "山の朝は早く、旅人が静かな町を歩いていた。駅の前には古い店がならんでいる。\n" * 3
    measured = {}
    for name, kind in RULES.items():
        if kind in (Judge, Perplexity, Quality):  # these need a model
            continue
        draft = Draft("a", text)
        kind().apply(draft)
        measured[name] = draft.nearest is not None
    assert {name for name, noted in measured.items() if noted} == {
        *("adult", "advertisement", "board", "japanese_share", "kana_share", "language", "length"),
        *("repetition", "statistics", "symbol_noun"),
    }
