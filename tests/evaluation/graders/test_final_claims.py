import pytest

from tanuki_jax.evaluation.graders.asked import asked_for
from tanuki_jax.evaluation.graders.final_claims import final_claims, final_list
from tanuki_jax.evaluation.graders.maths_text import plain_maths

QUESTION = "サイコロを2つ振ったとき、目の合計が3以上になる確率を求めてください。"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("⟦35/36⟧ 確率は1/36です。", ["35/36"]),
        ("答えは35/36です。確率は1/36です。", ["35/36"]),
        ("答えは次の通りです。\n35/36", ["35/36"]),
        ("35/36です。2になる確率は1/36です。", ["35/36"]),
        ("よって、35/36です。2になるときは1/36しかありません。", ["35/36"]),
        ("よって1/36。1 - 1/36 = 35/36", ["35/36"]),
        ("確率は1/36です。確率は35/36です。", ["35/36"]),
        ("答えは1/36です。訂正します。答えは35/36です。", ["35/36"]),
        ("答えは1/36です。すみません。35/36です。", ["35/36"]),
        ("答えは35/36です。説明が長くなり、すみません。", ["35/36"]),
        ("答えは1/36です。すみません、間違えました。", []),
        ("答えは35/36です。答えは1/36です。", ["35/36", "1/36"]),
        ("足し算の答えは1/36です。答えは35/36です。", ["35/36"]),
        ("35/36です。または、1/36です。", ["35/36", "1/36"]),
        ("確率は35/36です。なお、2になる確率は1/36です。", ["35/36"]),
        ("確率は35/36です。36回のうち35回です。", ["35/36"]),
        ("わかりません。", []),
        ("35/36かどうかはわかりません。", []),
        ("わかりませんが、35/36だと思います。", ["35/36"]),
        ("確率は35/36です。したがって、答えは", []),
        ("答えは35/36です。答えは35/36です。答えは35/", ["35/36", "35/36"]),
        ("35/36と1/36のどちらが正しいかはわかりません。", []),
        ("", []),
    ],
)
def test_the_final_answer_is_found(text: str, values: list[str]) -> None:
    found = final_claims(plain_maths(text), asked_for(QUESTION))
    assert [amount.written for claim in found for amount in claim.amounts] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x = 3 または x = -2 です。", ["3", "-2"]),
        ("x = 5\ny = 2", ["5", "2"]),
        ("2x = 10\nx = 5\ny = 2", ["5", "2"]),
        ("⟦3⟧ または ⟦-2⟧", ["3", "-2"]),
        ("わかりません。", []),
    ],
)
def test_a_list_may_stand_in_several_lines(text: str, values: list[str]) -> None:
    assert [amount.written for amount in final_list(text, asked_for("方程式を解きなさい。"), 2)] == values
