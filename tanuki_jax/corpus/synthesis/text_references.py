"""Phrases that refer to a text which the reader does not have, such as "the passage above"."""

import re

_NOUN = "文章|テキスト|段落|パラグラフ|パッセージ|一節|抜粋|記事|資料|文書"
_JAPANESE = re.compile(
    r"本文|本稿|本記事|上記|上述|前述|下記|文中|(?:文章|記事|資料|テキスト)[中内]|筆者"
    rf"|[こそ](?:の|れらの)(?:短い|参考)?(?:{_NOUN}|文脈|ページ)"
    r"|(?:[上下次]|以下|先ほど|与えられた|提示された|提供された|(?<!指)示された)の?(?:参考)?"
    rf"(?:{_NOUN}|文|情報|説明|内容)(?:[でにのかをはが、]|から|によ)"
    r"|参考(?:文章|テキスト|パラグラフ)|以下(?:から|によ)"
    rf"|(?:{_NOUN})(?:の中|内)?(?:で|に)は?(?:述べ|書か|記[さ載]|触れ|説明|紹介|挙げ|示さ|言及|登場)"
    rf"|(?:{_NOUN}|参考文献)(?:によ(?:ると|れば)|に(?:基づ|沿っ)|をもとに|を踏まえ|を考え|が?を?与えられ)"
    rf"|(?:{_NOUN})から、?[^、。？?]{{0,30}}(?:抜き出|抜粋|抽出|特定|選ん|選び)"
)
_ENGLISH = re.compile(
    r"\b(?:this|the (?:above|given|provided|following|preceding)) "
    r"(?:text|passage|article|document|excerpt|paragraph|page|section|source|author|context|information)\b"
    r"|\b(?:according to|in|from|by|of|based on|mentioned in|described in) the "
    r"(?:text|passage|article|excerpt|paragraph|author)\b"
    r"|\bthe (?:text|passage|article|excerpt|author) (?:say|state|mention|describe|explain|note|suggest|give)s?\b"
    r"|\bdoes the (?:text|passage|article|excerpt|author|document)\b"
    r"|\b(?:mentioned|described|stated|as noted) above\b|\bthe above\b",
    re.IGNORECASE,
)


def refers_to_text(text: str) -> bool:
    """Whether a question or an answer refers to a text that its reader does not have."""
    return _JAPANESE.search(text) is not None or _ENGLISH.search(text) is not None
