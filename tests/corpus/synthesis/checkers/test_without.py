import pytest

from tanuki_jax.corpus.synthesis.checkers.without import Without

CHECKER = Without(forbidden="、")


@pytest.mark.parametrize(
    "answer",
    [
        '海は広い。',
        '海,山',
        '海，山',
        '\n海は広い。\n',
        'a',
        '１２',
        '海・山',
        '海。山。',
        '```海```',
        '海 山',
        'ABC',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '海、山',
        '、',
        '海は広い、',
        '、海',
        '海\n、\n山',
        '```\n海、山\n```',
        '「、」',
        '１、２',
        'a、b',
        '海は広い。でも、深い。',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    ("forbidden", "answer", "expected"),
    [
        ("e", "A frog sat.", True), ("e", "The frog.", False), ("e", "EGG", False), ("s", "Sun", False),
        ("the", "Then they sat.", True), ("the", "The frog.", False), ("the", "on THE hill", False),
        ("しかし", "だが、海は広い。", True), ("しかし", "しかし、海は広い。", False), ("です", "海ですか", False),
        ("ー", "海", True), ("ー", "コーヒー", False), ("the", "", False),
    ],
)  # fmt: skip
def test_letters_count_anywhere_and_latin_words_as_a_whole(forbidden: str, answer: str, expected: bool) -> None:
    assert Without(forbidden=forbidden).obeyed(answer) == expected
