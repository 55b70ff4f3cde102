"""Arenas as options of the command line."""

from tanuki_jax.evaluation.arena.arena_settings import Arena
from tanuki_jax.evaluation.arena.named_arenas import ARENAS, arena
from tests.evaluation.arena.contestants import contestant


def test_every_arena_is_the_one_of_its_tree() -> None:
    for name in arena.names():
        config = arena.find(name)
        assert ARENAS.config(ARENAS.tree(config)) == config


def test_models_with_odd_names_have_options_too() -> None:
    models = tuple(contestant(name, f"http://{number}/v1") for number, name in enumerate(["狸 8B", "狸-8B", "8B", "a"]))
    config = Arena(name="odd", models=models)
    tree = ARENAS.tree(config)
    assert [*vars(tree.models)] == ["狸_8B", "model_1", "model_2", "a"]
    assert ARENAS.config(tree) == config
