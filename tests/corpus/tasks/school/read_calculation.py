"""Readers of calculations and of statistics."""

import itertools
import math
import re
import statistics
from fractions import Fraction

from tests.corpus.tasks.school.reading import Answer, numbers, reads

COUNTER = "[個本枚冊]"


@reads("おつり|何円残りますか")
def change(_: re.Match[str], text: str) -> Answer:
    (price,) = numbers(rf"1{COUNTER}(\d+)円", text)
    (count,) = numbers(rf"を(\d+){COUNTER}買", text)
    (paid,) = numbers(r"(\d+)円(?:を出し|で支払|を持って)", text)
    return Fraction(paid - sum(price for _ in range(count)))


@reads("箱は少なくとも|必要な箱は")
def containers(_: re.Match[str], text: str) -> Answer:
    (each,) = numbers(rf"(\d+){COUNTER}(?:まで|ずつ入る)", text)
    (total,) = numbers(rf"(\d+){COUNTER}(?:あります|を、|届き)", text)
    boxes = 0
    while total > 0:
        total, boxes = total - each, boxes + 1
    return Fraction(boxes)


@reads("できるだけ多く")
def left_over(_: re.Match[str], text: str) -> Answer:
    (total,) = numbers(rf"(\d+){COUNTER}(?:を|持って)", text)
    (people,) = numbers(r"(\d+)人", text)
    while total >= people:
        total -= people
    return Fraction(total)


@reads(r"(\d+/\d+)L.*?(\d+/\d+)L")
def add_fractions(match: re.Match[str], _: str) -> Answer:
    return Fraction(match[1]) + Fraction(match[2])


@reads(rf"(\d+){COUNTER}.*?の(\d+)倍より(\d+){COUNTER}多")
def times_as_many(match: re.Match[str], _: str) -> Answer:
    base, times, more = map(int, match.groups())
    return Fraction(sum(base for _ in range(times)) + more)


@reads(r"((?:-?\d+|\(-\d+\))×(?:\d+|\(-\d+\))-(?:\d+|\(-\d+\)))|(\d+\+\d+×\d+)")
def expression(match: re.Match[str], _: str) -> Answer:
    return Fraction(eval(match[0].replace("×", "*")))


@reads(r"(\d+)(?:x\+|倍して|をかけ、|倍に)(\d+)(?:を足すと|を加えると|を足したら|=)(-?\d+)")
def linear(match: re.Match[str], text: str) -> Answer | None:
    if "^" in text:
        return None
    factor, constant, total = map(int, match.groups())
    (x,) = [x for x in range(-200, 201) if factor * x + constant == total]
    return Fraction(x)


@reads(r"(\d+)円のパンと1個(\d+)円のケーキを合わせて(\d+)個(?:買い|買うと、代金は|)、?(\d+)円")
def two_prices(match: re.Match[str], _: str) -> Answer:
    bread, cake, count, total = map(int, match.groups())
    (found,) = [number for number in range(count + 1) if bread * number + cake * (count - number) == total]
    return Fraction(found)


@reads(r"\d+割引")
def discount(_: re.Match[str], text: str) -> Answer:
    (tenths,) = numbers(r"(\d+)割引", text)
    (yen,) = numbers(r"(\d+)円", text)
    rest = 1 - Fraction(tenths, 10)
    return yen / rest if re.search("定価(は|を)(いくら|求め|何円)", text) else yen * rest


@reads(r"初項[がは]?(\d+)、公差[がは]?(\d+).*?(?:第|最初の)(\d+)項")
def progression(match: re.Match[str], text: str) -> Answer:
    first, step, count = map(int, match.groups())
    terms = [first + step * place for place in range(count)]
    return Fraction(sum(terms) if "和" in text else terms[-1])


@reads(
    r"1日目に(\d+)円.*?より(\d+)円ずつ.*?(\d+)日(目に貯金|間)|1列目が(\d+)席.*?(\d+)席ずつ増える。(\d+)列目(の|まで)"
)
def progression_in_a_story(match: re.Match[str], _: str) -> Answer:
    first, step, count = (int(match[group] or match[group + 4]) for group in (1, 2, 3))
    total, term = 0, first
    for _place in range(count):
        total, term = total + term, term + step
    return Fraction(total if (match[4] or match[8]) in ("間", "まで") else term - step)


