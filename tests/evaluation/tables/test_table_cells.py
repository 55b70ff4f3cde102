"""Cells: numbers, numbers with remarks, ranges, missing ones, and what is none of these."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.evaluation.tables.table_cells import model_key, read_cell


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.57", 0.57),
        ("2.00E-05", 2e-5),
        ("-3", -3.0),
        ("+.5", 0.5),
        ("１１７８", 1178.0),
        ("5.3 (継続学習モデルRakuten AIのスコア)", 5.3),
        ("5.3（継続学習）", 5.3),
        ("4.9-5.0 (提出版は4.6)", 4.95),
        ("1 ~ 2", 1.5),
    ],
)
def test_a_stated_number_is_read(text: str, number: float) -> None:
    cell = read_cell(text, "number")
    assert cell.number == pytest.approx(number)
    assert cell.text == text


@pytest.mark.parametrize("text", ["", "-", "(報告無し)", "（報告無し）", "(>2000との噂)"])
def test_a_remark_alone_states_no_number(text: str) -> None:
    cell = read_cell(text, "number")
    assert cell.number is None
    assert cell.text == text


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "12a", "1_000", "57%", "about 5", "3 4", "1,178", "5.0-4.9"])
def test_a_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is "):
        read_cell(text, "number")


def test_a_flag_is_0_or_1_or_missing() -> None:
    assert [read_cell(text, "flag").number for text in ("0", "1", "１", "-")] == [0, 1, 1, None]
    for text in ("2", "0.5", "1 (a remark)"):
        with pytest.raises(ValueError, match="is not 0 or 1"):
            read_cell(text, "flag")


def test_a_column_of_text_has_no_numbers() -> None:
    assert read_cell("12", "text").number is None


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(alphabet="あ a1().", max_size=8))
def test_a_remark_behind_a_number_changes_nothing(number: float, remark: str) -> None:
    assert read_cell(f"{number!r} ({remark})", "number").number == pytest.approx(number)


def test_models_are_the_same_whatever_case_and_organization() -> None:
    assert model_key("cyberagent/Calm3-22b Chat") == model_key("calm3_22B-chat")
    assert model_key("Llama-3-Swallow") != model_key("Llama-3.1-Swallow")
