import pytest

from tanuki_jax.evaluation.graders.float_answer import figures_equal, floats_equal, leaderboard_float, stated_float


@pytest.mark.parametrize(
    ("response", "answer", "equal"),
    [
        ("18", "18", True),
        ("１８", "18", True),
        ("18.0", "18", True),
        (" 18 ", "18", True),
        ("1.8e1", "18", True),
        ("-3", "-3", True),
        ("18ドル", "18", False),
        ("1,800", "1800", False),
        ("答えは18です", "18", False),
        ("", "18", False),
        ("nan", "nan", False),
        ("inf", "inf", False),
    ],
)
def test_figures_are_compared_as_the_leaderboard_does(response: str, answer: str, equal: bool) -> None:
    assert figures_equal(response, answer) is equal


@pytest.mark.parametrize(
    ("response", "number"),
    [
        ("3.4", 3.4),
        ("類似度は３．４です。", 3.4),
        ("-1.5", -1.5),
        ("−1.5", -1.5),
        ("1,234.5円", 1234.5),
        ("3か4", 3.0),
        ("A4", None),
        ("わかりません", None),
        ("", None),
    ],
)
def test_the_first_number_is_stated(response: str, number: float | None) -> None:
    assert stated_float(response) == number


@pytest.mark.parametrize(
    ("response", "tolerance", "equal"),
    [
        ("3.4", 0.0, True),
        ("3.40", 0.0, True),
        ("3.5", 0.0, False),
        ("3.5", 0.1, True),
        ("3.6", 0.1, False),
        ("", 9, False),
    ],
)
def test_floats_are_equal_within_a_tolerance(response: str, tolerance: float, equal: bool) -> None:
    assert floats_equal(response, "3.4", tolerance) is equal


@pytest.mark.parametrize(
    ("response", "number"),
    [("3.5点", 3.5), ("3か4", 34.0), ("-1", 1.0), ("わかりません", -2.0), ("1.2.3", -2.0), ("", -2.0), ("４．２", 4.2)],
)
def test_the_leaderboard_reads_digits_and_dots(response: str, number: float) -> None:
    """By `float(re.sub("[^0-9.]", "", text))`, and -2.0 where that fails."""
    assert leaderboard_float(response) == number
