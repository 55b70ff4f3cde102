import pytest

from tanuki_jax.corpus.cleaning.extraction.phrases import (
    is_breadcrumb,
    is_count_of_comments,
    is_notice,
    is_phrase_of_navigation,
)


@pytest.mark.parametrize(
    "line",
    [
        "▲ページトップへ戻る",
        "Back to top",
        "続きを読む",
        "【関連記事】",
        "1 2 3 次へ »",
        "Copyright (C) 2001 Tanuki",
        "Read more...",
        "本文へスキップ",
        "カートに入れる",
        "© 2024 Tanuki. All Rights Reserved.",
    ],
)
def test_lines_that_navigate_are_known(line: str) -> None:
    assert is_phrase_of_navigation(line)


@pytest.mark.parametrize(
    "line",
    [
        "検索の仕組みを学ぶ",
        "ホームで電車を待つ",
        "Share the bread among four people",
        "タグ付けのこつ",
        "おしまい",
    ],
)
def test_lines_that_only_begin_like_them_are_not(line: str) -> None:
    assert not is_phrase_of_navigation(line)


def test_a_path_has_three_names_and_links() -> None:
    assert is_breadcrumb("ホーム > 台所用品 > 米びつ", 7)
    assert is_breadcrumb("Home / Kitchen / Boxes", 12)
    assert not is_breadcrumb("ホーム > 台所用品 > 米びつ", 0)
    assert not is_breadcrumb("a > b", 4)
    assert not is_breadcrumb("5 > 3 であり、" + "長い説明が続く" * 10 + " > 2 > 1", 20)


def test_notices_and_counts_of_comments() -> None:
    assert is_notice("当サイトではCookieを使用しています。同意いただける場合は…")
    assert is_notice("We use cookies to improve your experience.")
    assert not is_notice("クッキーを焼く前に、生地を三十分休ませます。")
    assert is_count_of_comments("View comments941") and is_count_of_comments("コメント（3）")
    assert not is_count_of_comments("コメント欄を閉じました")
