"""Mathematics in free Japanese text, rewritten to one plain form: without LaTeX, Markdown, full width and kanji digits.

The boxes of LaTeX's boxed and the tags of an answer become ⟦ and ⟧.
"""

import re
import unicodedata

from tanuki_jax.corpus.synthesis.filters.written_numbers import value_of

BOX_OPEN, BOX_CLOSE = "⟦", "⟧"
"""Signs around a boxed answer in the plain form."""
REPEATED = "\u0307"
"""Dot over a digit that is repeated for ever, as in 0.97\\dot{2}."""
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?"
"""Pattern of a number without sign."""
_KANJI = "〇零一二三四五六七八九十百千万億兆"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_SMALL_FRACTION = re.compile("([⁰¹²³⁴⁵⁶⁷⁸⁹]+)[⁄/]([₀₁₂₃₄₅₆₇₈₉]+)")
_MIXED = re.compile("(?<=[0-9０-９])(?=[¼½¾⅐-⅞])")
_CIRCLED = re.compile("[①-⓿❶-➓]")
_MINUS = re.compile("[−‐‑–—﹣]")  # Unicode NFKC leaves them as they are

_INNER = r"\s*\{([^{}]*)\}"
_FRACTION = re.compile(rf"\\[dtc]?frac{_INNER}{_INNER}")
_SHORT_FRACTION = re.compile(r"\\[dtc]?frac\s*(\d)\s*(\d)")
_MIXED_FRACTION = re.compile(rf"(?<![\d/}}^.])(\d+)\s*(?=\\[dtc]?frac\s*\{{\d+\}}{_INNER})")
_ROOT = re.compile(rf"\\sqrt{_INNER}")
_SHORT_ROOT = re.compile(r"\\sqrt\s*(\d)")
_BOX = re.compile(rf"\\f?box(?:ed)?{_INNER}")
_WORDS = re.compile(
    rf"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it|sf)|operatorname|mbox|rm|bm|boldsymbol|underline|overline){_INNER}"
)
_DOT = re.compile(r"\\dot\s*\{?(\d)\}?")
_SYMBOLS = {
    "times": "×", "cdot": "×", "div": "÷", "pm": "±", "approx": "≒", "fallingdotseq": "≒", "simeq": "≒", "sim": "≒",
    "doteqdot": "≒", "doteq": "≒", "leq": "≤", "le": "≤", "leqq": "≤", "geq": "≥", "ge": "≥", "geqq": "≥", "neq": "≠",
    "ne": "≠", "pi": "π", "therefore": "∴", "circ": "°", "cdots": "...", "ldots": "...", "dots": "...",
    "Rightarrow": "⇒", "implies": "⇒", "rightarrow": "⇒", "to": "⇒", "quad": " ", "qquad": " ", "ast": "×",
}  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]+)\*?")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}(?:\{[lcr|]*\})?")
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_INLINE = re.compile(r"(?<!\\)\$(?!\s)([^$\n]+?)(?<![\s\\])\$|(?<!\\)\$ ([^$\n]+?) \$")
_DOLLARS = re.compile(rf"((?:-\s*)?)(?:US)?\$\s?(-?{NUMBER}(?:[万億])?)")
_YEN = re.compile(rf"¥\s?({NUMBER}(?:[万億])?)(?!円)")

