from tanuki_jax.corpus.cleaning.draft import Draft, seed_of


def test_random_numbers_depend_on_text_and_rule_alone() -> None:
    first, again = Draft("a", "text", seed=seed_of("text")), Draft("b", "changed", seed=seed_of("text"))
    assert first.random("noise").random() == again.random("noise").random()
    assert first.random("noise").random() != first.random("other").random()
    other = Draft("a", "text", seed=seed_of("texts"))
    assert first.random("noise").random() != other.random("noise").random()
    assert first.random("noise", "line").random() == other.random("noise", "line").random()


def test_a_lone_surrogate_has_a_seed() -> None:
    assert seed_of("\ud800") != seed_of("\ud801")
