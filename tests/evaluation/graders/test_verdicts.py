import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.evaluation.graders.verdicts import Pairwise, correctness, pairwise_verdict, rating

WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
TALK = st.text(alphabet="あいう、。\nxyz 0123456789", max_size=30)
"""Text around a verdict that is none itself."""


@pytest.mark.parametrize(
    ("judgment", "value"),
    [
        ("[[10]]", 10),
        ("[[ 8.5 ]]", 8.5),
        ("[[７]]", 7),
        ("［［８］］", 8),
        ("評価：[[5]]", 5),
        ("[[rating: 8]]", 8),
        ("[[3]] でしたが [[9]]", 9),
        ("[[0]]", None),
        ("[[11]]", None),
        ("", None),
        ("評価：8", None),
        ("[[8]] … [[11]]", None),
        ("[[-5]]", None),
        ("[[10.5]]", None),
        ("[[1]]", 1),
        ("[[rating]]の形式で [[6]]", 6),
        ("**[[7]]**", 7),
        ("[[**7**]]", 7),
        ("\\[\\[6\\]\\]", 6),
        ("[[8/10]]", 8),
        ("[[4/5]]", None),
        ("[7]", None),
        ("[[八]]", None),
        ("[[評価：９]]", 9),
        ("［［１０］］", 10),
        ("[[5.0]]", 5),
        ("[[0.9]]", None),
        ("[[]]", None),
        ("[[100]]", None),
        ("[[8]", None),
        ("評価は[[7]]です。", 7),
        ("Rating: [[9]]", 9),
        ("**評価：[[4]]**\n", 4),
        ("[[ ８ ]]", 8),
        ("［[6]］", 6),
        ("[ [6] ]", 6),
        ("[[10 ]]", 10),
        ("[[ 010 ]]", 10),
        ("[[3.25]]", 3.25),
        ("[[ten]]", None),
        ("評価：［［９．５］］", 9.5),
        ("スコアは [[0]] から [[10]] のうち [[2]]", 2),
        ("コード a[[1]] は…評価：[[5]]", 5),
        ("[[5]] → 修正後 [[six]]", 5),
        ("[[1.0]]", 1),
        ("[[0.99]]", None),
        ("[[10.01]]", None),
        ("[[8]]/[[10]]", 10),
        ("[[5〜6]]", None),
        ("[[-1]]", None),
        ("[[Score: 7]]", 7),
        ("[[評価：７点]]", 7),
        ("最終評価 \\[[7\\]]", 7),
        ("[[7]", None),
        ("7]]", None),
    ],
)
def test_the_last_rating_is_read(judgment: str, value: float | None) -> None:
    assert rating(judgment) == value


@given(st.integers(0, 130).map(lambda tenths: tenths / 10), TALK, TALK)
def test_a_rating_is_read_in_any_text_and_width(value: float, before: str, behind: str) -> None:
    expected = value if 1 <= value <= 10 else None
    for form in (f"[[{value}]]", f"[[ {value} ]]", f"評価：[[{value}]]", f"[[rating: {value}]]"):
        assert rating(before + form + behind) == expected
        assert rating(before + form.translate(WIDE) + behind) == expected
        assert rating(f"[[5]]{before}{form}") == expected


@given(TALK)
def test_text_without_brackets_has_no_rating_or_verdict(text: str) -> None:
    assert rating(text) is None
    assert pairwise_verdict(text) is None


@pytest.mark.parametrize(
    ("judgment", "verdict"),
    [
        ("[[A]]", "A>B"),
        ("[[B]]", "B>A"),
        ("[[C]]", "A=B"),
        ("[[A>>B]]", "A>>B"),
        ("[[A>B]]", "A>B"),
        ("[[A=B]]", "A=B"),
        ("[[B>A]]", "B>A"),
        ("[[B>>A]]", "B>>A"),
        ("［［Ａ＞＞Ｂ］］", "A>>B"),
        ("[[Ａ]]", "A>B"),
        ("[[A]] then [[B]]", "B>A"),
        ("[[D]]", None),
        ("A is better", None),
        ("[A]", None),
        ("[[A>B>C]]", None),
        ("", None),
        ("[[tie]]", None),
        ("[[A≫B]]", "A>>B"),
        ("[[A]] [[D]]", None),
        ("My final verdict is tie: [[A=B]]", "A=B"),
        ("[[ A > B ]]", "A>B"),
        ("［［Ｃ］］", "A=B"),
        ("[[A<B]]", None),
        ("[[A]] 参照 [[1]]", "A>B"),
        ("最終判定は [[A]] です。", "A>B"),
        ("［［Ｂ］］", "B>A"),
        ("[[Ａ＝Ｂ]]", "A=B"),
        ("[[A＞B]]", "A>B"),
        ("My final verdict: [[b>>a]]", "B>>A"),
        ("Options: [[A>>B]], [[A>B]], [[A=B]], [[B>A]], [[B>>A]]. Final: [[A>B]]", "A>B"),
        ("[[A>>>B]]", None),
        ("[[AB]]", None),
        ("[[A]] or [[B]]", "B>A"),
        ("[A>B]", None),
        ("A>>B", None),
        ("[[A>>B]]\n[[1]]", "A>>B"),
        ("[[C]]\n", "A=B"),
        ("Ａの方が良いです", None),
        ("[[A >> B]]", "A>>B"),
        ("[[Assistant A]]", None),
        ("[[B=A]]", "A=B"),
        ("[[A>A]]", None),
    ],
)
def test_the_last_pairwise_verdict_is_read(judgment: str, verdict: Pairwise | None) -> None:
    assert pairwise_verdict(judgment) == verdict


