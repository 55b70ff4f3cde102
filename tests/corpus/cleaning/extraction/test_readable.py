import pytest

from tanuki_jax.corpus.cleaning.extraction.extract_html import extract

PROSE = "<p>この段落は、ページの本文だとわかるだけの長さがある、ふつうの文章でできています。</p>"


def lines_of(html: str) -> str:
    return extract(f"<html><body>{PROSE}{html}</body></html>".encode()).text.split("\n", 2)[2].rstrip("\n")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h2>見出し<br>二行目</h2><p>本文</p>", "見出し 二行目\n\n本文"),
        ("<ul><li>一<li>二<ul><li>中</ul><li>三</ul>", "- 一\n- 二\n  - 中\n- 三"),
        ("<ol><li>壱</li><li><p>弐</p><p>続き</p></li></ol>", "1. 壱\n2. 弐\n  続き"),
        ("<table><tr><th>品<th>値<tr><td>りんご<td>100円<tr><td><td>0円</table>", "品 | 値\nりんご | 100円\n| 0円"),
        ("<table><tr><td><h3>題</h3><p>文</table>", "題\n\n文"),
        ("<dl><dt>語<dd>説明<dt>語二<dd>説明二</dl>", "語\n説明\n語二\n説明二"),
        ("<pre>a\n  b &lt; c\n\nd</pre>", "a\n  b < c\n\nd"),
        ("一行目<br>二行目<br><br>次の段落", "一行目\n二行目\n\n次の段落"),
        ("<p>改行した\n    日本語と\nEnglish\nwords。</p>", "改行した日本語と English words。"),
        ("<p><ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>を読む</p>", "漢字を読む"),
        ("<p>&lt;p&gt; &amp;amp; &copy; &#x3042;&nbsp;&nbsp;終</p>", "<p> &amp; © あ 終"),
        (
            "<p>始め</p><form><label>名前</label><input value=x><button>送信</button></form><p>終わり</p>",
            "始め\n\n終わり",
        ),
        ("<p>前<span hidden>隠</span><span style='display: none'>隠</span>後</p>", "前後"),
        (
            '<p>前の<a href="x"">文</a>と</p><p =a "b">「"後"」の文</p><p">終わり</p>',
            '前の文と\n\n「"後"」の文\n\n終わり',
        ),
        ("<p>式 <math><mi>x</mi><annotation>\\x</annotation></math> です</p>", "式 x です"),
    ],
)
def test_markup_becomes_readable_lines(html: str, text: str) -> None:
    assert lines_of(html) == text
