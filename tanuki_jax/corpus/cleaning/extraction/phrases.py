"""Phrases of navigation, sharing, copyright and consent, in Japanese and English; written for this project."""

import re

_LONGEST = 60
_LONGEST_NOTICE = 600
_NAVIGATION = re.compile(  # of letters in lower case: without a flag for it, the engine is twice as fast
    r"""(?x)[\s▲△▼▶◀↑↓←→«»‹›<>＜＞・|｜\[\]【】（）()○●◆■]*(?:
    (?:この)?ペー?ジ(?:の)?(?:先頭|トップ|上部?|top)(?:へ|に)?(?:戻る|もどる|移動)?|(?:page|go|
    back)\s?to\s?(?:the\s)?top|page\s?top|
    (?:トップ|top|ホーム|home|一覧|目次|メニュー|前のページ|元のページ|サイト(?:の)?トップ)(?:ページ)?(?:へ|
    に)?(?:戻る|もどる)|
    本文へ(?:スキップ|移動|ジャンプ)|(?:メイン)?コンテンツ(?:へ|に)(?:スキップ|移動)|skip\s(?:to|
    navigation)\b.*|jump\sto\b.*|
    (?:もっと|さらに|続きを?)(?:見る|読む|みる|よむ)|(?:詳しく|詳細)は?(?:を?(?:見る|確認)|こちら)|read\smore|
    see\s(?:more|all)|view\s(?:more|all)|
    (?:前|次)の(?:記事|ページ|投稿)(?:へ)?|(?:prev(?:ious)?|next)(?:\s(?:post|page|article))?|older\sposts|
    newer\sposts|
    (?:この(?:記事|ページ)を?)?(?:シェア|ツイート|共有|印刷|ブックマーク|保存|いいね|フォロー|
    lineで送る)(?:する)?!?！?|
    (?:share|tweet|print|like|follow(?:\sus)?|subscribe|bookmark|email|pin\sit|copy\slink|save)(?:\s(?:this|on|
    article|page|via)\b.{0,30})?|
    (?:返信|引用|通報|編集|削除|コメント(?:する|を書く|を投稿)|reply|quote|report|edit|delete|add\sa?\s?comment|
    leave\sa\s(?:reply|comment))(?:する)?|
    (?:ログイン|新規登録|会員登録|ログアウト|カート|カートを見る|カートに入れる|買い物かごに入れる|
    お気に入りに追加|ほしい物リストに追加)|
    (?:log\s?in|sign\s?(?:in|up)|log\s?out|register|(?:add\sto\s)?(?:cart|basket|wish\s?list|bag)|checkout|
    buy\snow)|
    (?:menu|メニュー|閉じる|close|検索|search|サイト内検索|サイトマップ|site\s?map|お問い?合わ?せ|
    contact(?:\sus)?|広告|pr|スポンサー(?:ド)?リンク|advertisements?|sponsored)|
    (?:関連|おすすめ|人気|新着|最新|最近)の?(?:記事|投稿|ページ|商品|コメント|ニュース|エントリー)(?:一覧)?|
    (?:アクセス|人気|記事)?ランキング|カテゴリー?(?:一覧)?|アーカイブ|月別アーカイブ|
    タグ(?:クラウド)?|
    (?:related|popular|recent|latest|recommended)\s(?:posts?|articles?|stories|links|pages|products|comments|
    news)|
    categories|archives|tags?|
    you\s(?:may|might)\salso\slike.*|more\s(?:on\sthis\sstory|from\s.{1,30}|stories)|この(?:商品|記事)を(?:買|
    見|読)った人は.*|
    (?:この(?:回答|記事|質問|ページ|情報)[はが])?(?:参考になった|役に立った|違反を報告)(?:する)?|
    あなたは.{0,12}人目の.{0,10}|
    (?:前へ|次へ|前|次|prev|next|first|last|最初|最後|\d{1,3}|\.\.\.|…|[\s|｜/・«»‹›<>＜＞\[\]←→])+
    )[\s▲△▼▶◀↑↓←→«»‹›<>＜＞・|｜\[\]【】（）():：.!！…]*"""
)
_COMMENTS = re.compile(
    r"(?i)(?:(?:view|read|see|show|post)\s)?(?:all\s)?\d*\s?(?:comments?|コメント)\s?[(（]?\d*[)）]?件?"
)
_COPYRIGHT = re.compile(r"\W*(?:copyright\b|\(c\)|©|ⓒ|（c）|all rights reserved)")
_RESERVED = re.compile(r"all rights reserved\W*$")
_CONSENT = re.compile(
    r"(?:cookie|クッキー).{0,120}(?:同意|使用|利用|承諾|accept|agree|consent|\buse|experience)|"
    r"(?:we|this (?:web)?site|当サイト|本サイト).{0,80}(?:cookie|クッキー)|無断(?:転載|複製|使用)|"
    r"javascript.{0,40}(?:有効|enable|disabled|無効)"
)
_OF_CONSENT = ("cookie", "クッキー", "無断", "javascript")
"""Words of which every match of `_CONSENT` has one."""
_ARROWS = re.compile(r"[>›»＞≫]")
_SEPARATORS = re.compile(r"\s*(?:[>›»＞≫→]|&gt;|/|／|\|)\s*")


def is_phrase_of_navigation(text: str) -> bool:
    """Whether a line only navigates, shares, asks to act, or names a list of links."""
    if len(text) > _LONGEST:
        return False
    lowered = text.lower()
    return _NAVIGATION.fullmatch(lowered) is not None or _is_copyright(lowered)


def is_count_of_comments(text: str) -> bool:
    """Whether a line says how many comments there are, or leads to them."""
    return len(text) <= _LONGEST and _COMMENTS.fullmatch(text) is not None


def is_notice(text: str) -> bool:
    """Whether a block asks for consent to cookies, reserves rights or asks for JavaScript."""
    if len(text) > _LONGEST_NOTICE:
        return False
    lowered = text.lower()
    consent = any(word in lowered for word in _OF_CONSENT) and _CONSENT.search(lowered) is not None
    return consent or _is_copyright(lowered)


def is_breadcrumb(text: str, linked: int) -> bool:
    """Whether a line is the path of a page in its site: at least three short names with separators, some of them links
    (`linked` characters)."""
    if len(text) > 200 or linked < (0.1 if _ARROWS.search(text) else 0.3) * len(text) or not linked:
        return False
    names = _SEPARATORS.split(text)
    return len(names) >= 3 and all(0 < len(name) <= 40 for name in names)


def _is_copyright(lowered: str) -> bool:
    if len(lowered) > 200:
        return False
    return _COPYRIGHT.match(lowered) is not None or (
        "all rights reserved" in lowered and _RESERVED.search(lowered) is not None
    )
