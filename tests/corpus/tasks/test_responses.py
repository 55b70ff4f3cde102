from decimal import Decimal
from fractions import Fraction

import pytest

from tanuki_jax.corpus.tasks.responses import (
    Root,
    final_name,
    final_number,
    final_quantities,
    final_statement,
    with_hours,
)


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


@pytest.mark.parametrize(
    ("response", "quantities"),
    [
        ("答えは35/36です。", [Fraction(35, 36)]),
        ("答えは36分の35です。", [Fraction(35, 36)]),
        (r"答えは$\frac{35}{36}$です。", [Fraction(35, 36)]),
        (r"答えは\(\dfrac{35}{36}\)です。", [Fraction(35, 36)]),
        ("答えは３５／３６です。", [Fraction(35, 36)]),
        ("答えは½です。", [Fraction(1, 2)]),
        ("答えは1と3分の2です。", [Fraction(5, 3)]),
        ("答えは1と2/3です。", [Fraction(5, 3)]),
        ("答えは3½です。", [Fraction(7, 2)]),
        ("答えは3と2です。", [3, 2]),
        ("答えは35/36（約97.2%）です。", [Fraction(35, 36)]),
        ("答えは12個（りんご5個とみかん7個）です。", [12, 5, 7]),
        ("1/36ではない。\n**答え：**\n\n35/36", [Fraction(35, 36)]),
        ("答えは-1,250.5円です。", [Fraction(-2501, 2)]),
        ("答えは72.5%です。", [Fraction(29, 40)]),
        ("答えは12 cm^2です。", [12]),
        (r"答えは12\,\text{cm}^3です。", [12]),
        ("答えは5 m²です。", [5]),
        ("答えは3√5です。", [Root(Fraction(3), 5)]),
        (r"答えは3\sqrt{5}です。", [Root(Fraction(3), 5)]),
        (r"答えは\frac{3\sqrt{5}}{2}です。", [Root(Fraction(3, 2), 5)]),
        ("答えは√3/2です。", [Root(Fraction(1, 2), 3)]),
        ("答えはπ/2です。", [Root(Fraction(1, 2), 0)]),
        (r"答えは\frac{16\pi}{3}です。", [Root(Fraction(16, 3), 0)]),
        ("答えは16π/3です。", [Root(Fraction(16, 3), 0)]),
        ("答えはx=2、x=-5です。", [2, -5]),
        ("12-5=7", [7]),
        ("10 - 3", [3]),
        ("答えは35/0です。", [35, 0]),
        ("わかりません。", []),
        ("答えはわかりません。12です。", []),
    ],
)
def test_final_quantities_read_fractions_roots_and_pi(response: str, quantities: list[Fraction | Root]) -> None:
    assert list(final_quantities(response)) == quantities


def test_the_final_statement_is_the_last_one_or_all() -> None:
    assert final_statement("答えは3です。いや、答えは「きつね」です。") == "「きつね」です"
    assert final_statement(" きつね ") == "きつね"
