"""Values that a sentence of a solution claims: its last amount, the amounts joined with it, and their subject."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tanuki_jax.evaluation.graders.amounts import Amount, amounts
from tanuki_jax.evaluation.graders.answer_units import BARE, unit_at

_BRACKETS = re.compile(r"\(([^()]*)\)")
_POINT = re.compile(r"\s*-?[\d.]+\s*[,、]\s*-?[\d.]+\s*")
_OTHERWISE = re.compile(r"(?:または|又は|もしくは|あるいは|それとも|or\b)")
_AT_END = re.compile(r"\s*(?:です|とな|にな|だ|である)?[^、。]{0,6}[。!]*")
_SIMPLE_FRACTION = re.compile(r"\d+\s*/\s*\d+")
_CALCULATION = re.compile(r"[\dπ)°%a-z]\s*(?:[+×÷/±]|-(?=\s*[\d(√]))\s*[\d(√πa-z-]")
_OPERATOR_BEFORE = re.compile(r"(?:[+×÷^±/√≠≤≥<>]|\d\s*:|[\w)°%π]\s*-)[\s(]*$")
_OPERATOR_BEHIND = re.compile(
    r"[\s)]*(?:[+×÷^±]|/(?=\s*[\d(a-zπ√])|:(?=\s*\d)|-\s*(?=[\d(√a-zπ]))|\s?\(\s*-?[\da-z]|[b-z](?![a-z])|a(?=\s*[-+×÷=^(])"
)
_BOUND = re.compile(
    r"[)」]?\s*(?:以上|以下|未満|より(?![、])|を?超え|以外|つの|回目|の倍数|の約数|の目|の位|[がは]?出る|が出た"
    r"|を(?:代入|引|足|掛|割|除|加|かけ|使|た(?:す|し)|ひ(?:く|い)|移項|約分|通分)|で(?:割|わ(?:る|り|っ)|約分)|に(?:掛|足|加)|倍[すし]"
    r"|通り?中|枚中|個中|人中|回中|中、|のうち|引き|割引|桁|乗|次|年生|安く|ずつ|(?:の|に)とき|の場合|に(?:なる|なった|なら)(?:のは|場合|とき|確率|組|通|目|条)"
    r"|と(?:お(?:く|き|いて)|置|仮定|すると|する。|します)|までの|のような|に?かどうか|という(?:[ご御]?質問|問題|計算)|から(?=[^、。]*(?:引|ひ[いく]|除|減)))"
)
_OFF = re.compile(r"割?引き?")
_NEGATED = re.compile(
    r"[\s.…」』)]*(?:円|個)?(?:でも?は?な[いく]|でも?はあ(?:りません|り得)|じゃな[いく]|じゃありません|とは限り|とは言え)"
)
_WONDERED = re.compile(
    r"[\s」』)]*では?(?:ない(?:か|でしょう)|ありません(?:か|でしょう))|[\s」』)]*じゃない(?:か|でしょう)"
)
_WEAK = re.compile(
    r"[)」]?(?:の(?!です|だ|は|\d+(?:つ|個|組|通り|種類)|どちら|いずれ|両方|どれ|$)|あたり|につき|ごと|おき|分の|間(?:に|で))"
)
_TOPIC_BEHIND = re.compile(r"[)」』]*[はも](?![ず、])")
_WHILE = re.compile(r"(?:に(?!な)|で(?![すあはし]))")
_CHAIN = re.compile(r"[)\s]*(?:[=≒⇒]|すなわち|つまり|(?:約分|通分)すると)\s*[約(]*(?:およそ)?\s*(?:[時分秒]速)?\s*")
_JOINT = re.compile(
    r"(?:\s|[、,・&]|と|か|や|または|又は|もしくは|あるいは|それとも|および|及び|そして|or|and|から|~|;|[a-zA-Z]\d?\s*[=:は]|約|およそ|[」「)(])+"
)
_EITHER = re.compile(r"か|または|又は|もしくは|あるいは|それとも|\bor\b|から|~")
_BREAK = re.compile(r"[、。,;]|です|ます|だが|となり|になり|であり|⇒|て\s*$")
_SOLVED = re.compile(r"(?:^|[ぁ-んァ-ヶ一-龥、。:⇒])\s*[a-zA-Z]\s*[=≒]\s*$")
_SUBORDINATE = re.compile(
    r"[^、。]*(?:ので|から|ため(?:に)?|とき(?:に|は|には)?|場合(?:に|は|には)?|(?<=[るすうくつむぶぐいん])と|(?<=です|ます)と|ば|たら|なら|とすると"
    r"|として|より|と(?:考え|思[いっ]|思われ)[^、]*が|のに対し|に対して|ように|うち)$"
)

_NEAR = 60
"""Characters around an amount that decide whether it is a claim."""
_TOPIC = re.compile(r"(?:[はも]|(?<!です)(?<!ます)(?<!せん)(?<![ただるいう])が)\s*$")


@dataclass(frozen=True, slots=True)
class Claim:
    """Amounts that a sentence claims together."""

    amounts: tuple[Amount, ...]
    """One amount, or those joined with it by と, か or a comma."""
    beside: tuple[Amount, ...] = ()
    """Amounts that say the same in another way: sides of an equation, and what stands in brackets."""
    subject: str = ""
    """Text before them, such as 3以上になる確率は."""
    either: bool = False
    """Whether they are joined by または, か or another word that leaves open which of them is meant."""
    weak: bool = False
    """Whether they belong to a noun behind them, as in 18ドルの収入."""


@dataclass(slots=True)
class _Group:
    """Amounts between two breaks of a sentence."""

    start: int
    members: list[Amount]
    stop: int = 0
    """Begin of the next group."""


def claims_of(sentence: str, fits: Callable[[Amount], bool] = lambda amount: True) -> list[Claim]:
    """Return the claims of a sentence of a `plain_maths` text, without amounts that are conditions, operands, denied or
    given as reasons before another claim.

    Args:
        sentence: sentence.
        fits: function that says whether an amount may be claimed, such as by its unit.
    """
    main, asides = _without_brackets(sentence)
    found = amounts(main)
    if not found:
        last = [content for place, content in asides if _AT_END.fullmatch(main[place + len(content) + 2 :])]
        return [claim for content in last for claim in claims_of(content, fits)]
    groups = _grouped(main, found)
    reasons = [_is_reason(main, group) for group in groups]
    for group, later, reason in zip(groups, groups[1:], reasons, strict=False):
        if not reason and not any(_strength(main, amount) for amount in group.members):
            later.start = group.start  # a condition, such as 3以上になる確率は、
    kept: list[Claim] = []
    for group, reason in zip(reversed(groups), reversed(reasons), strict=True):
        if not (reason and kept) and (claim := _claim(main, group, asides, fits)):
            kept.append(claim)
    return kept[::-1]


def _without_brackets(sentence: str) -> tuple[str, list[tuple[int, str]]]:
    """Return the sentence with spaces for what brackets add to it, and these additions with their places."""
    asides: list[tuple[int, str]] = []

    def replaced(match: re.Match[str]) -> str:
        content, before = match[1], sentence[: match.start()].rstrip()
        if _POINT.fullmatch(content):
            return " " * len(match[0])
        if not any(map(str.isdigit, content)):
            is_unit = unit_at(sentence, match.start())[0] != BARE or re.fullmatch(r"[a-zA-Zπ]{1,3}", content)
            return match[0] if is_unit else " " * len(match[0])
        behind = sentence[match.end() :].lstrip()[:1]
        if (
            not before
            or before[-1] in "+-×÷*/^=≒√"
            or behind in tuple("+×÷*/^")
            or re.search(r"[a-z]$|(?<![A-Z])[A-Z]$", before)
        ):
            return match[0]
        bare = _SIMPLE_FRACTION.sub("1", content.lstrip("=≒約 "))
        if _CALCULATION.search(bare) and "=" not in bare:
            is_factor = re.search(r"(?<![\d.])\d+$", before) and re.search("[a-z]|[+-]", content)
            return match[0] if is_factor and match.start() == len(before) else " " * len(match[0])
        asides.append((match.start(), content))
        return " " * len(match[0])

    return _BRACKETS.sub(replaced, sentence), asides


def _grouped(text: str, found: list[Amount]) -> list[_Group]:
    groups = [_Group(0, [found[0]], len(text))]
    for amount in found[1:]:
        last = groups[-1].members[-1]
        between = text[last.stop : amount.start]
        if _BREAK.search(between) and not _CHAIN.fullmatch(between) and not _JOINT.fullmatch(between):
            groups[-1].stop = last.stop + _first_break(between)
            groups.append(_Group(groups[-1].stop, [amount], len(text)))
        else:
            groups[-1].members.append(amount)
    return groups


def _is_reason(text: str, group: _Group) -> bool:
    """Whether a group belongs to a clause that gives a reason or a condition, such as 35通りなので、."""
    return bool(_SUBORDINATE.fullmatch(text[group.members[-1].stop : group.stop].rstrip("、, ").strip()))


def _first_break(between: str) -> int:
    """Return where the first break of a text ends."""
    match = _BREAK.search(between)
    assert match is not None, between
    return match.end()


def _claim(text: str, group: _Group, asides: list[tuple[int, str]], fits: Callable[[Amount], bool]) -> Claim | None:
    strength = [_strength(text, amount) if fits(amount) else 0 for amount in group.members]
    best = max(strength)
    if best == 0:
        return None
    last = max(index for index, value in enumerate(strength) if value == best)
    if _is_unsolved(text, group, last):
        return None
    run, beside, either = [group.members[last]], [], False
    for index in range(last - 1, -1, -1):
        between = text[group.members[index].stop : group.members[index + 1].start]
        if _CHAIN.fullmatch(between):
            if strength[index] and "⇒" not in between:
                beside.append(group.members[index])
        elif _JOINT.fullmatch(between) and between.strip() and strength[index]:
            run.append(group.members[index])
            either = either or bool(_EITHER.search(between))
        else:
            break
    first = min(run + beside, key=lambda amount: amount.start)
    for place, content in asides:
        if first.start <= place <= group.stop and not text[run[0].stop : place].strip():
            additions = [amount for claim in claims_of(content) for amount in claim.amounts]
            either = either or bool(_OTHERWISE.match(content))
            (run if _OTHERWISE.match(content) else beside).extend(additions)
        elif first.start <= place < run[0].start:
            beside.extend(amount for claim in claims_of(content) for amount in claim.amounts)
    weak = bool(_WEAK.match(text[run[0].stop :]))
    return Claim(tuple(reversed(run)), tuple(beside), _subject(text[group.start : first.start]), either, weak)


def _strength(text: str, amount: Amount) -> int:
    """Return 0 for an amount that is no claim, 1 for one that belongs to a noun or says when, else 2."""
    behind, before = text[amount.stop : amount.stop + _NEAR], text[max(amount.start - _NEAR, 0) : amount.start]
    if _OPERATOR_BEFORE.search(before) or _OPERATOR_BEHIND.match(behind):
        return 0
    if _BOUND.match(behind) and not (amount.unit.dimension == "share" and _OFF.match(behind)):
        return 0
    if _NEGATED.match(behind) and not _WONDERED.match(behind):
        return 0
    if _TOPIC_BEHIND.match(behind):
        return 0
    if amount.unit.name in ("つ", "個", "組", "種類", "通り") and before.endswith("の"):
        return 0
    if _WEAK.match(behind) or (amount.unit.dimension in ("time", "months") and _WHILE.match(behind)):
        return 1
    return 2


def _is_unsolved(text: str, group: _Group, last: int) -> bool:
    """Whether the amount is a side of an equation whose first side has a variable in a calculation, such as 3x = 12."""
    before = text[: group.members[last].start]
    for amount in reversed(group.members[:last]):
        bare = amount.written.ljust(amount.stop - amount.start)
        before = before[: amount.start] + bare + before[amount.stop :]
    before = before[group.start :]
    if _SOLVED.search(before):
        return False
    start = max(before.rfind(sign) for sign in "、,。") + 1
    sides = re.split(r"[=≒]", before[start:])
    return len(sides) > 1 and bool(
        re.search(
            r"[\d-]\s*[a-z](?![a-z])|[a-z]\s*[-+×÷^]\s*[\d(a-z]|[\d)]\s*[-+×÷]\s*\(?[a-z](?![a-z])|\)\s*\(", sides[0]
        )
    )


def _subject(before: str) -> str:
    """Return the part of a text that says what the amount behind it is."""
    before, *sides = re.split(r"[=≒]", before)
    if sides and re.search(r"\d", before):
        before = before[: max(before.rfind("は"), before.rfind("が")) + 1]
    *others, last = re.split(r"[、,。]", before)
    last = re.split(r"(?:なので|ので|だから|ため|ことから)", last)[-1].strip()
    if last:
        return last
    return next((piece.strip() for piece in reversed(others) if _TOPIC.search(piece)), "")
