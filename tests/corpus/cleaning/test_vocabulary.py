from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.vocabulary import BUILT_IN, Matcher, has_too_many, load_vocabulary


def words(matcher: Matcher, text: str) -> list[str]:
    return [text[match.start : match.stop] for match in matcher.find(text)]


def test_a_file_of_ones_own_has_one_entry_a_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# a comment\n猫\n\n 犬 \n猫\n", encoding="utf-8")
    assert load_vocabulary(str(path)) == ("猫", "犬")


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff\xfe"])
def test_a_file_without_entries_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="vocabulary"):
        load_vocabulary(str(path))


def test_an_unknown_name_offers_the_known_ones() -> None:
    with pytest.raises(InputError, match="adult_ja"):
        load_vocabulary("no such vocabulary")


def test_every_vocabulary_of_the_package_can_be_read() -> None:
    names = sorted(path.stem for path in BUILT_IN.glob("*.txt"))
    assert len(names) == 10
    for name in names:
        entries = load_vocabulary(name)
        assert len(entries) > 20
        # Written by hand, a word of one character is a slip, such as a space inside an entry.
        assert [entry for entry in entries if len(entry) < 2 and entry not in "→⇒≫»件円©〒"] == []


def test_the_longest_word_wins_and_words_do_not_overlap() -> None:
    assert words(Matcher(("送料", "送料無料", "無料")), "送料無料と送料") == ["送料無料", "送料"]


def test_katakana_and_latin_words_are_whole_words() -> None:
    matcher = Matcher(("エロ", "anal", "3P", "人妻"))
    assert words(matcher, "ピエロとエロス、analysis と canal、3PO と 13P") == []
    assert words(matcher, "エロとANALと3P、人妻たち") == ["エロ", "ANAL", "3P", "人妻"]


def test_places_are_right_beside_letters_whose_case_changes_their_length() -> None:
    text = "İİ\ud800 ABC"
    assert words(Matcher(("abc",)), text) == ["ABC"]


def test_many_grows_with_the_length() -> None:
    short = "送料無料、在庫あり、代金引換。"
    assert has_too_many(Draft("", short), ("advertisement_ja",), 2, 4)
    assert not has_too_many(Draft("", short), ("advertisement_ja",), 3, 4)
    assert not has_too_many(Draft("", short + "あ" * 1000), ("advertisement_ja",), 2, 4)
