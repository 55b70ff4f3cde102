from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.quality.character_model import train_characters
from tanuki_jax.corpus.cleaning.rules.perplexity import Perplexity


def test_strange_and_easy_texts_are_dropped_and_scored(tmp_path: Path) -> None:
    path = tmp_path / "characters.npz"
    train_characters(["猫は机の上で静かに眠っていた。"] * 100).save(path)
    rule = Perplexity(model=str(path), least=2, most=8000)
    drafts = [Draft("a", text) for text in ("猫は机の上で静かに眠っていた。", "猫の机は静かな上で。", "qwertyuiop", "")]
    assert [rule.apply(draft) for draft in drafts] == ["perplexity too low", "", *["perplexity too high"] * 2]
    assert drafts[0].scores["perplexity"] < drafts[1].scores["perplexity"] < drafts[2].scores["perplexity"]
    assert drafts[3].scores == {}


def test_a_rule_without_model_is_refused() -> None:
    with pytest.raises(InputError, match=r"perplexity\.model"):
        Perplexity().apply(Draft("a", "猫。"))
