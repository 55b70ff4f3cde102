"""Readers of counting and chance."""

import itertools
import re
from collections.abc import Callable
from fractions import Fraction

from tests.corpus.tasks.school.reading import Answer, numbers, reads

COLOR = "(こげ茶色|黄緑色|だいだい色|桃色|銀色|黄色|金色|茶色|灰色|水色|赤|白|緑|青|黒|紫)"


@reads(r"シャツを(\d+)枚、ズボンを(\d+)本|(\d+)種類のパンと(\d+)種類|(\d+)通りの行き方と(\d+)通りの帰り方")
def outfits(match: re.Match[str], _: str) -> Answer:
    first, second = (int(group) for group in match.groups() if group)
    return Fraction(len(list(itertools.product(range(first), range(second)))))


@reads(r"(\d+)(?:チームが|人が、将棋|人が集まり).*どの")
def round_robin(match: re.Match[str], _: str) -> Answer:
    return Fraction(len(list(itertools.combinations(range(int(match[1])), 2))))


@reads(r"含む(\d+)人が横1列|(\d+)冊のちがう本|(\d+)組の発表の順番|(\d+)か所を1回ずつ|含む(\d+)人のリレー")
def orders(match: re.Match[str], _: str) -> Answer:
    (count,) = (int(group) for group in match.groups() if group)
    ways = 1
    for number in range(2, count + 1):
        ways *= number
    return Fraction(ways)


@reads("当たりくじは全体のどれだけ|当たりの割合")
def share_of_lots(_: re.Match[str], text: str) -> Answer:
    every, winning = numbers(r"(\d+)本", text)
    return Fraction(winning, every)


@reads(r"目の数の([和積差])が(ちょうど)?(\d+)(以上|以下|の倍数|)になる(.*)")
def dice(match: re.Match[str], text: str) -> Answer:
    number = int(match[3])
    combine: Callable[[int, int], int] = {
        "和": lambda a, b: a + b,
        "積": lambda a, b: a * b,
        "差": lambda a, b: abs(a - b),
    }[match[1]]
    holds: Callable[[int], bool] = {
        "以上": lambda value: value >= number,
        "以下": lambda value: value <= number,
        "の倍数": lambda value: value % number == 0,
        "": lambda value: value == number,
    }[match[4]]
    assert bool(match[2]) == (match[4] == "")
    fitting = [pair for pair in itertools.product(range(1, 7), range(1, 7)) if holds(combine(*pair))]
    return Fraction(len(fitting), 36) if "確率" in match[5] else frozenset(fitting)


@reads(r"さいころ.*確率.*1/6")
def meaning(_: re.Match[str], text: str) -> Answer:
    ((sign, _face),) = re.findall(
        r"^([ア-オ]) 何回も多く投げると、(\d)の目が出る割合は1/6に近づく$", text, re.MULTILINE
    )
    return str(sign)


@reads(rf"{COLOR}の(?:玉|カード)が?(\d+)[個枚]")
def balls(_: re.Match[str], text: str) -> Answer:
    contents = [(color, int(count)) for color, count in re.findall(rf"{COLOR}の(?:玉|カード)が?(\d+)[個枚]", text)]
    (first, some), (second, others) = contents[:2]
    things = [first] * some + [second] * others
    places = range(len(things))
    if "同じ色" in text or "一致する" in text:
        draws = list(itertools.combinations(places, 2))
        return Fraction(sum(things[a] == things[b] for a, b in draws), len(draws))
    wanted = re.search(
        rf"(?:少なくとも1個は|2回とも|2回目も|玉が|。){COLOR}(?:の玉である|の玉が1個以上|が出る|である|の玉が出る)",
        text,
    )
    assert wanted, text
    color = wanted[1]
    if "戻さ" in text:
        ordered = list(itertools.permutations(places, 2))
        return Fraction(sum(things[a] == color == things[b] for a, b in ordered), len(ordered))
    if "少なくとも" in text or "1個以上" in text:
        draws = list(itertools.combinations(places, 2))
        return Fraction(sum(color in (things[a], things[b]) for a, b in draws), len(draws))
    return Fraction(things.count(color), len(things))


@reads(r"1から(\d+)までの.*?(\d+)(?:の倍数|でわり切れる)")
def cards(match: re.Match[str], _: str) -> Answer:
    every, of = map(int, match.groups())
    return Fraction(sum(number % of == 0 for number in range(1, every + 1)), every)


@reads(r"(?:(\d+)枚の硬貨を(?:同時|一度)|続けて(\d+)回投げ).*?(?:表がちょうど(\d+)|(\d+)枚だけ表)")
def coins(match: re.Match[str], _: str) -> Answer:
    count, heads = int(match[1] or match[2]), int(match[3] or match[4])
    results = list(itertools.product((0, 1), repeat=count))
    return Fraction(sum(sum(result) == heads for result in results), len(results))


@reads(r"確率は(\d+/\d+)、.*?確率は(\d+/\d+)")
def two_events(match: re.Match[str], text: str) -> Answer:
    first, second = Fraction(match[1]), Fraction(match[2])
    chances = {(True, True): first * second, (False, False): (1 - first) * (1 - second)}
    return 1 - chances[False, False] if "少なくとも" in text else chances[True, True]


@reads(r"1/(\d+).*?(\d+)回(?:投げるとき|の対戦で|引く。).*?ちょうど(\d+)回")
def trials(match: re.Match[str], _: str) -> Answer:
    sides, times, hits = map(int, match.groups())
    outcomes = itertools.product((True, *(False for _ in range(sides - 1))), repeat=times)
    return Fraction(sum(sum(outcome) == hits for outcome in outcomes), sides**times)


@reads("期待値")
def expectation(_: re.Match[str], text: str) -> Answer | None:
    prizes = re.findall(r"(\d+)円(?:の当たり)?が(\d+)本", text)
    if not prizes:
        return None
    lots = [int(prize) for prize, count in prizes for _ in range(int(count))]
    return Fraction(sum(lots), 100)
