from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.similar_lines import SimilarLines


def test_a_catalogue_keeps_its_first_line() -> None:
    items = "".join(f"ワンピース花柄{colour}\n" for colour in "赤青白黒緑")
    draft = Draft("a", f"店の話。\n{items}終わり。\n")
    assert SimilarLines(differ=3).apply(draft) == ""
    assert draft.text == "店の話。\nワンピース花柄赤\n終わり。\n"


def test_short_runs_sentences_and_blank_lines_stay() -> None:
    for text in ("あいう\nあいう１\nあいう２\n", "猫がいる。\n" * 6, "\n\n\n\n\n\n"):
        draft = Draft("a", text)
        assert SimilarLines().apply(draft) == ""
        assert draft.text == text
