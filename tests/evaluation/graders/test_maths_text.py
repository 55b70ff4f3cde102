import pytest

from tanuki_jax.evaluation.graders.maths_text import plain_maths


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"$\frac{35}{36}$", "35/36"),
        (r"\(\dfrac{35}{36}\)", "35/36"),
        (r"\frac12", "1/2"),
        (r"\frac{\sqrt{3}}{2}", "√3/2"),
        (r"\frac{36-1}{36}", "(36-1)/36"),
        (r"$1\frac{1}{12}$", "1と1/12"),
        ("1½", "1と1/2"),
        ("³⁵⁄₃₆", "35/36"),
        (r"\boxed{\frac{35}{36}}", "⟦35/36⟧"),
        (r"<answer>35/36</answer>", "⟦35/36⟧"),
        (r"$36\pi\,\mathrm{cm}^2$", "36π cm^2"),
        ("31.5cm²", "31.5cm^2"),
        (r"\begin{align} x &= -4 \\ y &= 2 \end{align}", "\nx = -4 \ny = 2 \n"),
        (r"35\%", "35%"),
        ("３５／３６", "35/36"),
        ("−７℃", "-7°C"),
        ("三十六分の三十五", "36分の35"),
        ("七十八点です", "78点です"),
        ("余りは二です", "余りは2です"),
        ("九割七分二厘", "9割7分2厘"),
        ("3千6百万円", "36000000円"),
        ("1.5億km", "150000000km"),
        ("十分な説明", "十分な説明"),
        ("一番大きい", "一番大きい"),
        ("**答え：** 5", "答え: 5"),
        ("### 答え\n- 5", "答え\n5"),
        ("1. 玉は8個\n2. 確率：3/8", "玉は8個\n確率:3/8"),
        ("ステップ2：確率", " 確率"),
        ("It is $70,000.", "It is 70,000ドル."),
        ("$12 + $3 = $15", "12ドル + 3ドル = 15ドル"),
        ("¥1,800", "1,800円"),
        ("9 * 2", "9 × 2"),
        ("6 x 6", "6 × 6"),
        ("3x", "3x"),
        ("三十五／三十六", "35/36"),
        ("(x, y) = (5, 2)", "x = 5, y = 2"),
        ("3ルート5", "3√5"),
    ],
)
def test_mathematics_gets_one_plain_form(text: str, plain: str) -> None:
    assert plain_maths(text) == plain


@pytest.mark.parametrize("text", [r"\frac{\frac{1}{2}}{3}", r"\frac{1}{", r"\boxed{", r"\sqrt{", "$", "**", "\\"])
def test_broken_latex_is_no_error(text: str) -> None:
    assert "\\" not in plain_maths(text)
