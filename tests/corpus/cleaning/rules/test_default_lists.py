import time

import pytest

from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.rules.default_lists import english_rules, japanese_rules
from tanuki_jax.corpus.cleaning.rules.judge import Judge
from tanuki_jax.corpus.cleaning.rules.perplexity import Perplexity
from tanuki_jax.corpus.cleaning.rules.quality import Quality
from tanuki_jax.corpus.cleaning.rules.rule_table import RULES
from tanuki_jax.corpus.cleaning.rules.symbol_noun import SymbolNoun

STORY = """ねこの話 | 動物の部屋
ホーム | 会社概要 | 採用情報
2019年10月22日(火) 12:34

　私の家には、白い猫が一匹いる。三年前の雨の日に、近所の神社の軒下で鳴いていたのを、娘が抱いて帰ってきたのである。
　はじめは誰にも懐かず、箪笥の上から降りようともしなかった。ところが冬が来ると、いつのまにか私の膝の上で眠るようになった。

「寒いから、仕方なく来ているだけだよ」と娘は笑う。そうかもしれない。続きを読むにはこちらを押す。
　それでも、夜更けに原稿を書いている私の横で静かに息をしているのを聞くと、私は一人ではないのだと思う。
会社概要
"""
SHOP = """送料無料の激安通販です。ポイント還元、代金引換、在庫あり。お申し込みはこちら。
期間限定の特別価格、今だけ半額でお届けします。お気軽にお問い合わせください。
"""
MEGABYTE = 1 << 20


def cleaned(text: str) -> tuple[str, str]:
    draft = Draft("a", text, seed=seed_of(text))
    for rule in japanese_rules():
        if reason := rule.apply(draft):
            return reason, ""
    return "", draft.text


def test_a_story_survives_without_the_furniture_around_it() -> None:
    reason, text = cleaned(STORY)
    assert reason == ""
    assert text.startswith("　私の家には") and text.endswith("一人ではないのだと思う。\n")
    assert "続きを読む" not in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SHOP, "advertisement"),
        ("猫が机の上にいるのです。\n", "too short"),
        ("The cat sat on the mat.\n", "too little Japanese"),
        ("", "nothing left"),
    ],
)
def test_pages_without_value_are_dropped(text: str, reason: str) -> None:
    assert cleaned(text)[0] == reason


def test_english_rules_keep_english_prose_and_drop_a_list() -> None:
    prose = (
        "The otter that lives beside the old mill has raised three pups this summer, and fishermen complain.\n"
        "Herons have nested in the poplars for years; their number depends on how cold the last winter was.\n"
        "Nobody had expected a beaver so far to the south, yet fresh teeth marks appeared on willows in April.\n"
        "A survey of the valley counted more frogs than before, which biologists attribute to a ban on drainage.\n"
    )
    draft = Draft("a", prose)
    assert [rule.apply(draft) for rule in english_rules()] == [""] * len(english_rules())
    assert any(rule.apply(Draft("a", "Home\nAbout us\nContact\n" * 20)) for rule in english_rules())


def seconds_of_rules(unit: str) -> dict[str, float]:
    """Return the CPU seconds of each rule on a megabyte. Rules with a model or an analysis of morphemes, which alone
    takes 2 to 4 seconds, are left out."""
    text = unit * (MEGABYTE // len(unit))
    seconds = {}
    for name, kind in RULES.items():
        if kind not in (SymbolNoun, Quality, Perplexity, Judge):
            start = time.thread_time()
            kind().apply(Draft("a", text, {"url": f"http://{text[:10_000]}"}))
            seconds[name] = time.thread_time() - start
    return seconds


@pytest.mark.parametrize("unit", ["a", "0-", "「」"])
def test_all_rules_together_are_fast_on_a_hostile_megabyte(unit: str) -> None:
    assert sum(seconds_of_rules(unit).values()) < 3


@pytest.mark.long
@pytest.mark.parametrize(
    "unit",
    ["あ", "1", "a@", "ab", "。", " ", "\n", "|", "a.", "1.", "f:", "\ud800", "🙂", "[…]\n", "TEL", "4111 ", "(0"],
)
def test_no_rule_is_slow_on_a_hostile_megabyte(unit: str) -> None:
    assert {name: seconds for name, seconds in seconds_of_rules(unit).items() if seconds > 3} == {}
