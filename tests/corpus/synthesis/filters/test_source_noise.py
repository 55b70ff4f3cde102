import pytest

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.source_noise import SourceNoise
from tanuki_jax.corpus.synthesis.made import Made
from tests.corpus.synthesis.filters.planted_cases import by_hand, from_frames, measure
from tests.corpus.synthesis.filters.source_noise_frames import EACH, FRAMES, fill

FURNITURE, ADVERTISING = "page furniture of the source", "advertising of the source"
SOURCE = (
    "続きを読む\n利用者はログインする。\n"
    "ホーム > 会社概要 > 採用情報\n今すぐ購入、送料無料、期間限定、特価、ポイント還元"
)


def reason(written: str, noise: SourceNoise | None = None, *sources: str) -> str:
    return (noise or SourceNoise()).reason(Made(Document("a", written), written, sources))


@pytest.mark.parametrize("held_out", [False, True])
def test_19_in_20_planted_pieces_are_found_and_19_in_20_finds_right(held_out: bool) -> None:
    cases = [*from_frames(FRAMES, fill, EACH, seed=7), *by_hand("source_noise")]
    assert len(cases) >= 300
    measured = measure([case for case in cases if case.held_out == held_out], SourceNoise())
    assert measured.cases >= 100
    assert measured.precision >= 0.95, measured.wrong
    assert measured.recall >= 0.95, measured.wrong


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("葉は緑である。\n続きを読む\n", FURNITURE),
        ("葉は緑である。「続きを読む」という題の詩がある。", ""),
        ("# 続きを読む\n葉は緑である。", ""),
        ("```\n続きを読む\n```", ""),
        ("利用者はログインする。", ""),
        ("ホーム > 会社概要 > 採用情報", FURNITURE),
        ("| 会社概要 | 採用情報 | 送料 |\n| --- | --- | --- |", ""),
        ("人気の棚を見る", ""),
        ("期間限定の特価で、送料無料。今すぐ購入するとポイント還元がある。", ADVERTISING),
        ("送料無料という言葉は期間限定の店で見る。", ""),
        ("", ""),
    ],
)
def test_labels_count_and_prose_does_not(written: str, expected: str) -> None:
    assert reason(written, None, SOURCE) == expected


def test_without_sources_the_text_is_judged_alone() -> None:
    assert reason("葉は緑である。\n人気記事ランキング") == FURNITURE
    assert reason("葉は緑である。\n続きを読む", None, "葉は緑だ。") == ""


def test_as_many_pieces_as_allowed_are_kept() -> None:
    written = "葉は緑である。\n続きを読む\nスポンサーリンク"
    assert reason(written, SourceNoise(most=1)) == FURNITURE
    assert reason(written, SourceNoise(most=2)) == ""


def test_a_longer_text_may_have_more_words_of_advertisements() -> None:
    written = "期間限定の特価で、送料無料。今すぐ購入するとポイント還元がある。"
    assert reason(written + "葉は緑である。" * 200, None, SOURCE) == ""
    assert reason(written + "葉は緑である。" * 200, SourceNoise(advertising_per_thousand=0), SOURCE) == ADVERTISING
