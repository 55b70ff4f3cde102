import pytest

from tanuki_jax.evaluation.graders.claims import claims_of
from tanuki_jax.evaluation.graders.maths_text import plain_maths


def claimed(sentence: str) -> list[list[str]]:
    return [[amount.written for amount in claim.amounts] for claim in claims_of(plain_maths(sentence))]


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("確率は35/36です。", [["35/36"]]),
        ("36通りのうち35通りなので、確率は35/36です。", [["35/36"]]),
        ("36 - 1 = 35通りです。", [["35"]]),
        ("1 - 1/36 = 35/36", [["35/36"]]),
        ("1 - 1/36", []),
        ("1 - 1/36 =", []),
        ("3x = -12", []),
        ("-x = -4", []),
        ("x = -4", [["-4"]]),
        ("0.75x = 19.5 より x = 26 となります。", [["26"]]),
        ("(x - 3)(x + 2) = 0", []),
        ("x = 3 または x = -2 です。", [["3", "-2"]]),
        ("答えはx=3とx=-2の2つです。", [["3", "-2"]]),
        ("1800円か2300円のどちらかです。", [["1800", "2300"]]),
        ("1/36ではなく35/36です。", [["35/36"]]),
        ("35/36ではないでしょうか。", [["35/36"]]),
        ("3以上になる確率を考えます。", []),
        ("両辺から7を引きます。", []),
        ("(1, 1)の場合です。", []),
        ("割引額は600円で、割引後は1800円です。", [["600"], ["1800"]]),
        ("りんご5個とみかん7個で合計12個です。", [["12"]]),
        ("(5)", [["5"]]),
        ("x≠-4です。", []),
        ("残りの65%はかけていません。", []),
        ("7人に配れて1個余る", [["7"], ["1"]]),
    ],
)
def test_a_sentence_claims_its_last_amounts(sentence: str, values: list[list[str]]) -> None:
    assert claimed(sentence) == values


def test_what_says_the_same_stands_beside_a_claim() -> None:
    (claim,) = claims_of("確率は35/36(約97.2%)です。")
    assert ([each.written for each in claim.amounts], [each.written for each in claim.beside]) == (["35/36"], ["97.2"])
    (claim,) = claims_of("S = 63/2 = 31.5")
    assert [each.written for each in claim.beside] == ["63/2"]


def test_an_alternative_in_brackets_is_claimed_too() -> None:
    (claim,) = claims_of("3/8(または3/5)です。")
    assert claim.either
    assert {each.written for each in claim.amounts} == {"3/8", "3/5"}


@pytest.mark.parametrize(
    ("sentence", "subject"),
    [
        ("3以上になる確率は35/36です。", "3以上になる確率は"),
        ("余事象を使うと、3以上になる確率は、35/36です。", "3以上になる確率は"),
        ("自信はありませんが、35/36です。", ""),
        ("確率は1 - 1/36 = 35/36です。", "確率は"),
        ("24km ÷ 5時間 = 4.8km", ""),
    ],
)
def test_the_subject_stands_before_the_claim(sentence: str, subject: str) -> None:
    assert claims_of(sentence)[-1].subject == subject


def test_an_amount_before_a_noun_is_weak() -> None:
    assert claims_of("18ドルの収入です。")[0].weak
    assert not claims_of("18ドルです。")[0].weak
