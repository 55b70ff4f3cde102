"""The command `arena` and its list of actions."""

import pytest

from tanuki_jax.arena import main
from tanuki_jax.base.errors import InputError


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_actions_are_listed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(words)
    out = capsys.readouterr().out
    assert out.startswith("usage: python -m tanuki_jax.arena {rate} ...\n\n  rate  ")
    assert "Rate models from files of blind votes" in out


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(InputError, match="there is no action 'rats'; choose one of rate"):
        main(["rats"])


def test_an_action_gets_the_other_words() -> None:
    with pytest.raises(InputError, match="VOTES, --output must be given"):
        main(["rate"])
