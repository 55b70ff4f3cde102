"""Skeletons of questions, computed from their text: each drawn part is replaced by its kind.

Names, things and other words of stories are looked up in the lists of the families. All else is recognized here by its
form: numbers and lists of them, fractions, polynomials, times, tables, quoted words, conditions on dice.
"""

import re
from collections.abc import Iterable

from tanuki_jax.corpus.tasks.grids import SUBJECTS
from tanuki_jax.corpus.tasks.story_words import THINGS, WORDS


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, set(words)), key=len, reverse=True))


STORY = _any_of([*(word for words in WORDS.values() for word in words), *(thing for thing, _ in THINGS)])
TITLES = _any_of(subject.title for subject in SUBJECTS)
COLUMNS = _any_of(quantity.name for subject in SUBJECTS for quantity in subject.quantities)
WHICH = _any_of(subject.which for subject in SUBJECTS)
CITIES = "ロンドン|パリ|カイロ|モスクワ|ドバイ|バンコク|シンガポール|ニューヨーク|ロサンゼルス|サンパウロ"
REPLACED = [
    (re.compile(pattern, re.MULTILINE), kind)
    for pattern, kind in (
        (r"^[ア-オ] .*$", "<option>"),
        (r"(?:^\|.*\|$\n?)+", "<grid>\n"),
        (r"(?:^・.*$\n?)+", "<facts>\n"),
        (r"(?:^[^、。\n,]+(?:,(?! )[^,\n]*)+$\n?)+", "<values>\n"),
        (r"「[^」]*」(?:」?「[^」]*」)*", "<quoted>"),
        (r"の数の[和積差]が(?:ちょうど)?\d+(?:以上|以下|の倍数)?になる", "<condition>"),
        (TITLES, "<title>"),
        (WHICH, "<which>"),
        (CITIES, "<city>"),
        (r"円柱|円すい", "<solid>"),
        (r"[月火水木金土日]曜日", "<weekday>"),
        (r"[\dxy^+-]*x\^2[\dxy^+-]*", "<polynomial>"),
        (r"午[前後]\d+時(?!間)(?:\d+分)?", "<time>"),
        (r"\d+時間\d+分|\d+時間|\d+分", "<span>"),
        (r"\d+(?:、\d+)+（.）", "<numbers>"),
        (r"\(?-?\d+\)?×\(?-?\d+\)?-\(?-?\d+\)?", "<expression>"),
        (r"10進", "<ten>"),
        (r"2進", "<two>"),
        (r"\(-\d+\)|-?\d+(?:\.\d+)?(?:/\d+)?", "<number>"),
        (r"(?<=<number>)(?:円|個|本|枚|冊|人|点|回|kg|a)|(?<=何)(?:円|個|本|枚|冊|人|点|回|kg|a)", "<unit>"),
        (r"(?<![a-zA-Z])(?:km²|cm²|m²|km|cm|mm|kg|mL|ha|L|g|m|t|a)(?![a-zA-Z/³²])", "<unit>"),
        (STORY, "<word>"),
    )
]


def skeleton(question: str) -> str:
    """Return the skeleton of a question."""
    text = _table_words_replaced(question)
    for pattern, kind in REPLACED:
        text = pattern.sub(kind, text)
    return text


def _table_words_replaced(question: str) -> str:
    """Replace names of a table's rows and columns, and adjectives, in the sentence that follows the table."""
    *lines, last = question.split("\n")
    rows = {name for line in lines for name in re.findall(r"^(?:・|\| )?([^|:,、。]+?)(?: \||:|,)", line)}
    if not rows or not re.search(r"^(?:\||・)|^[^、。]+,", "\n".join(lines), re.MULTILINE):
        return question
    last = re.sub(_any_of(rows), "<row>", last)
    last = re.sub(COLUMNS, "<column>", last)
    last = re.sub("高い|多い|広い", "<adjective>", last)
    return "\n".join([*lines, last])
