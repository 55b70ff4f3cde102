"""Names in Japanese are drawn without warnings, and a missing font is noticed."""

import warnings

import pytest
from matplotlib.font_manager import fontManager

from tanuki_jax.base.plots import JAPANESE_FONTS, new_figure, png, style
from tanuki_jax.evaluation.report.picture_names import font_advice, lack_font


def test_no_warning_is_given_for_a_character_without_a_font() -> None:
    with warnings.catch_warnings(record=True) as caught, style():
        figure = new_figure(1, 1)
        figure.text(0.5, 0.5, "\U0010ffff")  # no font has it
        png(figure)
    assert [each for each in caught if "Glyph" in str(each.message)] == []


def test_a_font_is_lacking_only_for_japanese_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fontManager, "get_font_names", lambda: ["DejaVu Sans"])
    assert lack_font(["GPT-4o", "Team たぬき"])
    assert not lack_font(["GPT-4o"])
    monkeypatch.setattr(fontManager, "get_font_names", lambda: ["DejaVu Sans", JAPANESE_FONTS[2]])
    assert not lack_font(["Team たぬき"])


def test_the_advice_names_a_font_and_the_list_of_fonts() -> None:
    assert JAPANESE_FONTS[1] in font_advice() and "matplotlib" in font_advice()
