"""Arenas that cannot be, and names that stand for one model."""

from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.arena.arena_settings import Arena, Contestant, same_model
from tests.evaluation.arena.contestants import contestant

TWO = (contestant("a"), contestant("b"))


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"models": (contestant("a"),)}, "needs two models that can meet, and models names 1"),
        ({"models": ()}, "models names 0"),
        ({"models": (contestant("a"), contestant("a", "http://x/v1"))}, "models has 'a' twice"),
        ({"models": (contestant("a", "http://x/v1"), contestant("b", "http://x/v1"))}, "two names of one model never"),
        ({"models": (contestant("a "), contestant("b"))}, "models has the name 'a '"),
        ({"models": TWO, "anchor": "c"}, "anchor is 'c', and must be one of the models: a, b"),
        ({"models": TWO, "name": "a b"}, "name is 'a b'"),
        ({"models": contestant("a")}, "must be a tuple"),
    ],
)
def test_an_arena_that_cannot_be_is_an_error(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Arena(**{"name": "class", **values})


def test_one_address_may_serve_several_models() -> None:
    def served(model: str) -> Contestant:
        return Contestant(name=model, remote=RemoteModel(urls=("http://x/v1", f"http://{model}/v1"), model=model))

    assert not same_model(served("a"), served("b"))
    assert same_model(served("a"), served("a"))
    assert not same_model(*TWO)
