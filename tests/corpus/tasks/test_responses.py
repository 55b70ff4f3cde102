from decimal import Decimal

import pytest

from tanuki_jax.corpus.tasks.responses import final_name, final_number, with_hours


@pytest.mark.parametrize(
    ("response", "number"),
    [
        ("答えは42です。", 42),
        ("４＋３＝７なので、答えは４２個です。", 42),
        ("答え：42", 42),
        ("3×14=42", 42),
        ("12から30を足して42個です", 42),
        ("答えは1,234円です。", 1234),
        ("答えは42.0です。", 42),
        ("答えは**42**です。", 42),
        ("答えは-3です。", -3),
        ("答えは−3です。", -3),
        ("10-3", 3),
        ("答えは41です。いや、答えは42です。", 42),
        ("答えは42です。10に32を足しました。", 42),
        ("答えは41か42です。", None),
        ("答えはわかりません。10と32です。", None),
        ("わかりません。", None),
        ("", None),
    ],
)
def test_final_number_returns_the_stated_or_the_last_number(response: str, number: int | None) -> None:
    assert final_number(response) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("response", "name"),
    [
        ("答えは東京です。", "東京"),
        ("東京は20度、大阪は18度なので、答えは東京です。", "東京"),
        ("東京のほうが高いです。", "東京"),
        ("東京は大阪より高いです。", None),
        ("答えは東京か大阪です。", None),
        ("答えは京都です。", None),
        ("", None),
    ],
)
def test_final_name_returns_the_stated_or_the_only_name(response: str, name: str | None) -> None:
    assert final_name(response, ("東京", "大阪")) == name


def test_times_of_day_get_one_form() -> None:
    assert with_hours("午後６時と18:00と午前9時と午後 12時と7時") == "18時と18時と9時と12時と7時"
