"""The command `arena` and its actions."""

import pytest

from tanuki_jax.arena import main
from tanuki_jax.base.errors import InputError


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(InputError, match="'rats' is none of rate, export; the nearest is rate"):
        main(["rats"])


@pytest.mark.parametrize("action", ["rate", "export"])
def test_an_action_gets_the_other_words(action: str) -> None:
    with pytest.raises(InputError, match="--output must be given"):
        main([action])


def test_an_arena_needs_a_config() -> None:
    with pytest.raises(InputError, match="--config"):
        main([])
