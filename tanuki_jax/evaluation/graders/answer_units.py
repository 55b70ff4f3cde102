"""Units of answers in Japanese and English, with their factors, and counters, which are not converted."""

import re
from dataclasses import dataclass
from fractions import Fraction

_TABLE = {
    "length": "mm=1/1000 ミリメートル=1/1000 ミリ=1/1000 cm=1/100 センチメートル=1/100 センチ=1/100 m=1 メートル=1 "
    "meters=1 metres=1 km=1000 キロメートル=1000 キロ=1000 マイル=1609.344 miles=1609.344 mile=1609.344 "
    "フィート=0.3048 feet=0.3048 インチ=0.0254 inches=0.0254",
    "area": "mm^2=1/1000000 mm2=1/1000000 cm^2=1/10000 cm2=1/10000 平方センチメートル=1/10000 平方センチ=1/10000 "
    "m^2=1 m2=1 平方メートル=1 平米=1 アール=100 ha=10000 ヘクタール=10000 km^2=1000000 km2=1000000 "
    "平方キロメートル=1000000 平方キロ=1000000",
    "volume": "mm^3=1/1000000 mm3=1/1000000 cm^3=1/1000 cm3=1/1000 立方センチメートル=1/1000 立方センチ=1/1000 "
    "cc=1/1000 mL=1/1000 ml=1/1000 ミリリットル=1/1000 dL=1/10 dl=1/10 デシリットル=1/10 L=1 l=1 リットル=1 "
    "liters=1 litres=1 m^3=1000 m3=1000 立方メートル=1000 kL=1000",
    "mass": "mg=1/1000 ミリグラム=1/1000 g=1 グラム=1 grams=1 kg=1000 キログラム=1000 t=1000000 トン=1000000 "
    "ポンド=453.59237 pounds=453.59237",
    "time": "秒間=1 秒=1 seconds=1 second=1 分間=60 分=60 minutes=60 minute=60 min=60 時間=3600 hours=3600 hour=3600 "
    "h=3600 日間=86400 日=86400 days=86400 day=86400 週間=604800 weeks=604800 week=604800",
    "months": "か月間=1 か月=1 ヶ月=1 カ月=1 ヵ月=1 ケ月=1 箇月=1 months=1 month=1",
    "yen": "円=1 yen=1 銭=1/100",
    "dollars": "ドル=1 dollars=1 dollar=1 USD=1 セント=1/100 cents=1/100",
    "euros": "ユーロ=1 euros=1",
    "degrees": "°=1 度=1 degrees=1 °C=1",
    "share": "%=1/100 パーセント=1/100 percent=1/100 ‰=1/1000",
}
"""Dimension -> its units with their factors to one of them."""
_SPEED_TIMES = {
    "時": 3600, "時間": 3600, "hour": 3600, "hr": 3600, "h": 3600, "分": 60, "min": 60, "秒": 1, "sec": 1, "s": 1,
    "日": 86400,
}  # fmt: skip
COUNTER = (
    "(?:個|本|枚|通り|とおり|人|名|匹|頭|羽|冊|台|点|ポイント|回目|回|歳|才|倍|年後|年前|年間|年目|日後|日前|分後|分前"
    "|時間後|時間前|か月後|週間後|年|日目|番目|番|杯|袋|箱|足|巻|着|皿|組|列|段|種類|輪|束|切れ|粒|カップ|パック|ダース|つ|件|問|ページ|階|章|試合|票"
    "|字|文字|語|桁|cal|カロリー|ギガバイト|GB|票|口|株|軒|室|部屋|席|班|周|歩|球|棟|社|校|カ国|か国|ヶ所|か所)"
)
"""Pattern of words that count things."""
_SPECIAL = frozenset({"倍", "日後", "日前", "歳", "点", "番目", "回目", "日目", "桁", "か月後", "週間後"})
"""Counters that no other stands for."""
_SAME = {"才": "歳", "番": "番目", "ポイント": "点"}
"""Counter -> one that means the same."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Unit of an amount."""

    dimension: str
    """Kind of quantity, such as "length" or "speed"; "count" for counters; empty: a bare number."""
    factor: Fraction = Fraction(1)
    """Number of base units of the dimension in one of it."""
    name: str = ""
    """Word of a counter."""

    def counts_like(self, other: "Unit") -> bool:
        """Whether two counters may stand for each other: 個 and 本 may, but 年後 and 倍 count nothing else."""
        own, its = (_SAME.get(unit.name, unit.name) for unit in (self, other))
        if own.startswith("年") or its.startswith("年"):
            return own[:1] == its[:1] and {own[-1], its[-1]} != {"後", "前"}
        return own.startswith(its) or its.startswith(own) or not {own, its} & _SPECIAL


