"""Drop texts with numbers or names that their sources do not have."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from tanuki_jax.config.limits import Limits, NonNegativeInt, check_fields
from tanuki_jax.corpus.cleaning.morphology import morphemes
from tanuki_jax.corpus.synthesis.filters.proper_names import fold_names, is_grounded, names_in
from tanuki_jax.corpus.synthesis.filters.prose import without_code
from tanuki_jax.corpus.synthesis.filters.written_numbers import Evidence, Number, normalized, numbers, value_of
from tanuki_jax.corpus.synthesis.made import Made

_LABEL = (
    r"第|ステップ|手順|その|例|問|問題|表|図|章|質問|ポイント|理由|Q|A|No|Step|Chapter|Section|Part|Lesson|Figure|Table"
    r"|Example|Question|Point|Tip|Day|Level"
)
_ITEM = re.compile(rf"[\s#>*\-・●■◆_(（\[【〔|]*(?:(?:{_LABEL})[.\s:：]?\s*)?$", re.IGNORECASE)
_BEHIND_ITEM = re.compile(r"\s*(?:[.)）、:：\]】〕|*]|章|節|回|目|$)(?!\d)")
_BEHIND_LABEL = re.compile(r"[^\d.,]|$")
_LABELLED = re.compile(rf"(?:{_LABEL})[.\s]?\s?$", re.IGNORECASE)
_ORDINAL = re.compile(r"つ|番目|点目|個目|段階|ステップ|st\b|nd\b|rd\b|th\b")
_POINTS = re.compile(
    r"点(?=に(?:まと|分|絞|整|注)|が(?:あ|挙|重)|を(?:挙|押|ま|覚|守|意)|あ|挙|です|だ|で(?:す|あ)|、|。|から)"
    r"|(?:個|種類|つ)?の(?:ポイント|理由|方法|特徴|観点|側面|要素|要因|視点|コツ|利点|課題|条件|部分|例|質問|柱|原則)"
    r"|(?: [a-z]+)? (?:key |main )?(?:points?|reasons?|ways|steps?|tips?|things|factors|parts|stages|kinds)\b"
)
_COUNTER = re.compile(
    r"[年月日時分秒人名個本枚台件回度倍割円歳才匹頭羽冊軒階段点位番号章票校社店戸杯文軒巻輪句首曲膳皿袋箱株隻夜組足着通話種級坪畳里尺寸石両代家]"
    r"|か月|ヶ月|カ月|週間|世紀|か国|カ国|か所|カ所|箇所|世帯|キロ|メートル|グラム|トン|ドル|ユーロ|リットル|パーセント|％|%"
)
_PAIR = re.compile(r"人|(?: of (?:them|us)| people| men| women| friends| sides)\b")
_DATED = "月日時年"
_MOST_BEFORE = 40
"""Characters before a number in which marks of lists and labels are looked for."""
_MOST_OF_LIST = 100


@dataclass(frozen=True, kw_only=True)
class Grounding:
    """Drop texts with more numbers and names than `most` that are not in their sources.

    Numbers are compared by value: 3万5千 is 35,000, 三割 is 30%, 90分 is 1時間30分, 令和6年 is 2024年, and 約3万 is
    34,120 (`written_numbers.py`). 0, 1 and 二人
    are never facts, nor are numbers of items and headings. Units are not
    compared unless they measure the same. Names are those of `proper_names.py`. Code is left out. A
    text without sources is kept.
    """

    most: NonNegativeInt = 0
    """Greatest number of facts, each counted once, that are not in the sources."""
    numbers: bool = True
    """Whether numbers are facts."""
    names: bool = True
    """Whether names are facts; not so where the text is in another language than its sources."""
    sums: bool = False
    """Whether the sum or the difference of two numbers of the sources is as good as a number of theirs."""
    counts_to: Annotated[int, Limits(at_least=1, at_most=100)] = 10
    """Greatest number that counts points of the text itself, as in "3つのポイント" or "第2に", and is no fact then."""

    def __post_init__(self) -> None:
        check_fields(self)

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        if not made.sources:
            return ""
        invented = self._invented_numbers(made) if self.numbers else 0
        strange = self._invented_names(made) if self.names else 0
        if invented + strange <= self.most:
            return ""
        return "a number that is not in the source" if invented else "a name that is not in the source"

    def _invented_numbers(self, made: Made) -> int:
        evidence = Evidence()
        for source in made.sources:
            evidence.add(normalized(source))
        missing = set()
        for number in self._facts(without_code(made.written)):
            if not evidence.has(number) and not (self.sums and evidence.has_sum(number)):
                missing.add(number.values)
        return len(missing)

    def _invented_names(self, made: Made) -> int:
        source = fold_names("\n".join(made.sources))
        return len({name for name in names_in(without_code(made.written)) if not is_grounded(name, source)})

    def _facts(self, text: str) -> Iterator[Number]:
        """Yield the numbers of a text that state something."""
        for line in normalized(text).split("\n"):
            spans: list[tuple[int, int]] | None = None
            for number in numbers(line):
                if self._is_count(line, number):
                    continue
                if number.kanji:
                    spans = _numerals(line) if spans is None else spans
                    if not _is_numeral(line, number, spans):
                        continue
                yield number

    def _is_count(self, line: str, number: Number) -> bool:
        """Whether a number is 0 or 1, numbers an item or counts points of the text."""
        values = [value for dimension, value in number.values if not dimension]
        if number.parts or not values or max(values).denominator > 1:
            return False
        value, before = max(values), line[max(number.start - _MOST_BEFORE, 0) : number.start]
        if value <= 1 or (value == 2 and _PAIR.match(line, number.stop)):
            return True
        begins = number.start < _MOST_BEFORE and _ITEM.fullmatch(before) is not None
        if value <= _MOST_OF_LIST and begins and line[number.start].isdigit():
            labelled = "#" in before or _LABELLED.search(before) is not None
            if _BEHIND_ITEM.match(line, number.stop) or (labelled and _BEHIND_LABEL.match(line, number.stop)):
                return True
        if value > self.counts_to:
            return False
        behind = _ORDINAL.match(line, number.stop) or _POINTS.match(line, number.stop)
        return behind is not None or _LABELLED.search(before) is not None


def _numerals(line: str) -> list[tuple[int, int]]:
    """Return the places of the numerals of a line: 十 in 十人, but not in 十分 (enough) and 四季."""
    found, place = list[tuple[int, int]](), 0
    for each in morphemes(line):
        at = line.find(each.surface, place)
        if at >= 0:
            place = at + len(each.surface)
            if each.detail == "数":
                found.append((at, place))
            elif value_of(each.surface[:-1]) and each.surface[-1] in _DATED:
                found.append((at, place - 1))  # 六月 is one word
    return found


def _is_numeral(line: str, number: Number, spans: list[tuple[int, int]]) -> bool:
    """Whether kanji of a number are a numeral, and no part of a word; a single one needs a counter behind it."""
    begins = any(start == number.start for start, _ in spans)
    ends = any(stop == number.stop for _, stop in spans)
    return begins and ends and (number.stop - number.start > 1 or _COUNTER.match(line, number.stop) is not None)
