"""Japanese documents made by rule, among them edited copies and pages with a template, for tests and measurements."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

KANJI = (
    "山川海空風雨雪花草木林森石水火土金月日星朝昼夜春秋冬夏町村駅道橋店宿港寺城畑庭窓門机椅紙本絵歌声音色香味米茶酒魚肉豆"
    "塩糖油皿箱袋布糸針服靴傘鏡時計電話車船馬牛犬猫鳥虫手足目耳口頭胸腕指友客母父兄姉弟妹孫医師兵王民国市県区州島原野谷"
)
PARTICLES = ["は", "が", "を", "に", "で", "と", "も", "へ", "から", "まで", "より", "の", "や", "には", "では"]
VERBS = [
    "見た",
    "聞く",
    "歩いた",
    "運ぶ",
    "作った",
    "売る",
    "買った",
    "探す",
    "開いた",
    "待つ",
    "遊んだ",
    "学ぶ",
    "書いた",
]
ENDINGS = ["。", "。", "。", "、", "、", "です。", "のだ。", "という。", "！", "？\n"]


def prose(rng: random.Random, characters: int) -> str:
    """Return text of some number of characters, in which no two passages are alike by more than chance."""
    count = characters // 6 + 1
    kinds = (KANJI, KANJI, PARTICLES, KANJI, VERBS, ENDINGS)
    columns = [rng.choices(kind, k=count) for kind in kinds]
    return "".join(map("".join, zip(*columns, strict=True)))[:characters]


def replace_span(text: str, share: float, rng: random.Random) -> str:
    length = round(len(text) * share)
    start = rng.randrange(len(text) - length + 1)
    return text[:start] + prose(rng, length) + text[start + length :]


def insert_span(text: str, share: float, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + prose(rng, round(len(text) * share)) + text[start:]


def delete_span(text: str, share: float, rng: random.Random) -> str:
    length = round(len(text) * share)
    start = rng.randrange(len(text) - length + 1)
    return text[:start] + text[start + length :]


def scatter(text: str, share: float, rng: random.Random) -> str:
    letters = list(text)
    for position in rng.sample(range(len(text)), round(len(text) * share)):
        letters[position] = rng.choice(KANJI)
    return "".join(letters)


Edit = Callable[[str, float, random.Random], str]
EDITS: list[tuple[str, Edit, float]] = [
    *(("replaced", replace_span, share) for share in (0.05, 0.1, 0.2, 0.3)),
    *(("inserted", insert_span, share) for share in (0.05, 0.1, 0.2, 0.3)),
    *(("deleted", delete_span, share) for share in (0.05, 0.1, 0.2, 0.3)),
    *(("scattered", scatter, share) for share in (0.02, 0.05, 0.08)),
]


@dataclass(frozen=True)
class Page:
    """A document with what is known of it."""

    id: str
    text: str
    source: str = ""
    """Id of the document that it is an edited copy of; empty: none."""
    edit: str = ""


def plant(documents: int, copies: int, templated: int, *, seed: int = 0, family: int = 50) -> list[Page]:
    """Return documents in random order: `copies` edited copies for each kind of edit, each of a text of its own;
    `templated` documents in families that share half of their text; and others of 400 to 1,000 characters."""
    rng = random.Random(seed)
    pages: list[Page] = []
    for edit, change, share in EDITS:
        for _ in range(copies):
            source = Page(f"page{len(pages)}", prose(rng, rng.randrange(400, 1000)))
            name = f"{edit} {share:.0%}"
            pages += [source, Page(f"copy{len(pages)}", change(source.text, share, rng), source.id, name)]
    for number in range(templated):
        if number % family == 0:
            frame = prose(rng, rng.randrange(200, 500))
        at = rng.randrange(len(frame))
        own = prose(rng, len(frame))
        pages.append(Page(f"page{len(pages)}", (own[:at] + frame + own[at:]) if number % 2 else frame + own))
    while len(pages) < documents:
        pages.append(Page(f"page{len(pages)}", prose(rng, rng.randrange(400, 1000))))
    rng.shuffle(pages)
    return pages


def write_parts(pages: Sequence[Page], folder: Path, parts: int) -> list[Path]:
    """Write pages as Parquet files in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for part in range(parts):
        cut = pages[part * len(pages) // parts : (part + 1) * len(pages) // parts]
        paths.append(folder / f"{part:05d}.parquet")
        table = pa.table({"id": [page.id for page in cut], "text": [page.text for page in cut]})
        pq.write_table(table, paths[-1])
    return paths