_ANSWER_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_RAISED_TAG = re.compile(r"<sup>(.*?)</sup>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:br|b|strong|i|em|sub|p|div|span|u|code)\s*/?>", re.IGNORECASE)
_MARKUP = re.compile(r"\*\*|__|`+|(?<![\d\s)])\*(?=\S)|(?<=[^\s\d(])\*(?![\d(])|~~")
_LINE_START = re.compile(
    r"^[ \t]*(?:>[ \t]*)*(?:#{1,3}(?!#)[ \t]*|#{5,}[ \t]*)?"
    r"(?:[-*•・◦●○■□▪◆]+[ \t]+(?=\S)|・|(?:\(\d{1,2}\)|\d{1,2}[.)])[ \t]+(?=\S))*",
    re.MULTILINE,
)
_ENDLESS = re.compile(r"\d{41,}")
"""Digits of a model that does not stop, which are no number."""
_TIMES = re.compile(r"\*|(?<=\d)[xX](?=\d)|(?<=\d )[xX](?= \d)")
_NUMBERED = re.compile(
    r"(?:ステップ|手順|Step|STEP|step)\s*\d+\s*[:.)]?|(?:段階|その|方法|ケース|パターン)\s*\d+\s*[:.)]\s"
)
_ITEM_SIGN = re.compile(r"\(\d{1,2}\)(?=\s*[^\s\d+×÷*/=^-])")

_COUNTED = (
    r"円|点|度|°|人|個|本|枚|通り|時間|時|分(?!の)|秒|パーセント|%|メートル|センチ|ミリ|キロ|グラム|リットル|ドル|セント"
    r"|歳|才|倍|番目|回|日|月|年|割(?!り)|匹|頭|羽|冊|台|杯|袋|箱|階|か月|ヶ月|カ月|週|平方|立方|π|[a-zA-Z]"
)
_KANJI_SHARE = re.compile(rf"([{_KANJI}\d]+)割(?:([{_KANJI}\d])分(?![の間]))?(?:([{_KANJI}\d])厘)?(?![れりるっ])")
_KANJI_FRACTION = re.compile(rf"([{_KANJI}\d]+)分の([{_KANJI}\d]+)")
_KANJI_RATIO = re.compile(rf"([{_KANJI}]+)\s*/\s*([{_KANJI}]+)")
_KANJI_COUNT = re.compile(rf"(?<![{_KANJI}\d])(?!十分(?![の間後前])|一番(?!目))([{_KANJI}]+)\s*(?={_COUNTED})")
_KANJI_ALONE = re.compile(
    rf"(?:(?<=[はが:=、,「\s⟦(】\]])|^)([{_KANJI}]+)(?=(?:です|である|でしょう|だ|とな|にな|でござ|。|\n|」|、|⟧|\)|$))",
    re.MULTILINE,
)
_SIGNED = rf"-?{NUMBER}(?:/\d+)?"
_SOLVED_PAIR = re.compile(rf"\(\s*([a-z])\s*,\s*([a-z])\s*\)\s*=\s*\(\s*({_SIGNED})\s*,\s*({_SIGNED})\s*\)")
_MYRIADS = re.compile(rf"{NUMBER}(?:[十百千万億兆](?:{NUMBER})?)+")


def plain_maths(text: str) -> str:
    """Return a text with LaTeX, Markdown, full width and kanji numbers in one plain form.

    Fractions become 35/36, mixed numbers 1と2/3, powers x^2, roots √5, amounts of money 18ドル and 1,800円. Signs that
    number the lines of a list are left out, and so is every circled number.
    """
    text = _SMALL_FRACTION.sub(
        lambda match: f" {match[1].translate(_SUPERSCRIPTS)}/{unicodedata.normalize('NFKC', match[2])}", text
    )
    raised = _RAISED.sub(lambda match: "^" + match[0].translate(_SUPERSCRIPTS), text.replace("\r\n", "\n"))
    wide = unicodedata.normalize("NFKC", _CIRCLED.sub(" ", _MIXED.sub("と", raised)))
    plain = _MINUS.sub("-", wide).replace("⁄", "/").replace("〜", "~").replace("\u3000", " ").replace("\u2009", " ")
    plain = _ENDLESS.sub("?", re.sub("[・･]{2,}", "...", plain))
    for sign in "≈≅≃":
        plain = plain.replace(sign, "≒")
    plain = _without_latex(plain)
    plain = _DOLLARS.sub(r"\1\2ドル", plain).replace("$", "")
    plain = _YEN.sub(r"\1円", plain)
    return _SOLVED_PAIR.sub(r"\1 = \3, \2 = \4", _with_digits(_without_markup(plain)))


