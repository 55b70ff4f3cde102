import pytest

from tanuki_jax.corpus.tasks.contents import Content
from tanuki_jax.corpus.tasks.layouts import Layout, full_width

TOWNS = (Content("町", "札幌"), Content("町", "大阪"))
NUMBERS = (Content("数", "25"), Content("数", "90"))


@pytest.mark.parametrize(
    ("layout", "contents", "text"),
    [
        (Layout("・{item}"), TOWNS, "・札幌\n・大阪"),
        (Layout("{number}. {item}"), TOWNS, "1. 札幌\n2. 大阪"),
        (Layout("{full}．{item}"), TOWNS, "１．札幌\n２．大阪"),
        (Layout("{item}", "、", after="。"), TOWNS, "札幌、大阪。"),
        (Layout('"{label}": "{item}"', ", ", before="{", after="}"), TOWNS[:1], '{"町": "札幌"}'),
        (Layout("{item}", "、", digits="full-width"), NUMBERS, "２５、９０"),
        (Layout("{item}", "、", digits="half-width"), NUMBERS, "25、90"),
    ],
)
def test_contents_are_written_in_the_layout(layout: Layout, contents: tuple[Content, ...], text: str) -> None:
    assert layout.write(contents) == text
    assert layout.matches(contents, text)


def test_any_words_match_but_no_other_signs_or_numbers_of_items() -> None:
    layout = Layout("・{item}")
    assert layout.matches(TOWNS, "・りんご\n・コーヒー")
    for wrong in (
        "",
        "・札幌",
        "・札幌\n・大阪\n・那覇",
        "・札幌\n・大阪\n",
        "- 札幌\n- 大阪",
        "・札幌 大阪",
        "・\n・大阪",
        "・札幌、\n・大阪",
    ):
        assert not layout.matches(TOWNS, wrong)


def test_digits_of_the_other_width_do_not_match() -> None:
    assert not Layout("{item}", "、", digits="full-width").matches(NUMBERS, "25、90")
    assert not Layout("{item}", "、", digits="half-width").matches(NUMBERS, "２５、９０")
    assert not Layout("{full}．{item}").matches(TOWNS, "1．札幌\n2．大阪")


def test_text_before_and_after_is_part_of_the_form() -> None:
    layout = Layout("{item}", "/")
    assert layout.matches(TOWNS, "答え: 札幌/大阪\nおわり", "答え: ", "\nおわり")
    assert not layout.matches(TOWNS, "札幌/大阪\nおわり", "答え: ", "\nおわり")
    assert not layout.matches(TOWNS, "答え: 札幌/大阪", "答え: ", "\nおわり")


def test_only_digits_change_their_width() -> None:
    assert full_width("25、札幌 a1") == "２５、札幌 a１"
