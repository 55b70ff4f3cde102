import math
from collections import Counter
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.character_model import (
    ALPHABET,
    DISCOUNT,
    ORDER,
    CharacterModel,
    load_characters,
    train_characters,
)

TEXTS = ["猫は机の上で静かに眠っていた。" * 30, "犬は庭で猫を待っていた。" * 40, "鳥は空を見ていた。" * 30]


def chance(character: str, context: str) -> float:
    """Return a probability by the formula of absolute discounting, from counts in dictionaries."""
    below = 1 / ALPHABET if context == "" else chance(character, context[1:])
    length = len(context)
    grams = Counter(text[start : start + length + 1] for text in TEXTS for start in range(len(text) - length))
    following = {gram: count for gram, count in grams.items() if gram[:-1] == context}
    total = sum(following.values())
    if total == 0:
        return below
    seen = max(following.get(context + character, 0) - DISCOUNT, 0)
    return (seen + DISCOUNT * len(following) * below) / total


@pytest.fixture(scope="module")
def model() -> CharacterModel:
    return train_characters(TEXTS)


@pytest.mark.parametrize("text", ["猫は空を待っていた。", "見知らぬ猫", "猫", "xyz"])
def test_perplexity_is_that_of_the_formula(model: CharacterModel, text: str) -> None:
    logs = [math.log(chance(text[i], text[max(i - ORDER + 1, 0) : i])) for i in range(len(text))]
    assert model.perplexity(text) == pytest.approx(math.exp(-sum(logs) / len(text)), rel=1e-5)


def test_white_space_does_not_count(model: CharacterModel) -> None:
    assert model.perplexity("猫 は\n机") == model.perplexity("猫は机")
    assert model.perplexity(" \n") == math.inf


def test_a_pruned_model_is_smaller_and_finite(tmp_path: Path, model: CharacterModel) -> None:
    pruned = train_characters([*TEXTS, "一度だけの文である。"], least=2)
    assert 1 < pruned.perplexity("一度だけの文である。") < math.inf
    model.save(tmp_path / "all.npz")
    assert load_characters(str(tmp_path / "all.npz")).perplexity("猫は犬") == model.perplexity("猫は犬")


def test_too_little_text_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1000"):
        train_characters(["猫"] * 5000)
    (tmp_path / "other.npz").write_bytes(b"other")
    with pytest.raises(InputError, match=r"other\.npz"):
        load_characters(str(tmp_path / "other.npz"))
