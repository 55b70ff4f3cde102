"""Names in Japanese and English texts: katakana words, proper nouns in kanji, capitalised words of Latin letters."""

import functools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from tanuki_jax.corpus.cleaning.morphology import Morpheme, morphemes
from tanuki_jax.corpus.cleaning.vocabulary import load_vocabulary

VOCABULARIES = Path(__file__).parent / "vocabularies"
"""Folder of the word lists of the filters."""
LEAST_KATAKANA = 3
"""Least number of characters of a katakana word that may be a name."""
_MOST_KATAKANA = 30
"""Most characters of one; a longer run is a cry or a list without spaces."""
_KATAKANA = re.compile(r"[ァ-ヺー]+")
_KANJI = re.compile(r"[一-鿿々〆ヶ]{2,}")
_KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ0-9]*(?:[&.+-][A-Za-zÀ-ɏ0-9]+)*")
_CODE = re.compile(r"[A-Za-z]|[A-Z]{1,3}[0-9]{1,2}")
"""A letter, or a short code such as A4, CO2 or MP3, which names no one."""
_ECHO = re.compile(r"(.{2,3})\1")
_COMMON_ENDS = re.compile(
    r"(?:ション|メント|リティ|ビリティ|ティブ|ネス|イズム|ライズ|アップ|ダウン|オフ|オン|ワーク|ブック|マップ|ガイド"
    r"|リスト|ポイント|システム|サービス|センター|データ|コード|ルーム|チーム|グループ|メーカー|ユーザー|ツール|タイプ"
    r"|モデル|スタイル|テスト|チェック|クラス|コース|プラン|ケース|ベース|レベル|ロジー|グラム|グラフ|メーター|セット)$"
)
_FOLDED = str.maketrans(
    "ァィゥェォッャュョヮヵヶヰヱヲ髙﨑澤齋齊國廣濱邊邉櫻眞嶋冨圓學條德藏惠榮壽瀧龍",
    "アイウエオツヤユヨワカケイエオ高崎沢斎斎国広浜辺辺桜真島富円学条徳蔵恵栄寿滝竜",
)
_ROWS = (
    ("アカガサザタダナハバパマヤラワ", "ア"),
    ("イキギシジチヂニヒビピミリ", "イ"),
    ("ウクグスズツヅヌフブプムユル", "ウ"),
    ("エケゲセゼテデネヘベペメレ", "エイ"),
    ("オコゴソゾトドノホボポモヨロ", "オウ"),
)
_LONG = re.compile("|".join(f"(?<=[{row}])[{vowels}]" for row, vowels in _ROWS))
"""Vowels that make the one before them long, as ー does: トウキョウ and トーキョー are one name."""
_LEFT_OUT = re.compile(r"[ー・=＝‐\-\s'’]")
_VU = re.compile("ヴ([ァィェォ]?)")
_VOICED = {"ァ": "バ", "ィ": "ビ", "ェ": "ベ", "ォ": "ボ", "": "ブ"}
_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*|\n")
_AGENT = re.compile(
    r"(?:'s\b|\s(?:said|says|wrote|was born|lived|told|asked|married|died|replied|joined|founded|became|moved|smiled"
    r"|invented|discovered|announced|won|opened|visited|explained|argued)\b)"
)


def fold_names(text: str) -> str:
    """Return a text in which spellings of one name are alike: width, case, hiragana and katakana, long vowels, ヴ, old
    forms of kanji. White space, ・ and hyphens are left out."""
    normal = unicodedata.normalize("NFKC", text).translate(_TO_KATAKANA)
    voiced = _VU.sub(lambda match: _VOICED[match[1]], normal)
    return _LONG.sub("", _LEFT_OUT.sub("", voiced.translate(_FOLDED))).casefold()


def names_in(text: str) -> Iterator[str]:
    """Yield the names in a text, folded, each with its other spellings if it has some (米国 for アメリカ).

    Japanese names are what MeCab takes for proper nouns, or does not know, in katakana of three characters or more or
    in kanji of two or more. A Latin word is a name if it has a capital letter and is not merely the first of an English
    sentence. Words of `vocabularies/common_words.txt` are none.
    """
    for line in unicodedata.normalize("NFKC", text).split("\n"):
        if _KANA.search(line) is None:
            yield from _english(line)
            continue
        yield from _katakana(line)
        yield from _kanji(line)
        for match in _LATIN.finditer(line):
            if any(map(str.isupper, match[0])) and _CODE.fullmatch(match[0]) is None:
                yield match[0]