BARE = Unit("")
"""Absence of a unit."""
_UNITS = {
    name: Unit(dimension, Fraction(factor))
    for dimension, row in _TABLE.items()
    for name, factor in (cell.split("=") for cell in row.split())
}
_LENGTHS = [name for name, unit in _UNITS.items() if unit.dimension == "length"]
_SPEEDS = {
    f"{length}{sign}{time}": Unit("speed", _UNITS[length].factor / seconds)
    for length in _LENGTHS
    for sign in ("/", "毎")
    for time, seconds in _SPEED_TIMES.items()
}
_ALL = _UNITS | _SPEEDS
_NAMES = sorted(_ALL, key=len, reverse=True)
_UNIT = re.compile(
    rf"\s?\(?(?:({'|'.join(map(re.escape, _NAMES))})(?![a-zA-Z^])(?!(?<=\d)\d)|({COUNTER}))\)?", re.IGNORECASE
)
_SPEED_BEFORE = re.compile(r"([時分秒])速\s*(?:約|およそ)?\s*-?$|毎([時分秒])\s*(?:約)?\s*-?$")
_LATER = re.compile(r"\s?(?:後|前|目|間)")


def unit_at(text: str, position: int) -> tuple[Unit, int]:
    """Return the unit that begins at a position of a plain text, after at most one space, and where it ends."""
    match = _UNIT.match(text, position)
    if match is None or (match[0].lstrip()[:1] == "(") != (match[0][-1:] == ")"):
        return (BARE, position) if match is None else _unclosed(match, position)
    return _unit(match), match.end()


def _unclosed(match: re.Match[str], position: int) -> tuple[Unit, int]:
    """Return the unit of a match with one parenthesis, which belongs to the sentence."""
    if match[0].lstrip()[:1] == "(":
        return BARE, position
    return _unit(match), match.end(1) if match[1] else match.end(2)


def _unit(match: re.Match[str]) -> Unit:
    if match[2]:
        return Unit("count", name=match[2])
    return _ALL.get(match[1]) or next(unit for name, unit in _ALL.items() if name.lower() == match[1].lower())


def speed_before(text: str, position: int, unit: Unit) -> Unit:
    """Return the unit of a speed if 時速, 分速 or 秒速 stands before the length at a position, else the unit itself."""
    before = _SPEED_BEFORE.search(text[max(position - 8, 0) : position])
    if before is None or unit.dimension not in ("length", ""):
        return unit
    return Unit("speed", unit.factor / _SPEED_TIMES[before[1] or before[2]])


def unit_named(name: str) -> Unit:
    """Return the unit of a name such as "km/h", "時速km", "cm²", "%" or "個"; an unknown name counts things."""
    if not name:
        return BARE
    plain = name.replace("²", "^2").replace("³", "^3").replace("％", "%")
    if plain[:2] in ("時速", "分速", "秒速"):
        return speed_before(plain[:2], 2, _ALL.get(plain[2:], BARE))
    return _ALL.get(plain) or Unit("count", name=plain)
