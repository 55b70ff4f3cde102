import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.character_classes import Class, classes, codepoints, count_classes


def class_of(character: str) -> Class:
    return Class(int(classes(codepoints(character))[0]))


def test_classes_of_examples() -> None:
    examples = {
        "あ": Class.HIRAGANA, "ア": Class.KATAKANA, "ー": Class.KATAKANA, "ｱ": Class.KATAKANA, "漢": Class.KANJI,
        "々": Class.KANJI, "𠮟": Class.KANJI, "a": Class.LATIN, "Ａ": Class.LATIN, "é": Class.LATIN, "1": Class.DIGIT,
        "１": Class.DIGIT, "я": Class.LETTER, "한": Class.LETTER, "。": Class.SENTENCE_END, "、": Class.COMMA,
        "「": Class.BRACKET, "{": Class.CODE, "…": Class.ELLIPSIS, "★": Class.SYMBOL, "😀": Class.SYMBOL,
        "\ud800": Class.SYMBOL, "\n": Class.SPACE, "　": Class.SPACE,
    }  # fmt: skip
    assert {character: class_of(character) for character in examples} == examples


@given(st.text(st.characters(codec="utf-8")))
def test_scripts_agree_with_the_names_of_characters(text: str) -> None:
    counts = count_classes(text)
    assert counts.sum() == len(text)
    assert counts[Class.SPACE] == sum(map(str.isspace, text))
    names = [unicodedata.name(character, "") for character in text if character.isalpha()]
    assert counts[Class.HIRAGANA] >= sum(name.startswith("HIRAGANA LETTER") for name in names if "SMALL KO" not in name)
    assert counts[Class.LATIN] == sum("LATIN" in name for name, c in zip(names, filter(str.isalpha, text), strict=True)
                                      if ord(c) < 0x10000)  # fmt: skip