def polynomial(text: str) -> tuple[int, int, int]:
    """Read the coefficients of a quadratic polynomial."""
    match = re.fullmatch(r"(\d*)x\^2(?:([+-]\d*)x)?([+-]\d+)?", text)
    assert match, text
    linear_part = match[2] + "1" if match[2] in ("+", "-") else match[2] or "0"
    return int(match[1] or 1), int(linear_part), int(match[3] or 0)


@reads(r"(\d*x\^2[\dx+-]*)=0")
def roots(match: re.Match[str], text: str) -> Answer | None:
    if "円" in text:
        return None
    a, b, c = polynomial(match[1])
    return tuple(Fraction(x) for x in range(-100, 101) if a * x * x + b * x + c == 0)


@reads(r"(\d*x\^2[\dx+-]*).*(?:最小値|頂点)")
def lowest(match: re.Match[str], _: str) -> Answer:
    a, b, c = polynomial(match[1])
    return Fraction(c) - Fraction(b * b, 4 * a)


@reads(r"(\d+)人の中から、.*を(\d+)人選ぶ")
def choose(match: re.Match[str], _: str) -> Answer:
    people, chosen = map(int, match.groups())
    row = [1]
    for _step in range(people):  # a row of Pascal's triangle after the other
        row = [1, *(a + b for a, b in itertools.pairwise(row)), 1]
    return Fraction(row[chosen])


@reads(r"(\d+)人(?:の中)?から、.*1人ずつ選ぶ")
def roles(match: re.Match[str], _: str) -> Answer:
    return Fraction(math.perm(int(match[1]), 3))


@reads(r"(\d+(?:、\d+)+)（[点冊台分]）でした。(.*)")
def data(match: re.Match[str], _: str) -> Answer | None:
    values, requested = [*map(int, match[1].split("、"))], match[2]
    exact = [Fraction(value) for value in values]
    if "四分位" in requested:
        ordered = sorted(exact)
        half = len(ordered) // 2
        return statistics.median(ordered[-half:]) - statistics.median(ordered[:half])
    if "標準偏差" in requested:
        return Fraction(math.isqrt(int(statistics.pvariance(exact))))
    if "分散" in requested:
        return statistics.pvariance(exact)
    if "中央値" in requested or "メジアン" in requested:
        return statistics.median(exact)
    if re.search("最頻値|最も多く現れる|モード", requested):
        (mode,) = statistics.multimode(values)
        return Fraction(mode)
    if re.search("差は|引くと|範囲", requested):
        return max(exact) - min(exact)
    return statistics.mean(exact) if "平均" in requested else None


@reads("次のテスト")
def next_score(_: re.Match[str], text: str) -> Answer:
    (count,) = numbers(r"(\d+)回", text)
    mean, wanted = numbers(r"(\d+)点", text)
    (score,) = [score for score in range(500) if mean * count + score == wanted * (count + 1)]
    return Fraction(score)


@reads(rf"(\d+)(?:日間に|人が|日の間).*?平均(\d+){COUNTER}")
def total(match: re.Match[str], _: str) -> Answer:
    return Fraction(int(match[1]) * int(match[2]))


@reads("相対度数")
def relative_frequency(_: re.Match[str], text: str) -> Answer:
    total_count, count = numbers(r"(\d+)人", text)
    return Fraction(count, total_count)


@reads(r"(\d+)人の(?:得点の)?平均点?は(\d+)点、.*?(\d+)人の平均点?は(\d+)点")
def two_groups(match: re.Match[str], _: str) -> Answer:
    first, low, second, high = map(int, match.groups())
    return statistics.mean([Fraction(low)] * first + [Fraction(high)] * second)


@reads(r"分散は(\d+).*?(?:(\d+)倍|y=(\d+)x)")
def changed_variance(match: re.Match[str], _: str) -> Answer:
    times = int(match[2] or match[3])
    return Fraction(int(match[1]) * times * times)
