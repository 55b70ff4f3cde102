from random import Random

from tanuki_jax.corpus.synthesis.themes import Theme, draw_persona, draw_theme


def theme(seed: int, unit_share: float = 0.5, persona_share: float = 0.5) -> Theme:
    return draw_theme(Random(seed), "ja", genres=2, unit_share=unit_share, persona_share=persona_share)


def test_a_theme_has_genres_or_a_unit() -> None:
    themes = [theme(seed) for seed in range(400)]
    assert all(bool(one.genres) != bool(one.unit) for one in themes)
    assert 150 < sum(bool(one.unit) for one in themes) < 250
    assert 150 < sum(bool(one.persona) for one in themes) < 250
    assert all(len(set(one.genres)) in (0, 2) for one in themes)


def test_shares_of_zero_and_one_are_exact() -> None:
    assert not any(theme(seed, unit_share=0, persona_share=0).unit for seed in range(200))
    assert all(theme(seed, unit_share=1, persona_share=1).persona for seed in range(200))


def test_the_unit_names_school_subject_and_unit() -> None:
    units = {theme(seed, unit_share=1).unit for seed in range(500)}
    assert all(unit.startswith(("小学校", "中学校", "高等学校")) and unit.endswith("」") for unit in units)
    assert len(units) > 200


def test_metadata_leaves_out_what_was_not_drawn() -> None:
    one = Theme(genres=("雪", "橋"), unit="", task="", persona="内気な大工")
    assert one.metadata == {"genres": ["雪", "橋"], "persona": "内気な大工"}
    assert set(one.values) == {"genres", "unit", "task", "persona"}


def test_another_share_changes_no_other_choice() -> None:
    assert [theme(seed, persona_share=0).task for seed in range(20)] == [theme(seed).task for seed in range(20)]


def test_a_persona_is_a_character_and_a_job() -> None:
    assert draw_persona(Random(1), "en").count(", ") == 1
    assert len({draw_persona(Random(seed), "ja") for seed in range(100)}) > 90
