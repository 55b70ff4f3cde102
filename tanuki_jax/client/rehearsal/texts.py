"""Deterministic texts, their tokens, and embeddings, all from hashes."""

import hashlib
import json
import math
import random
import re
from collections.abc import Sequence
from typing import Any

TOKEN = re.compile(r"[A-Za-z0-9_]+ ?|\s+|.", flags=re.DOTALL)
"""A token of the mock endpoint: an English word with the space behind it, white space, or one character."""
JAPANESE_CHARACTER = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z]{4,20}|[\u4e00-\u9fff]{2,6}|[\u30a0-\u30ff]{3,12}")
"""Words of the prompt that an answer may repeat: English, kanji, katakana."""
ENGLISH = (
    "Today|Once|Often|At noon|In May|Perhaps|Later|Now|At home|In fact|Long ago|Still|By day|Nearby|Outside|Then",
    " a teacher| the baker| our guide| some sailors| a clerk| the girl| two monks| my aunt| a judge| the mayor| a nurse"
    "| one pilot| the smith| a poet| his rival| the cook| a farmer| both twins| a diver| her uncle| the clown"
    "| a tailor",
    " compared| found| explained| doubted| praised| sold| drew| measured| forgot| mentioned| hid| repaired| counted"
    "| described| opened| carried| painted| weighed| followed| dreamt of| named| studied| lost| sang about",
    " {word} with| {word} behind| {word} before| {word} near| {word} after| {word} against| {word} without"
    "| {word} under",
    " a lamp| the bridge| salt| an umbrella| the river| a drum| dry leaves| the map| a kettle| blue paint| the mill"
    "| a violin| cold tea| the gate| a ladder| old coins| the harbour| a blanket| soft bread| the tower| a mirror| mud",
    ". |, and left. |, as usual. |; it rained. |, twice. |, in vain. |, for luck. |, they say. |.\n|, by chance. "
    "|, with joy. |, at last. |, for free. |, in silence. |, of course. |, no doubt. ",
)
"""Words for each place in a sentence: texts that are drawn from them are no copies of each other."""
JAPANESE = (
    "今日、|昔、|昼には|五月に|後で|家では|実は|近くで|外では|やがて|雨の夜、|毎朝|一度だけ|庭先で|旅先で|丘の上で|駅前で|深夜、|春先、|町外れで",
    "先生が|パン屋が|案内人が|船乗りが|事務員が|少女が|僧侶が|叔母が|裁判官が|町長が|看護師が|鍛冶屋が|詩人が|料理人が|農夫が|双子が"
    "|潜水士が|道化師が|仕立屋が|学者が|隣人が|車掌が|画家が|大工が",
    "{word}を|{word}と|{word}の絵を|{word}の話を|{word}の形を|{word}の隣で|{word}の前に|{word}について|{word}の音を|{word}の名を",
    "灯台に|橋の下で|塩と|傘へ|川まで|太鼓と|落ち葉に|地図で|やかんと|青い壁に|水車へ|琴と|冷茶と|門の中で|はしごに|古銭と|港へ|毛布で"
    "|塔から|鏡に|泥の中で|風車と|石段に|提灯と",
    "比べた|見つけた|説いた|疑った|ほめた|売った|描いた|測った|忘れた|隠した|直した|数えた|運んだ|塗った|追った|夢に見た|調べた|失くした"
    "|歌った|選んだ|並べた|沈めた|包んだ|貸した",
    "。|という。|そうだ。|らしい。|のです。|、二度も。|、黙って。|、偶然に。|、喜んで。|、ついに。|、無料で。|、念のため。|🦝。|のだった。\n"
    "|、たぶん。|、慌てて。|、笑って。|と聞く。",
)
DIMENSIONS = 64
"""Length of an embedding: the bytes of a SHA-512."""


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, which joined are the text."""
    return TOKEN.findall(text)


def digest_of(*parts: Any) -> bytes:
    """Return a hash of JSON values: the randomness of a text."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()


def write_text(digest: bytes, prompt: str) -> str:
    """Return two to six sentences in the language of the prompt, with some of its words in them."""
    japanese = bool(JAPANESE_CHARACTER.search(prompt))
    parts = [part.split("|") for part in (JAPANESE if japanese else ENGLISH)]
    words = WORD.findall(prompt[-10_000:]) or (["この質問"] if japanese else ["this question"])
    draw = random.Random(digest)
    return "".join(
        "".join(draw.choice(part) for part in parts).format(word=draw.choice(words)) for _ in range(draw.randint(2, 6))
    ).rstrip()


def cut_text(text: str, stop: Sequence[str], max_tokens: int | None) -> tuple[list[str], str]:
    """Return the tokens of a text up to a stop text or the limit, and the reason for the end."""
    reason = "stop"
    ends = [position for word in stop if word and (position := text.find(word)) >= 0]
    pieces = tokens(text[: min(ends)] if ends else text)
    if max_tokens is not None and len(pieces) > max_tokens:
        pieces, reason = pieces[:max_tokens], "length"
    return pieces, reason


def embed(text: str) -> list[float]:
    """Return a vector of length 1: texts that share tokens have vectors that are near each other."""
    total = [0.0] * DIMENSIONS
    for token in tokens(text)[:10_000] or [""]:
        for index, byte in enumerate(hashlib.sha512(token.strip().encode(errors="replace")).digest()):
            total[index] += byte - 127.5
    length = math.sqrt(sum(number * number for number in total))
    return [number / length for number in total]
