"""The chain of an item with worked examples, or any other replies."""

from random import Random

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Item, Reply
from tanuki_jax.corpus.synthesis.rehearse_item import rehearse_item
from tests.corpus.synthesis.echo import Echo


def test_worked_examples_are_the_replies() -> None:
    found = rehearse_item(Echo(steps=2), Item("k"), 0)
    assert [each.replies for each in found.exchanges] == [("短い文章です。",)] * 2
    assert "短い文章です。" in str(found.exchanges[1].messages[0]["content"])
    assert found.made is not None and found.made.written == "短い文章です。"


def test_other_replies_may_be_given_or_be_missing() -> None:
    found = rehearse_item(Echo(steps=2), Item("k"), 0, lambda ask, step: Reply((f"答え{step}",)))
    assert found.made is not None and found.made.written == "答え1"
    cut = rehearse_item(Echo(steps=2), Item("k"), 0, lambda ask, step: None if step else Reply(("一",)))
    assert (cut.made, cut.dropped, len(cut.exchanges)) == (None, "there is no answer", 2)


def test_the_reason_of_a_drop_is_kept() -> None:
    assert rehearse_item(Echo(drops=1.0), Item("k"), 0).dropped == "dropped by chance"


def test_a_chain_that_never_ends_is_refused() -> None:
    class Endless(Echo):
        """A recipe that asks for ever."""

        def chain(self, item: Item, random: Random) -> Chain:
            """Return requests without end."""
            while True:
                yield Ask(self.template, {"text": "文"})

    with pytest.raises(InputError, match="Endless has not ended after 100 requests"):
        rehearse_item(Endless(), Item("k"), 0)


def test_choices_depend_on_key_and_seed_alone() -> None:
    def prompt(key: str, seed: int) -> str:
        return str(rehearse_item(Echo(), Item(key), seed).exchanges[0].messages)

    assert prompt("a", 0) == prompt("a", 0)
    assert len({prompt("a", 0), prompt("b", 0), prompt("a", 1)}) == 3
