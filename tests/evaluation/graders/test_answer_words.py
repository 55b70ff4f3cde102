import pytest

from tanuki_jax.evaluation.graders.answer_words import LABEL, REFUSAL, REMARK, sentences


def test_a_text_is_split_into_its_sentences() -> None:
    text = "答えは3.5です。いや、4です!\nThe answer is 4. So x = 4\n\n終わり"
    assert list(sentences(text)) == ["答えは3.5です。", "いや、4です!", "The answer is 4。", "So x = 4", "終わり"]


@pytest.mark.parametrize(
    "text", ["答えは3", "答え: 3", "答え 3", "解答は3", "最終的な答えは、3", "【答え】3", "The answer is 3", "#### 3"]
)
def test_labels_introduce_an_answer(text: str) -> None:
    (label,) = LABEL.finditer(text)
    assert text[label.end() :] == "3"


@pytest.mark.parametrize("text", ["答えを3つ求めます", "問題の答えに3を足す", "分解は3", "理解が3", "お答えできません"])
def test_other_uses_of_the_words_are_no_labels(text: str) -> None:
    assert LABEL.search(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "お答えできません。",
        "わかりません。",
        "計算することができません。",
        "回答を控えさせていただきます。",
        "I cannot answer.",
    ],
)
def test_refusals_are_found(text: str) -> None:
    assert REFUSAL.search(text)


def test_another_answer_is_no_remark() -> None:
    assert REMARK.search("また、白玉が出る確率は5/8です。")
    assert not REMARK.search("または、5/8です。")
