from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.length import Length


def test_white_space_does_not_count() -> None:
    rule = Length(shortest=3, longest=5)
    assert rule.apply(Draft("a", "a \n\n b")) == "too short"
    assert rule.apply(Draft("a", "a b c")) == ""
    assert rule.apply(Draft("a", "abc def")) == "too long"