def is_grounded(name: str, source: str) -> bool:
    """Whether a folded source has a name, in one of its spellings.

    Args:
        name: name as `names_in` yields it.
        source: sources as `fold_names` returns them.
    """
    folded = fold_names(name)
    return folded in common_words() or any(each in source for each in _spellings().get(folded, (folded,)))


@functools.cache
def common_words() -> frozenset[str]:
    """Return words that may look like names and are none, folded; each process reads them once."""
    return frozenset(map(fold_names, load_vocabulary(str(VOCABULARIES / "common_words.txt"))))


@functools.cache
def _spellings() -> dict[str, tuple[str, ...]]:
    """Return name -> all its spellings, folded."""
    found: dict[str, tuple[str, ...]] = {}
    for row in load_vocabulary(str(VOCABULARIES / "name_spellings.txt")):
        spellings = tuple(map(fold_names, row.split(",")))
        found |= dict.fromkeys(spellings, spellings)
    return found


def _katakana(line: str) -> Iterator[str]:
    found, place = _placed(line), 0
    for match in _KATAKANA.finditer(line):
        word = match[0]
        if (
            not LEAST_KATAKANA <= len(word) <= _MOST_KATAKANA
            or _ECHO.fullmatch(word)
            or fold_names(word) in common_words()
        ):
            continue
        while place < len(found) and found[place][0] < match.start():
            place += 1
        inside = [each for start, each in found[place:] if start < match.end()]
        if all(each.detail == "固有名詞" for each in inside):
            yield word
        elif any(each.base == "*" for each in inside):
            if not _is_common(word):
                yield word
        else:
            names = (each.surface for each in inside if each.detail == "固有名詞")
            yield from (name for name in names if len(name) >= LEAST_KATAKANA and not _is_common(name))


@functools.lru_cache(1 << 14)
def _is_common(word: str) -> bool:
    """Whether a katakana word is common, ends as common ones do, or consists of a common word and words that the
    dictionary has and does not take for names."""
    if fold_names(word) in common_words() or _COMMON_ENDS.search(word):
        return True
    cuts = [cut for cut in range(2, len(word) - 1) if word[cut] not in "ァィゥェォッャュョーン"]
    parts = [(word[:cut], word[cut:]) for cut in cuts]
    return any(
        (fold_names(part) in common_words() and _is_general(other))
        or (fold_names(other) in common_words() and _is_general(part))
        for part, other in parts
    )


def _is_general(word: str) -> bool:
    """Whether the dictionary has a word, or the words that it consists of, and none of them is a name."""
    general = all(each.base != "*" and each.detail != "固有名詞" for each in morphemes(word))
    return general or fold_names(word) in common_words()


def _kanji(line: str) -> Iterator[str]:
    for each in morphemes(line):
        if each.detail == "固有名詞" and _KANJI.fullmatch(each.surface):
            yield each.surface


def _placed(line: str) -> list[tuple[int, Morpheme]]:
    """Return the morphemes of a line with their places."""
    found, place = list[tuple[int, Morpheme]](), 0
    for each in morphemes(line):
        at = line.find(each.surface, place)
        if at >= 0:
            found.append((at, each))
            place = at + len(each.surface)
    return found


def _english(line: str) -> Iterator[str]:
    """Yield the names in a line of English. A line in which most words are capitalised is a title and has none."""
    words = _LATIN.findall(line)
    capitals = sum(word[0].isupper() for word in words)
    if line.lstrip().startswith("#") or (2 * capitals > len(words) and not line.rstrip().endswith((".", "!", "?"))):
        return
    for sentence in _SENTENCE.findall(line.replace("Mr.", "Mr").replace("Mrs.", "Mrs").replace("Dr.", "Dr")):
        for number, match in enumerate(_LATIN.finditer(sentence)):
            word = match[0]
            if _CODE.fullmatch(word) or not any(map(str.isupper, word)):
                continue
            before = sentence[: match.start()].rstrip()
            is_first = number == 0 or before[-1:] in ('"', "“", ":", "*", "(", "‘")
            if not is_first or (_AGENT.match(sentence, match.end()) and not word.endswith("s")) or word[1:].isupper():
                yield word
