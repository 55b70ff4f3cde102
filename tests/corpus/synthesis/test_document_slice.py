from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.synthesis.document_slice import random_slice, sentence_spans
from tanuki_jax.corpus.synthesis.recipe import Dropped


def sentences(text: str) -> list[str]:
    return [text[start:stop] for start, stop in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("猫がいる。犬もいる！鳥は？", ["猫がいる。", "犬もいる！", "鳥は？"]),
        ("彼は「行く。待て。」と言った。去った。", ["彼は「行く。待て。」と言った。", "去った。"]),
        ("「行くよ！」\n「待って。」", ["「行くよ！」", "「待って。」"]),
        ("雨だ（予報は晴れ。）が、行く。", ["雨だ（予報は晴れ。）が、行く。"]),
        ("長さは３．５メートル．重い．", ["長さは３．５メートル．", "重い．"]),
        (
            "Mr. Smith left at 3.5 p.m. today. J. Doe stayed!",
            ["Mr. Smith left at 3.5 p.m.", "today.", "J. Doe stayed!"],
        ),
        ('He said "Go." Then he left.', ['He said "Go."', "Then he left."]),
        ("Yahoo!ニュースを見た。", ["Yahoo!ニュースを見た。"]),
        ("はじめに\n\n 猫がいる。\n", ["はじめに", "猫がいる。"]),
        ("見出し\n・猫\n・犬\n", ["見出し", "・猫", "・犬"]),
        (f"{'長い' * 15}行\n  ・猫\n 1. 犬。鳥\n", [f"{'長い' * 15}行", "・猫", "1. 犬。", "鳥"]),
        ("It was late and the cat was asleep\nunder the table. It woke.", None),
        ("猫は朝から晩まで机の上で寝ていて、なかなか\n起きない。腹が減ると鳴く。", None),
        (
            "次の三つを毎朝かならず準備しておいてください：\n水と砂糖を混ぜる。",
            ["次の三つを毎朝かならず準備しておいてください：", "水と砂糖を混ぜる。"],
        ),
        ("終わりの括弧「が閉じない。文。", ["終わりの括弧「が閉じない。", "文。"]),
        (" \n\u3000", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, wanted: list[str] | None) -> None:
    if wanted is None:  # a line that was broken within a sentence
        assert len(sentences(text)) == 2 and "\n" in sentences(text)[0]
    else:
        assert sentences(text) == wanted


@given(
    st.text(alphabet="あ漢aB 1。！？.「」（）\n：・", max_size=400),
    st.integers(0, 9),
    st.integers(1, 60),
    st.integers(0, 90),
)
def test_a_slice_is_a_part_of_the_text_and_keeps_its_length(text: str, seed: int, least: int, more: int) -> None:
    if not text.strip():
        with pytest.raises(Dropped, match="without text"):
            random_slice(text, Random(seed), least, least + more)
        return
    piece = random_slice(text, Random(seed), least, least + more)
    assert piece == random_slice(text, Random(seed), least, least + more)
    assert text[piece.start : piece.stop] == piece.text == piece.text.strip() != ""
    spans = sentence_spans(text)
    starts, stops = {start for start, _ in spans}, {stop for _, stop in spans}
    assert piece.start in starts
    if len(text.strip()) < least:
        assert piece.text == text.strip()
        return
    assert len(piece.text) <= least + more
    fitting = [1 for start in starts for stop in stops if least <= stop - start <= least + more]
    assert (piece.stop in stops and len(piece.text) >= least) or not fitting


def test_slices_differ_in_place_and_length() -> None:
    text = "".join(f"{number}番目の文が、ここにある。" for number in range(2_000))
    pieces = [random_slice(text, Random(seed)) for seed in range(60)]
    assert all(400 <= len(piece.text) <= 2_000 and piece.text.endswith("。") for piece in pieces)
    assert len({piece.start for piece in pieces}) > 50
    lengths = sorted(len(piece.text) for piece in pieces)
    assert lengths[0] < 700 and lengths[-1] > 1_700
    assert min(piece.start for piece in pieces) < len(text) / 8
    assert max(piece.stop for piece in pieces) > len(text) * 7 / 8


def test_a_text_without_sentences_is_cut_by_its_length() -> None:
    assert len(random_slice("猫" * 9_000, Random(1)).text) == 2_000
    assert random_slice("猫" * 399, Random(1)).text == "猫" * 399


def test_a_short_text_is_used_whole() -> None:
    piece = random_slice("  猫がいる。犬もいる。\n", Random(1))
    assert (piece.text, piece.start, piece.stop) == ("猫がいる。犬もいる。", 2, 12)


def test_a_megabyte_of_open_brackets_takes_no_time() -> None:
    for text in ("「" * 300_000, "（猫。" * 100_000, "a.」" * 100_000, "\n \n" * 100_000 + "x", "!" * 300_000):
        random_slice(text, Random(1))
