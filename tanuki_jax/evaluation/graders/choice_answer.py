"""Answers to multiple-choice questions: in exactly the form that is asked for, and found in free text."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tanuki_jax.evaluation.graders.answer_words import (
    BEHIND,
    CONCLUSION,
    CORRECTED,
    HEADING_LINE,
    IN_FACT,
    LABEL,
    OTHERWISE,
    POINTS_ON,
    REASON,
    REFUSAL,
    REMARK,
    sentences,
)
from tanuki_jax.evaluation.graders.final_answer import after_thinking

_BOX = re.compile(r"\\f?box(?:ed)?\{([^{}]*)\}|<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL)
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}")
_MARKUP = re.compile(r"\*\*|__|`+|\$|^[ \t]*(?:#{1,6}|>|[-*•・](?=\s))[ \t]*", re.MULTILINE)
_KANJI_NUMBER = re.compile(r"(?<![一-龥])([一二三四五六七八九])(?=番)")
_ASKED_FOR = re.compile(
    r"(?:正しい|正解の|正答の|適切な|適当な|適する|ふさわしい|相応しい|当てはまる|あてはまる|該当する|最も[^、。は]{1,16})"
    r"(?:もの|の|選択肢|説明|記述|文|答え|語|番号|記号)?は"
)
"""Words that introduce the option that is right, besides those of any answer."""
_RIGHT_BEHIND = re.compile(
    r"[がはも][^、。]{0,12}?(?:正解|正しい|正答|適切|適当|ふさわしい|相応しい|当てはま|あてはま|答え)(?!のは|くな|か|では)"
    r"|\s+is\s+(?:the\s+)?(?:correct|right|best)\b(?!\s*(?:answer|option|choice)?\s+is)"
)
_DENIED = re.compile(
    r"[\s」』)】]*(?:番|の選択肢)?\s*(?:[^、。\n]{0,40}?(?:[はもが]|→|:|-|=>|⇒)[^、。\n]{0,16}?"
    r"(?:誤り|誤って|間違|不正解|不適|正しくな|正しくあり|適切では|違い|×|✗|❌|ありえ|当てはまら|あてはまら)"
    r"|では?(?:な[いく]|あり(?:ません|得))|じゃな[いく]|でもな[いく])(?![^、。]{0,4}(?:でしょう|か[。?]?$))"
)
_AFFIRMED = re.compile(r"(?:正しい|正解|適切(?:です|な説明)|○|✓|✔|⭕|✅|◯|correct|true)", re.IGNORECASE)
_NOT_AFFIRMED = re.compile(r"(?:不正解|正しくな|適切では|incorrect|×|誤|間違|untrue|not correct)", re.IGNORECASE)
_OWNER = re.compile(r"の(?=[^「『(\s方ほ選両])")
_NEW_CLAUSE = re.compile(r"(?:です|で|だ|であり|だが|が)[、,]|は")
_MARKS = re.compile(r"[\s:：→(]{0,3}([○◯⭕✓✔✅]|[×✗✕❌])")
_SENTENCE = re.compile(
    r"[」』)】]*(?:番)?(?:です|である|だ|でございます|だと思います|と思います|になります|となります|でしょう|かな|と呼ばれます|といいます|と言います)?[。.!」』)】\s]*"
)
_TOPIC = re.compile("(?<!また)(?<!しく)(?<!ある)(?<![でとに])は")
_NAMING = ("選択肢", "選択肢 ", "選択肢の", "番号", "番号は", "記号は", "option ", "Option ", "choice ")
"""Words directly before a label."""
_SIGN = "「『(【\\[\"' "


@dataclass(frozen=True, slots=True)
class ChoiceScores:
    """Three scores of an answer to a multiple-choice question."""

    strict: bool
    """Whether the answer is exactly the right label."""
    flexible: bool
    """Whether free text states the right option, by its label or its text, as its one final answer."""
    control: bool
    """Whether the answer is exactly one of the labels, right or wrong."""


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    stop: int
    option: int
    denied: bool


@dataclass(frozen=True, slots=True)
class _Options:
    labels: tuple[str, ...]
    texts: tuple[str, ...]


def grade_choice(response: str, right: str, labels: Sequence[str], texts: Sequence[str] = ()) -> ChoiceScores:
    """Return the scores of a response to a multiple-choice question.

    Args:
        response: answer; thinking before it is left out.
        right: label of the right option; of a question without labels its text.
        labels: labels of all options, such as 0 to 4 or A to D; empty: the question has shown none.
        texts: texts of the options in the same order; empty: the labels are all there is.
    """
    answer = unicodedata.normalize("NFKC", after_thinking(response).text).strip()
    signs = [unicodedata.normalize("NFKC", label).strip() for label in labels]
    expected = list(labels or texts).index(right)
    return ChoiceScores(
        bool(signs) and answer == signs[expected],
        chosen_option(response, labels, texts) == expected,
        answer in signs,
    )


def chosen_option(response: str, labels: Sequence[str], texts: Sequence[str] = ()) -> int | None:
    """Return the number, from 0, of the one option that a response gives as its final answer; None: none or several.

    Args:
        response: free text; thinking before it is left out.
        labels: labels of the options; empty: the question has shown none.
        texts: texts of the options; empty: the labels are all there is.
    """
    options = _Options(tuple(map(_plain, labels)), tuple(map(_plain, texts)))
    text = _TEXT_COMMAND.sub(r"\1", _plain(after_thinking(response).text))
    alone = [index for index, label in enumerate(options.labels) if text.strip("。. ").casefold() == label.casefold()]
    if alone:
        return alone[0]
    boxes = [match[1] or match[2] or "" for match in _BOX.finditer(text)]
    if boxes:
        return chosen_option(boxes[-1], labels, texts)
    marked = _marked_right(text, options)
    if marked:
        return marked.pop() if len(marked) == 1 else None
    return _stated(_KANJI_NUMBER.sub(lambda match: str("一二三四五六七八九".index(match[1]) + 1), text), options)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", _MARKUP.sub("", text)).strip()


def _marked_right(text: str, options: _Options) -> set[int]:
    """Return the options with a mark such as ○ behind their label, if at least two options have a mark."""
    marks = {
        index: match[1]
        for index, label in enumerate(options.labels)
        for match in re.finditer(rf"(?<![A-Za-z0-9ァ-ヺー]){re.escape(label)}{_MARKS.pattern}", text)
    }
    return {index for index, mark in marks.items() if mark in "○◯⭕✓✔✅"} if len(marks) > 1 else set()


def _stated(text: str, options: _Options) -> int | None:
    """Return the option of the explicit answers, else of the conclusions, else of the verdicts on single options, else
    of all sentences that are neither remarks nor reasons."""
    answers: list[set[int]] = []
    conclusions: list[set[int]] = []
    plain: list[set[int]] = []
    affirmed: set[int] = set()
    pending = False
    for part in sentences(HEADING_LINE.sub("", text)):
        corrected = [match.end() for pattern in (CORRECTED, IN_FACT) for match in pattern.finditer(part)]
        if corrected and _stated_options(part[max(corrected) :], options):
            answers, conclusions, plain, part = [], [], [], part[max(corrected) :]
        if REFUSAL.search(part):
            continue
        body, explicit = _explicit(part, options)
        found = _stated_options(body, options, first=explicit)
        pending, was = explicit and not found and (not body.strip() or bool(POINTS_ON.search(body))), pending
        if not found:
            continue
        affirmed |= found if _AFFIRMED.search(part) and not _NOT_AFFIRMED.search(part) else set()
        if explicit or was or (not (conclusions or plain) and _is_bare(part, options)):
            answers.append(found)
        elif REMARK.search(part) or REASON.search(part):
            continue
        elif CONCLUSION.search(part):
            conclusions.append(found)
        elif OTHERWISE.match(part) and (answers or conclusions):
            (answers or conclusions).append(found)
        else:
            plain.append(found)
    for stated in (answers, conclusions[-1:], [affirmed] if affirmed else [], plain):
        if stated:
            every = set().union(*stated)
            return every.pop() if len(every) == 1 else None
    return None


def _explicit(part: str, options: _Options) -> tuple[str, bool]:
    """Return the part of a sentence that states the answer, and whether the sentence says that it does."""
    labels = [match for pattern in (LABEL, _ASKED_FOR) for match in pattern.finditer(part)]
    if labels:
        last = max(labels, key=lambda match: match.end())
        if part[last.end() :].strip() or not BEHIND.search(part):
            return part[last.end() :], True
    behind = _RIGHT_BEHIND.search(part)
    if behind and _stated_options(part[: behind.start()], options):
        return part[: behind.start()], not _NOT_AFFIRMED.search(part)
    return part, False


def _stated_options(part: str, options: _Options, *, first: bool = False) -> set[int]:
    """Return the options that a sentence names and does not deny: those behind its last topic, if there are any.

    Args:
        part: sentence.
        options: options of the question.
        first: whether only the first option counts, with those joined to it, as behind 「答えは」.
    """
    mentions = list(_mentions(part, options))
    if first:
        mentions = _joined(part, mentions)
    for topic in reversed([match.end() for match in _TOPIC.finditer(part)]):
        behind = [mention for mention in mentions if mention.start >= topic]
        if behind:
            mentions = behind
            break
    named = {mention.option for mention in mentions if not mention.denied}
    owners = {mention.option for mention in mentions if _OWNER.match(part, mention.stop)}
    return named - owners if named - owners else named


def _joined(part: str, mentions: Sequence[_Mention]) -> list[_Mention]:
    """Return the mentions up to the first one behind a new clause."""
    kept: list[_Mention] = []
    for mention in mentions:
        if kept and not kept[-1].denied and _NEW_CLAUSE.search(part[kept[-1].stop : mention.start]):
            break
        kept.append(mention)
    return kept


def _mentions(part: str, options: _Options) -> Iterator[_Mention]:
    """Yield the options that a sentence names, by text or by label, in their order."""
    found: list[_Mention] = []
    taken: list[tuple[int, int]] = []
    for index, text in sorted(enumerate(options.texts), key=lambda pair: -len(pair[1])):
        for match in re.finditer(re.escape(text), part) if text else ():
            if _is_word(part, match) and not any(start < match.end() and match.start() < stop for start, stop in taken):
                taken.append(match.span())
                found.append(_Mention(*match.span(), index, bool(_DENIED.match(part, match.end()))))
    for index, label in enumerate(options.labels):
        for match in _label(label, options).finditer(part):
            if not any(start <= match.start() < stop for start, stop in taken):
                found.append(_Mention(*match.span(), index, bool(_DENIED.match(part, match.end()))))
    yield from sorted(found, key=lambda mention: mention.start)


def _is_word(part: str, match: re.Match[str]) -> bool:
    """Whether an option's text stands in a sentence as a word: リフト does in チェアリフト, and 海 does not in 海岸."""
    text, before, behind = match[0], part[: match.start()][-1:], part[match.end() :][:1]
    if text[0].isascii() and text[0].isalnum() and before and before.isascii() and (before.isalnum() or before in "-_"):
        return False
    if (
        text[-1].isascii()
        and text[-1].isalnum()
        and behind
        and behind.isascii()
        and (behind.isalnum() or behind in "-_")
    ):
        return False
    if text.isdigit() and re.search(r"\d[.,]$", part[: match.start()]):
        return False
    kinds = _script(text[-1]), _script(behind), _script(text[0]), _script(before)
    if kinds[0] == kinds[1] != "other" and kinds[0] != "hiragana":
        return False
    if len(text) == 1 and kinds[2] == kinds[3] == "kanji":
        return False
    return not (len(text) <= 2 and all(_script(sign) == "hiragana" for sign in text) and kinds[3] == "hiragana")


