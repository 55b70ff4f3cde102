import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.written_language import WrittenLanguage
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Language

JAPANESE = "図書館では、静かに本を読む人のために、窓の近くに広い机が置かれている。"
ENGLISH = "The library has a wide desk near the window for people who want to read in peace, and it is open to all."
OTHER, PART = "another language", "another language in part"


@pytest.mark.parametrize(
    ("language", "written", "expected"),
    [
        ("ja", JAPANESE, ""),
        ("ja", ENGLISH, OTHER),
        ("ja", f"{JAPANESE}Windows や iPhone などの product name も出てくる。", ""),
        ("ja", f"{JAPANESE}这个问题应该怎么办呢。", PART),
        ("ja", f"{JAPANESE}그래서 도서관에 갔다.", PART),
        ("ja", f"{JAPANESE}Поэтому мы пошли.", PART),
        ("ja", "图书馆里有一张很大的桌子，人们可以安静地读书。", OTHER),
        ("ja", f"{JAPANESE}\n```python\nfor book in library.books_that_are_open_to_all():\n    read(book)\n```\n", ""),
        ("ja", "", OTHER),
        ("en", ENGLISH, ""),
        ("en", JAPANESE, OTHER),
        ("en", f"{ENGLISH} {JAPANESE[:12]}", PART),
        ("en", "Die Bibliothek hat einen Tisch für die Leute, die in Ruhe lesen wollen, und der Raum ist groß.", OTHER),
        ("en", "A short line.", ""),
    ],
)
def test_only_the_wanted_language_is_kept(language: Language, written: str, expected: str) -> None:
    assert WrittenLanguage(language=language).reason(Made(Document("a", written), written)) == expected


def test_the_foreign_share_that_is_kept_can_be_set() -> None:
    written = f"{JAPANESE}그래서"
    assert WrittenLanguage(most_foreign=0.2).reason(Made(Document("a", written), written)) == ""
    with pytest.raises(InputError, match="language is 'fr'"):
        WrittenLanguage(language="fr")  # type: ignore[arg-type]
