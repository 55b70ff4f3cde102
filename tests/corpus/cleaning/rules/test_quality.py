from pathlib import Path

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.quality.training import train
from tanuki_jax.corpus.cleaning.rules.quality import Quality


def test_the_score_is_kept_and_the_worst_are_dropped(tmp_path: Path) -> None:
    stories = [f"猫は{place}で静かに眠っていた。" for place in "庭森山川町村海空道家"]
    offers = [f"{goods}が送料無料!激安" for goods in "靴服鞄茶米酒肉魚本花"]
    path = tmp_path / "quality.npz"
    train(stories + offers, [True] * 10 + [False] * 10).save(path)
    story, offer = Draft("a", "猫は橋で静かに眠っていた。"), Draft("b", "傘が送料無料!激安")
    assert Quality(model=str(path)).apply(story) == ""
    assert Quality(model=str(path)).apply(offer) == "low quality"
    assert story.scores["quality"] > 0.5 > offer.scores["quality"]
    assert Quality(model=str(path), threshold=0).apply(offer) == ""


def test_a_rule_without_model_does_nothing() -> None:
    draft = Draft("a", "猫。")
    assert Quality().apply(draft) == ""
    assert draft.scores == {}
