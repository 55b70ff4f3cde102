import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.records.formats.wikitext import plain

PAGE = """{{Otheruses|動物|その他}}
{{基礎情報 動物
| 名称 = タヌキ
| 画像 = [[ファイル:Tanuki.jpg|250px]]
| 分類 = {{Snamei|Nyctereutes}}
}}
[[ファイル:Tanuki 2.jpg|thumb|right|冬毛の[[タヌキ]]。[[北海道]]にて]]
'''タヌキ'''（狸、{{lang-en|raccoon dog}}、学名: ''Nyctereutes''{{efn|注釈の文}}）は、[[イヌ科]]の[[哺乳類|哺乳動物]]
である<ref name="a">{{Cite book|title=本}}</ref><ref name="a" />。

== 生態 ==
<!-- 編集者への注意 -->
夜行性で、[https://example.com/ 観察の記録]が多い。<br />群れは作らない{{要出典|date=2020年1月}}。
{| class="wikitable"
! 年 !! 頭数
|-
| 2001 || 12
{| 
| 入れ子
|}
|}
=== 食べ物 ===
* [[果実]]
* [[昆虫]]と&nbsp;ミミズ
** 幼虫
# 春
# 秋
体重は<math>w = 3 + x^2</math>kgほど。{{ruby|狢|むじな}}とも。

== 脚注 ==
{{脚注ヘルプ}}
{{Reflist}}
== 関連項目 ==
* {{Commonscat|Tanuki}}
{{DEFAULTSORT:たぬき}}
[[Category:イヌ科]]
[[カテゴリ:日本の動物]]
[[en:Raccoon dog]]
"""
TEXT = """タヌキ（狸、raccoon dog、学名: Nyctereutes）は、イヌ科の哺乳動物である。

生態

夜行性で、観察の記録が多い。
群れは作らない。

食べ物

- 果実
- 昆虫と ミミズ
- 幼虫
- 春
- 秋
体重は$w = 3 + x^2$kgほど。狢とも。"""


def test_a_page_becomes_its_prose() -> None:
    assert plain(PAGE) == TEXT


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("a {{b {{c}} d}} e", "a  e"),
        ("a {{b e", "a {{b e"),
        ("a }} b ]] c", "a }} b ]] c"),
        ("[[a|b {{c]] d}}", "b {{c d}}"),
        ("[[:Category:犬|犬の分類]]", "犬の分類"),
        ("[[犬#歴史]]と[[#節]]", "犬と#節"),
        ("{{t|x\n|}}の後", "の後"),
        ("表の前\n{| class\n| 閉じない", "表の前"),
        ("犬（、{{x}}）と猫（{{y}}、cat）", "犬と猫（cat）"),
        ("A &lt; B", "A < B"),
        ("== 空 ==\n== 次 ==\n本文", "次\n\n本文"),
        ("one\ntwo\n漢字\nかな<br>文\n\n次\n* 項\n続き", "one two漢字かな\n文\n\n次\n- 項\n続き"),
        ("<syntaxhighlight lang=py>x = 1</syntaxhighlight>", "x = 1"),
    ],
)
def test_markup_that_is_nested_unusual_or_broken(wikitext: str, text: str) -> None:
    assert plain(wikitext) == text


@given(st.lists(st.sampled_from(["{{", "}}", "[[", "]]", "{|", "\n|}", "|", "文", "<ref>", "</ref>", "<!--", "=="])))
def test_no_markup_fails(tokens: list[str]) -> None:
    plain("".join(tokens))


def test_deep_nesting_takes_linear_time() -> None:
    assert plain("{{" * 50_000 + "}}" * 50_000 + "文") == "文"
    assert plain("[[" * 50_000 + "文").endswith("文")


@pytest.mark.parametrize(
    "text", ["[//a" * 5_000, "<ref>" * 20_000, "<math>" * 20_000, "<gallery>" * 20_000, "[//" + "a" * 100_000]
)
def test_what_is_never_closed_takes_linear_time(text: str) -> None:
    began = time.thread_time()
    plain(text)
    assert time.thread_time() - began < 2
