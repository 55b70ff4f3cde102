import pytest

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.repetition import Repetition

PROSE = "".join(chr(0x4E00 + 37 * place % 5000) for place in range(2000))
"""Characters without repetition."""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PROSE, ""),
        (f"{PROSE}\n" + "会社概要はこちら\n" * 2, "repeated lines"),
        ("".join(f"{PROSE[start : start + 5]}\n" for start in range(0, 500, 5)) + PROSE[:5] + "\n", ""),
        (f"{PROSE[:400]}\n{PROSE[400:800]}\n{PROSE[:400]}\n", "repeated lines"),
        (f"{PROSE[:9]}\n{PROSE[9:18]}\n\n{PROSE[9:18]}\n{PROSE[:9]}\n\n", "repeated lines"),
        ("\n\n".join(f"{PROSE[5 * start : 5 * start + 5]}" for start in range(99)) + "\n\n＊\n\n＊\n\n＊", ""),
        (PROSE[:60] + "ー" * 40, "repeated characters"),
        (PROSE[:300] + "".join(f"{PROSE[300 + place]}送料無料" for place in range(99)), "one frequent phrase"),
        (PROSE[:1000] + PROSE[:300], "repeated phrases"),
        (PROSE[:1000] + PROSE[:100], ""),
        (PROSE[:300] + PROSE[:100], ""),
        ("", ""),
        ("猫", ""),
    ],
)  # fmt: skip
def test_reasons(text: str, reason: str) -> None:
    assert Repetition().apply(Draft("a", text)) == reason


def test_paragraphs_are_judged_beside_lines() -> None:
    text = "".join(f"{PROSE[9 * place : 9 * place + 9]}\n" for place in range(50))
    twice = f"{text}\n{text}\n{PROSE[500:]}"
    assert Repetition(lines=1, line_characters=1).apply(Draft("a", twice)) == "repeated paragraphs"


def test_thresholds_are_gophers() -> None:
    """The numbers of table A1 of Rae et al., 2021."""
    rule = Repetition()
    assert (rule.lines, rule.paragraphs, rule.line_characters, rule.paragraph_characters) == (0.3, 0.3, 0.2, 0.2)
    assert rule.top == (0.2, 0.18, 0.16)
    assert rule.repeated == (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)


def test_a_share_above_the_last_threshold_alone_is_found() -> None:
    """A share just above the last threshold and below the others is found at the longest n-gram."""
    text = PROSE[:1000] + PROSE[:125]
    assert Repetition().apply(Draft("a", text)) == "repeated phrases"
    assert Repetition(repeated=(0.15, 0.14, 0.13, 0.12)).apply(Draft("a", text)) == ""
