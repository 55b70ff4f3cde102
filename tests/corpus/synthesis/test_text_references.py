import pytest

from tanuki_jax.corpus.synthesis.text_references import refers_to_text


@pytest.mark.parametrize(
    "text",
    [
        "本文によると、柿は何個ですか。",
        "この文章で述べられている村はどこですか。",
        "上記の村では何を作りますか。",
        "筆者は何を主張していますか。",
        "文中の「白い粉」とは何ですか。",
        "次の文章を読んで、村の名前を答えてください。",
        "与えられた情報から、出荷量を計算してください。",
        "文章によると、作り手は何歳ですか。",
        "資料に基づいて答えてください。",
        "この記事は何についてのものですか。",
        "このパラグラフで言及された人物は誰ですか。",
        "与えられた段落から、村の名前を抜き出してください。",
        "参考文章にある村は、どこですか。",
        "テキストから年号を抽出してください。",
        "これらの段落を踏まえて、理由を説明してください。",
        "以下から正しいものを選んでください。",
        "What does the passage say about mold?",
        "According to the text, how many were shipped?",
        "What is described in this article?",
        "Which village is mentioned above?",
        "What is the main point of the passage?",
        "In THE TEXT, who is Ms. Morishita?",
        "From the information above, or the above, what follows?",
        "Based on the provided context, when does it begin?",
    ],
)
def test_questions_that_need_a_text_are_found(text: str) -> None:
    assert refers_to_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "青葉村では、干し柿づくりはいつ始まりますか。",
        "日本の文化の中で、柿はどのような意味を持ちますか。",
        "次の日に何が起きましたか。",
        "江戸時代に書かれた文書は、どこに保存されていますか。",
        "作家が文章を書くときに使った道具は何ですか。",
        "新聞記事の見出しは、ふつう何字ですか。",
        "指示された内容を守ることを何と言いますか。",
        "映画のあらすじを三つの文章でまとめてください。",
        "気温が40度以上になるのはなぜですか。",
        "情報とは何ですか。",
        "When does the village of Aoba begin to dry persimmons?",
        "Which article of the constitution renounces war?",
        "How far from the source of the river is the lake?",
        "Who wrote the Declaration of Independence, and where is the document kept?",
        "What is the temperature above the lake?",
    ],
)
def test_questions_that_stand_alone_are_not(text: str) -> None:
    assert not refers_to_text(text)
