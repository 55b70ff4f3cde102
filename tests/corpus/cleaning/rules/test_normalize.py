import pytest

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.normalize import Normalize


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("猫\u200bが\ufeffい\u00adる\x00\x1b。\n", "猫がいる。\n"),
        ("一\r\n二\r三\u2028四\x85五\n", "一\n二\n三\n四\n五\n"),
        ("猫。  \n\n\n\n犬。\n", "猫。\n\n犬。\n"),
        ("猫。\n猫。\n猫。\n犬。\n猫。\n", "猫。\n犬。\n猫。\n"),
        ("猫。\n犬。\n\n猫。\n犬。\n\n鳥。\n", "猫。\n犬。\n\n鳥。\n"),
        ("\n\n猫。", "猫。"),
        (
            "半分\ud83d 絵文字👨\u200d👩\u200d👧 異体字葛\U000e0100\n",
            "半分 絵文字👨\u200d👩\u200d👧 異体字葛\U000e0100\n",
        ),
    ],
)
def test_what_shows_nothing_or_repeats_goes(before: str, after: str) -> None:
    draft = Draft("a", before)
    assert Normalize().apply(draft) == ""
    assert draft.text == after
    assert Normalize().apply(draft) == ""
    assert draft.text == after


def test_a_text_of_nothing_is_dropped() -> None:
    assert Normalize().apply(Draft("a", " \u200b\n\x00\n")) == "nothing left"
