import time

from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.morphology import morphemes


def test_morphemes_are_those_of_the_dictionary() -> None:
    import fugashi
    import ipadic

    text = "すもももももももものうち。私はzxqwvと2019年に東京へ行った。"
    tagger = fugashi.GenericTagger(ipadic.MECAB_ARGS)
    theirs = [(word.surface, word.feature[0], word.feature[1].replace("*", "")) for word in tagger(text)]
    assert [(one.surface, one.part_of_speech, one.detail) for one in morphemes(text)] == theirs
    assert {one.surface: one.base for one in morphemes(text)} | {"行っ": "行く", "zxqwv": "*"} == {
        one.surface: one.base for one in morphemes(text)
    }


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("あ漢カa1 　。！\t\0\ud800\U0001f600"), max_size=1500))
def test_no_character_but_white_space_is_lost(text: str) -> None:
    surfaces = "".join(one.surface for one in morphemes(text))
    blank = str.maketrans("", "", " \t\0　")
    assert surfaces.translate(blank) == text.translate(blank).replace("\ud800", "\ufffd")


def test_long_lines_take_a_time_that_grows_with_their_length() -> None:
    line = "ア" * 100_000
    start = time.thread_time()
    assert sum(len(one.surface) for one in morphemes(line)) == len(line)
    assert time.thread_time() - start < 4  # 0.3 s in pieces, 10 s in one
