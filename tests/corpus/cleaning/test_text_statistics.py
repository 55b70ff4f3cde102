import math
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.text_statistics import (
    Limit,
    groups_of,
    limits_from,
    load_limits,
    save_limits,
    statistics_of,
)


def test_statistics_of_a_text_counted_by_hand() -> None:
    found = statistics_of("・猫がいる。\n\n123 abc\n犬は…\n")
    expected = {
        "hiragana_share": 4 / 15, "kanji_share": 2 / 15, "digit_share": 3 / 15, "latin_share": 3 / 15,
        "sentence_end_share": 1 / 15, "ellipsis_share": 1 / 15, "space_share": 1 / 15, "lines": 3, "mean_line": 16 / 3,
        "ended_lines": 2 / 3, "bullet_lines": 1 / 3, "ellipsis_lines": 1 / 3, "numbered_lines": 1 / 3,
        "short_lines": 1, "mean_sentence": (6 + 7 + 3) / 3, "longest_sentence": 7, "ended_share": 9 / 16, "words": 4,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_text_of_nothing_has_finite_statistics() -> None:
    assert all(map(math.isfinite, statistics_of("").values()))
    assert statistics_of("").keys() == statistics_of("猫。").keys()


def test_limits_are_quantiles_of_the_reference() -> None:
    texts = ["あ" * length + "。" for length in range(1, 201)]
    (limit,) = limits_from(texts, ["mean_sentence"], quantile=0.1)
    outside = [len(text) for text in texts if not limit.least <= len(text) <= limit.most]
    assert len(outside) == 40
    assert limits_from(texts, ["digit_share"], quantile=0.1) == (Limit(statistic="digit_share", most=0.0),)


def test_limits_come_back_from_their_file(tmp_path: Path) -> None:
    limits = (Limit(statistic="words", least=50), Limit(statistic="digit_share", most=0.2))
    save_limits(tmp_path / "limits.json", limits)
    assert load_limits(tmp_path / "limits.json") == limits


@pytest.mark.parametrize(
    "content", ["", "{", '[{"statistic": "wrods"}]', '[{"least": 1}]', "[1]", '[{"statistic": "words", "least": "1"}]']
)
def test_a_file_without_limits_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "limits.json").write_text(content)
    with pytest.raises(InputError, match=r"limits\.json"):
        load_limits(tmp_path / "limits.json")


def test_too_few_texts_and_unknown_statistics_are_refused() -> None:
    with pytest.raises(InputError, match="at least 100"):
        limits_from(["猫。"] * 99, ["words"], quantile=0.01)
    with pytest.raises(InputError, match="mean_word"):
        limits_from(["猫。"] * 100, ["wrods"], quantile=0.01)


def test_limits_of_lines_are_those_of_texts_with_several_lines() -> None:
    line = "山の朝は早く、旅人が静かな町を歩いていた。"
    texts = ["・猫"] * 50 + [f"・{line}\n" + f"{line}\n" * (4 + n % 6) for n in range(50)]
    (limit,) = limits_from(texts, ["bullet_lines"], quantile=0.1)
    assert (limit.least, limit.most) == (0.1, 0.2)
    with pytest.raises(InputError, match="49 texts of 5 lines or more"):
        limits_from(texts[:-1], ["bullet_lines"], quantile=0.02)


def test_a_group_gives_the_same_numbers_as_all_groups() -> None:
    text = "・猫がいる。\n\n123 abc\n犬は…\n"
    groups = groups_of(["digit_share", "mean_sentence"])
    assert groups == ("characters", "sentences")
    assert statistics_of(text, groups).items() < statistics_of(text).items()