def _script(sign: str) -> str:
    if not sign:
        return "other"
    if "ァ" <= sign <= "ヺ" or sign == "ー":
        return "katakana"
    if "ぁ" <= sign <= "ゖ":
        return "hiragana"
    return "kanji" if "一" <= sign <= "龥" or sign == "々" else "other"


def _label(label: str, options: _Options) -> re.Pattern[str]:
    """Return the pattern of a label that stands for its option: at the end of a sentence, before its text, or named."""
    sign = re.escape(label)
    texts = "|".join(re.escape(text) for text in options.texts if text) or r"(?!)"
    labels = "|".join(map(re.escape, options.labels))
    edge = r"(?<![A-Za-z0-9./\-ァ-ヺー])"
    behind = (
        rf"[\s」』)】\]}}\"']*(?:$|[。、,:!?]|\.(?!\d)|[)）」』】\]]|→|です|である|だ(?!け)|でしょう|番(?!目)|が(?:正|適|最|答|当|ふさ)"
        rf"|[はも](?:正|誤|間|不|適|違|「)|と(?:思|考|な|い(?!う)|判)|で(?:す|は|あ|しょ)|になり"
        rf"|か(?![らな])|や|または|もしくは|と(?:[\s「『(]*(?:{labels})(?![A-Za-z0-9回つ個]))|の両方|の(?:選択肢|方|ほう)"
        rf"|\s+(?:or|is)\b|の?[\s「『(\"'.:]*(?:{texts}))"
    )
    named = "|".join(f"(?<={word})" for word in _NAMING)
    flags = re.IGNORECASE if len(label) > 1 else re.NOFLAG
    return re.compile(rf"{edge}{sign}(?={behind})|(?:{named}){sign}(?![A-Za-z0-9])", flags)


def _is_bare(part: str, options: _Options) -> bool:
    """Whether a sentence is an option and nothing else."""
    mentions = list(_mentions(part, options))
    if not mentions or len({mention.option for mention in mentions}) > 1:
        return False
    before, behind = part[: mentions[0].start], part[mentions[-1].stop :]
    return not before.strip(_SIGN) and bool(_SENTENCE.fullmatch(re.sub(r"\([^()]*\)", "", behind)))