def _without_latex(text: str) -> str:
    text = re.sub(r"\\([%$#&_])", lambda match: "¤" if match[1] == "$" else match[1], text)
    text = _DISPLAYED.sub(r"\n\1\n", text)
    text = _INLINE.sub(lambda match: match[1] or match[2], text).replace("¤", "$")
    text = re.sub(r"\\[\[\]]", "\n", re.sub(r"\\[()]", "", text))
    text = _ENVIRONMENT.sub("\n", text)
    text = re.sub(r"\\\\(?:\[[^\]]*\])?", "\n", text)
    text = re.sub(r"\\(?:left|right|big|Big|displaystyle|limits)(?![A-Za-z])\.?|\\[,;:! ]", " ", text)
    text = text.replace("{,}", ",").replace("&=", "=").replace("&≒", "≒")
    text = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", _SHORT_ROOT.sub(r"\\sqrt{\1}", _DOT.sub(rf"\1{REPEATED}", text)))
    text = _MIXED_FRACTION.sub(r"\1と", text)
    text = re.sub(r"\\(\w+)", lambda match: _SYMBOLS.get(match[1], match[0]), text)
    before = ""
    while before != text:
        before = text
        text = _WORDS.sub(r"\1", text)
        text = _ROOT.sub(lambda match: f"√{_grouped(match[1])}", text)
        text = _FRACTION.sub(lambda match: f"{_grouped(match[1])}/{_grouped(match[2])}", text)
        text = re.sub(r"([\^_])\s*\{([^{}\\]*)\}", lambda match: match[1] + _grouped(match[2]), text)
        text = _BOX.sub(rf"{BOX_OPEN}\1{BOX_CLOSE}", text)
    text = text.replace("^°", "°")
    return re.sub(r"[{}]", "", _COMMAND.sub(" ", text)).replace("\\", " ")


def _grouped(part: str) -> str:
    """Return a part of a formula, in parentheses if it is more than one number or name."""
    part = part.strip()
    return part if re.fullmatch(rf"-?(?:{NUMBER})?(?:√\d+)?[A-Zπa-z°]?|[A-Za-z]+", part) else f"({part})"


def _without_markup(text: str) -> str:
    text = _ANSWER_TAG.sub(rf"{BOX_OPEN}\1{BOX_CLOSE}", text)
    text = _TAG.sub(lambda match: "\n" if match[0][1:3].lower() == "br" else "", _RAISED_TAG.sub(r"^\1", text))
    text = _LINE_START.sub("", _MARKUP.sub("", text))
    text = _ITEM_SIGN.sub(" ", _NUMBERED.sub(" ", text))
    return _TIMES.sub("×", text)


def _with_digits(text: str) -> str:
    """Write numbers in kanji, also those with digits before them, such as 3万5千, with digits alone."""
    text = _KANJI_SHARE.sub(_share_in_digits, text).replace("ルート", "√")
    text = _KANJI_FRACTION.sub(lambda match: f"{_digits(match[1])}分の{_digits(match[2])}", text)
    text = _KANJI_RATIO.sub(lambda match: f"{_digits(match[1])}/{_digits(match[2])}", text)
    text = _KANJI_COUNT.sub(lambda match: _digits(match[1]), text)
    text = _KANJI_ALONE.sub(lambda match: _digits(match[1]), text)
    return _MYRIADS.sub(lambda match: _digits(match[0]), text)


def _share_in_digits(match: re.Match[str]) -> str:
    return "".join(_digits(match[part]) + sign for part, sign in ((1, "割"), (2, "分"), (3, "厘")) if match[part])


def _digits(numeral: str) -> str:
    value = value_of(numeral)
    if value is None:
        return numeral
    return str(value.numerator) if value.denominator == 1 else format(float(value), ".10g")