SIGNS = {"A": "A>B", "B": "B>A", "C": "A=B", **{sign: sign for sign in ("A>>B", "A>B", "A=B", "B>A", "B>>A")}}


@given(st.sampled_from(sorted(SIGNS)), st.sampled_from(sorted(SIGNS)), TALK, TALK)
def test_a_pairwise_verdict_is_read_in_any_text_and_width(first: str, last: str, before: str, behind: str) -> None:
    for form in (f"[[{last}]]", f"[[ {last} ]]", f"**[[{last}]]**"):
        assert pairwise_verdict(f"[[{first}]]{before}{form}{behind}") == SIGNS[last]
        assert pairwise_verdict(before + form.translate(WIDE) + behind) == SIGNS[last]


@pytest.mark.parametrize(
    ("judgment", "right"),
    [
        ("CORRECT", True),
        ("INCORRECT", False),
        ("正解", True),
        ("不正解", False),
        ("正しい", True),
        ("正しくない", False),
        ("誤り", False),
        ("判定：正解です。", True),
        ("この回答は不正解です。", False),
        ("The answer is CORRECT.", True),
        ("The answer is INCORRECT.", False),
        ("Correct", True),
        ("Incorrect", False),
        ("CORRECT or INCORRECT?\n\nINCORRECT", False),
        ("INCORRECT と CORRECT のどちらかです", None),
        ("", None),
        ("わかりません", None),
        ("正解は35/36です。回答は34/36なので、不正解です。", False),
        ("正解は35/36であり、回答と一致します。\n正解", True),
        ("計算の途中に誤りがありますが、最終的な答えは合っています。\n判定: CORRECT", True),
        ("The correct answer is 5, but the response says 6.\nINCORRECT", False),
        ("not correct", False),
        ("The answer isn't correct.", False),
        ("この答えは正しくありません。", False),
        ("正解ではありません。", False),
        ("間違っています。", False),
        ("CORRECT\n\nActually, no.\n\nINCORRECT", False),
        ("ＣＯＲＲＥＣＴ", True),
        ("[[INCORRECT]]", False),
        ("[[CORRECT]]", True),
        ("正しい答えは5です。", None),
        ("INCORRECTNESS", None),
        ("不正解ではありません。", None),
        ("回答は正しいです。", True),
        ("判定: 正解", True),
        ("判定: 不正解", False),
        ("判定：誤り", False),
        ("正しい。", True),
        ("正しくない。", False),
        ("この解答は正しい", True),
        ("解答は正しいと言えます。", True),
        ("解答は正しいとは言えません。", False),
        ("[[正解]]", True),
        ("[[不正解]]", False),
        ("**CORRECT**", True),
        ("**INCORRECT**", False),
        ("Verdict: CORRECT.", True),
        ("The response is not CORRECT.", False),
        ("GRADE: INCORRECT", False),
        ("CORRECTという語とINCORRECTという語があります。", None),
        ("途中で誤りがあったが、最終的には正しい。\n\n正解", True),
        ("解答は正解と一致しています。\nCORRECT", True),
        ("解答は正解と異なります。\nINCORRECT", False),
        ("参照解答は35/36。モデルの解答は35/36。一致。\n\n【判定】正解", True),
        ("参照解答は35/36。モデルの解答は34/36。不一致。\n\n【判定】不正解", False),
        ("正解！", True),
        ("ほぼ正解ですが、単位が違うため不正解です。", None),
        ("CORRECT\nINCORRECT\nCORRECT", True),
        ("最初は INCORRECT と思いましたが、CORRECT です。\n最終判定: CORRECT", True),
        ("ＩＮＣＯＲＲＥＣＴ", False),
        ("誤りはありません。正解です。", True),
        ("間違いはなく、正しい。", True),
        ("Not incorrect.", None),
        ("判断できません。", None),
        ("不正解とは言えないので、正解。", True),
        ("I would grade this as correct.", True),
        ("Correct answer: 5. Student answer: 6.", None),
        ("correctly computed. CORRECT", True),
    ],
)
def test_right_and_wrong_are_told_apart(judgment: str, right: bool | None) -> None:
    assert correctness(judgment) is right


@given(st.sampled_from(["CORRECT", "正解", "正しい"]), st.sampled_from(["INCORRECT", "不正解", "誤り"]), TALK)
def test_the_last_line_that_is_a_verdict_counts(right: str, wrong: str, between: str) -> None:
    assert correctness(f"{right}\n{between}\n{wrong}") is False
    assert correctness(f"{wrong}\n{between}\n{right}") is True
    assert correctness(f"{right.translate(WIDE)}\n{between}") is True
