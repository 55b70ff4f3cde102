"""Words around the content of built pages: menus, related links, notices and forms."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    menu: list[str]
    others: list[str]
    """Titles of other pages."""
    small: list[str]
    """Links at the foot of a page."""
    phrases: dict[str, str]
    """Name of a place in a layout -> phrase."""


_SITES = {
    "ja": ["こもれび便り", "北の港だより", "暮らしの手帖帳", "みどり情報局"],
    "en": ["The Quiet Gazette", "Harbour Lane", "Field Notes"],
}
_MENU = {
    "ja": [
        "ホーム",
        "はじめての方へ",
        "お知らせ",
        "会社案内",
        "サービス",
        "採用情報",
        "交通のご案内",
        "お問い合わせ",
        "よくある質問",
    ],
    "en": ["Home", "About us", "News", "Services", "Careers", "Getting here", "Contact", "Help"],
}
_OTHERS = {
    "ja": [
        "春の庭仕事で気をつけたいこと", "駅前広場の工事が始まります", "はじめての味噌作り教室",
        "新型の電動自転車を試してみた", "秋の遠足におすすめの五つの山", "古い家具をよみがえらせる塗り方",
        "市民マラソンの参加者を募集", "雨の日に読みたい短い物語",
    ],
    "en": [
        "What to plant before the first frost", "Station square to close for repairs", "A beginner's guide to pickling",
        "Five walks for a short winter day", "How to paint an old chair", "The best small radios of the year",
    ],
}  # fmt: skip
_SMALL = {
    "ja": ["利用規約", "個人情報の取り扱い", "特定商取引法に基づく表記", "サイトマップ"],
    "en": ["Terms of use", "Privacy policy", "Accessibility", "Site map"],
}
_PHRASES = {
    "ja": {
        "related": "関連記事",
        "popular": "人気記事ランキング",
        "advert": "今だけ送料無料！お申し込みはこちら",
        "cookies": "当サイトではクッキー（Cookie）を使用しています。閲覧を続けると同意したものとみなします。",
        "share": "この記事をシェアする",
        "top": "ページトップへ戻る",
        "skip": "本文へスキップ",
        "label": "お名前",
        "preset": "コメントを入力してください",
        "button": "送信する",
    },
    "en": {
        "related": "Related articles",
        "popular": "Popular posts",
        "advert": "Free delivery this week only, order now",
        "cookies": "We use cookies to improve your experience on this website. By continuing you agree to our use.",
        "share": "Share this article",
        "top": "Back to top",
        "skip": "Skip to content",
        "label": "Your name",
        "preset": "Write a comment",
        "button": "Send",
    },
}


def words_of(language: str, draw: random.Random) -> Words:
    """Return the surroundings of one page, drawn from those of its language."""
    return Words(
        menu=draw.sample(_MENU[language], draw.randint(4, 7)),
        others=draw.sample(_OTHERS[language], draw.randint(3, 6)),
        small=_SMALL[language][: draw.randint(2, 4)],
        phrases=_PHRASES[language] | {"site": draw.choice(_SITES[language])},
    )
