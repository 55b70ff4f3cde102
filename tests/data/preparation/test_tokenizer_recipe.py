"""Recipe of a trained tokenizer, and its changes."""

import dataclasses
from pathlib import Path

from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.preparation.inventory import take_inventory
from tanuki_jax.data.preparation.tokenizer_recipe import recipe_change, recipe_of, write_recipe


def test_another_recipe_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(name)
    source = Source(name="a", paths=(str(tmp_path / "a.txt"),))
    other = Source(name="b", paths=(str(tmp_path / "b.txt"),))
    mixture = Mixture(sources=(source,), stages=(Stage(weights={"a": 1}),))
    both = Mixture(sources=(source, other), stages=(Stage(weights={"a": 1, "b": 3}),))
    config = Tokenizer(path="t", pieces=100)

    def recipe(config: Tokenizer = config, mixture: Mixture = mixture) -> dict[str, object]:
        return dict(recipe_of(config, mixture, take_inventory(mixture)))

    def change(now: dict[str, object]) -> str:
        return recipe_change(tmp_path, now)  # type: ignore[arg-type]

    assert change(recipe()) == ""
    write_recipe(tmp_path, recipe())
    assert change(recipe()) == ""
    assert change(recipe(dataclasses.replace(config, pieces=200))) == "it was trained with pieces 100, not 200"
    assert change(recipe(mixture=both)) == "it was trained with share of the source a 1.0, not 0.25"
    exam = dataclasses.replace(other, held_out=True)
    assert change(recipe(mixture=dataclasses.replace(mixture, sources=(source, exam)))) == ""
    (tmp_path / "a.txt").write_text("longer")
    assert change(recipe()) == "it was trained with bytes of the source a 1, not 6"
    write_recipe(tmp_path, recipe() | {"source b": {}})
    assert change(recipe()) == "it was trained with the source b"
    tuned = Mixture(sources=(dataclasses.replace(source, name="chats"),), stages=(Stage(weights={"chats": 1}),))
    assert change(recipe(mixture=tuned)) == ""
