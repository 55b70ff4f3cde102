"""Verdicts of judges, read from their judgments: ratings, pairwise comparisons, and right or wrong.

Sources: ratings and [[A]], [[B]], [[C]] are the forms of MT-Bench (lm-sys/FastChat, llm_judge/common.py), [[A>>B]] to
[[B>>A]] those of arena-hard (lmarena/arena-hard-auto, utils/judge_utils.py). FastChat reads the first rating of a
judgment, arena-hard the last verdict; here the last counts, since judges quote the form before they use it. Some judges
(Claude Haiku among them) write [[rating: 8]] for [[8]]. Verdicts in single brackets, which FastChat and arena-hard read
where there are none in double ones, are not read here: they are also citations and indices.
"""

import re
import unicodedata
from typing import Literal

type Pairwise = Literal["A>>B", "A>B", "A=B", "B>A", "B>>A"]
"""Verdict on two answers, A and B; [[A]] is "A>B", and [[C]], a tie, is "A=B"."""

_BRACKETS = re.compile(r"\[\s*\[([^\[\]\n]{1,24})\]\s*\]")
_RATING = re.compile(
    r"(?:(?:rating|score|評価|評点|点数|スコア)\s*[:=]?)?\s*(\d+(?:\.\d*)?)\s*(?:点|/\s*10)?", re.IGNORECASE
)
_COMPARISON = re.compile(r"[ABC]|[ABC<>=]*[<>=][ABC<>=]*|[A-Z]")
_PAIRWISE: dict[str, Pairwise] = {
    "A": "A>B", "B": "B>A", "C": "A=B",
    "A>>B": "A>>B", "A>B": "A>B", "A=B": "A=B", "B=A": "A=B", "B>A": "B>A", "B>>A": "B>>A",
}  # fmt: skip

_PREDICATE = (
    r"(?=\s*(?:です|でした|である|だ|と(?:判|評|なり|みな|し|言え|いえ|考え)|になり|[。.!,、」』\])】*]|\Z|\n))"
)
_WRONG = re.compile(
    r"(?<!not )\bINCORRECT\b|(?<!not )\bWRONG\b|\bpartially correct\b|(?:\bnot|n't)(?:\s+\w+)?\s+correct\b(?! answer)"
    rf"|(?:不正解|誤り|誤答|間違い|不正確|不適切){_PREDICATE}|誤って(?:います|いる|おり)|間違って(?:います|いる|おり)"
    r"|正しくな(?:い|く)|正しくありません|正し(?:い|いもの)(?:と|で)は(?:言え|いえ|ありません)"
    r"|(?<!不)正解(?:で|と)は(?:な|あり|言え|いえ)",
    re.MULTILINE | re.IGNORECASE,
)
_RIGHT = re.compile(
    r"\bCORRECT\b(?!\s+(?:answer|solution|value|result|response|option|choice|approach|method|formula))"
    rf"|(?<!不)(?:正解|正答|正しい){_PREDICATE}|正しいです",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\s*(?:で|と)は(?:な|あり|言え|いえ)|\s*(?:で|と)?は?(?:いえ|言え)(?:ない|ません)")
_LABEL = re.compile(
    r"判定|判断|結論|評価|結果|採点|verdict|judg|grade|grading|final|conclusion|result|したがって|よって|以上",
    re.IGNORECASE,
)


def rating(judgment: str) -> float | None:
    """Return the last rating of a judgment, from 1 to 10, such as [[8]] or [[ 8.5 ]]; None: the last one is no such
    number, or there is none."""
    stated = [content for content in _contents(judgment) if any(map(str.isdigit, content))]
    match = _RATING.fullmatch(stated[-1]) if stated else None
    value = float(match[1]) if match else 0.0
    return value if 1 <= value <= 10 else None


def pairwise_verdict(judgment: str) -> Pairwise | None:
    """Return the last verdict on two answers of a judgment, in either form; None: the last one is no such verdict, or
    there is none."""
    contents = [
        re.sub(r"\s", "", content).replace("≫", ">>").replace("≪", "<<").upper() for content in _contents(judgment)
    ]
    stated = [content for content in contents if _COMPARISON.fullmatch(content)]
    return _PAIRWISE.get(stated[-1]) if stated else None


def correctness(judgment: str) -> bool | None:
    """Whether a judgment says that an answer is right: CORRECT or 正解, against INCORRECT, 不正解 or 誤り.

    If it says both, the last line counts that is a verdict alone, or else the last one that announces one and says one
    thing. None: it says neither, or both without such a line.
    """
    text = unicodedata.normalize("NFKC", judgment)
    said = _said(text)
    if len(said) == 1:
        return said.pop()
    lines = [line for line in text.splitlines() if len(_said(line)) == 1]
    alone = [line for line in lines if _is_verdict_alone(line)]
    announced = [line for line in lines if _LABEL.search(line)]
    for found in (alone, announced):
        if found and len(said) == 2:
            return _said(found[-1]).pop()
    return None


def _contents(judgment: str) -> list[str]:
    """Return what stands in double brackets, without markup around it."""
    text = unicodedata.normalize("NFKC", judgment).replace("\\", "")
    return [match[1].strip().strip("*_`\"'").strip() for match in _BRACKETS.finditer(text)]


def _said(text: str) -> set[bool]:
    wrong = [match.span() for match in _WRONG.finditer(text) if not _DENIED.match(text, match.end())]
    right = [
        match
        for match in _RIGHT.finditer(text)
        if not any(start < match.end() and match.start() < stop for start, stop in wrong)
        and not _is_inside_wrong(text, match)
    ]
    return ({False} if wrong else set()) | ({True} if right else set())


def _is_inside_wrong(text: str, match: re.Match[str]) -> bool:
    """Whether the word belongs to a denied verdict, such as NOT INCORRECT or 正解ではない."""
    return any(other.start() <= match.start() < other.end() for other in _WRONG.finditer(text))


def _is_verdict_alone(line: str) -> bool:
    words = re.sub(r"[\W_]", "", _LABEL.sub("", line))
    words = re.sub(r"です|でした|である|この|回答|解答|答え|は|the|answer|is|\w*ment", "", words, flags=re.IGNORECASE)
    return len(words) <= 12 and bool(_WRONG.search(line) or _RIGHT.search(line)) and not re.search(r"[、,]", line)
