import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.evaluation.graders.final_answer import Final, after_thinking


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("35/36です。", Final("35/36です。", False)),
        ("<think>\n36通り。\n</think>\n\n35/36です。", Final("35/36です。", False)),
        ("<thinking>36通り。</thinking>35/36", Final("35/36", False)),
        ("<THINK>36通り。</THINK> 35/36", Final("35/36", False)),
        ("36通りだから…\n</think>\n35/36", Final("35/36", False)),
        ("<think></think>\n35/36", Final("35/36", False)),
        ("<think>一回目</think>\n<think>二回目</think>\n35/36", Final("35/36", False)),
        ("<think>36通り。答えは35/36", Final("", True)),
        ("<think>一回目</think>\n1/36\n<think>もう一度", Final("", True)),
        ("\n <think>", Final("", True)),
        ("タグ <think> で囲みます。", Final("タグ <think> で囲みます。", False)),
        ("", Final("", False)),
    ],
)
def test_the_answer_is_the_text_after_the_thinking(text: str, final: Final) -> None:
    assert after_thinking(text) == final


@given(st.text(alphabet="あ35/。\n", max_size=20), st.text(alphabet="あ35/。\n", max_size=20))
def test_thinking_does_not_change_the_answer(thinking: str, answer: str) -> None:
    assert after_thinking(f"<think>{thinking}</think>{answer}") == Final(answer.strip(), False)
    assert after_thinking(f"<think>{thinking}") == Final("", True)
