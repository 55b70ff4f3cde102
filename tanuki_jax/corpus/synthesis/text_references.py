"""Phrases that refer to a text which the reader does not have, such as "the passage above"."""

import re

_JAPANESE = re.compile(
    r"本文|本稿|本記事|上記|上述|前述|下記|文中|文章中|記事中|資料中|筆者"
    r"|(?:こ|そ)の(?:文章|文中|記事|資料|テキスト|文書|文脈|段落|抜粋|ページ)"
    r"|(?:上|下|次|以下|先ほど|与えられた|提示された|提供された|示された)の?(?:文章|文|記事|資料|テキスト|文書|情報|説明|内容|段落)"
    r"(?:で|に|の|か|を|は|が|、|から|によ)"
    r"|(?:文章|記事|資料|テキスト|文書)(?:の中|内)?(?:で|に)は?(?:述べ|書か|記さ|触れ|説明|紹介|挙げ|示さ|言及)"
    r"|(?:文章|記事|資料|テキスト)に(?:よると|よれば|基づ)"
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
