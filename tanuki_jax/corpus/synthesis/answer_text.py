"""The part of a teacher's answer that was wanted: without announcements, code fences and labels around it."""

import json
import re
from collections.abc import Mapping

from tanuki_jax.corpus.synthesis.quoting import has_special_tokens
from tanuki_jax.corpus.synthesis.recipe import Dropped

QUESTION = ("質問", "問題", "課題", "設問", "問い", "問", "question", "task", "q")
"""Labels of a question or a task."""
ANSWER = ("回答", "解答", "答え", "正解", "答", "answer", "a")
"""Labels of its answer."""
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A(`{3,}|~{3,})[^\n`]*\n(.*?)\n?\1\s*\Z", re.DOTALL)
_TAGS = re.compile(r"\A<(text|answer|output|question)(?:-\d+)?>\s*(.*?)\s*</\1(?:-\d+)?>\s*\Z", re.DOTALL)
_OPENER = (
    r"(?:(?:はい、?)?(?:もちろんです|承知(?:いた)?しました|[わ分]かりました|了解(?:いた)?しました|かしこまりました)"
    r"[。、！!]?[^\S\n]*)"
)
_MADE = r"(?:作成|生成|用意|翻訳|要約|回答)(?:いた)?しました|(?:書き|作り|訳し|まとめ)(?:直し)?ました"
_WORK = (
    "質問|問題|課題|回答|解答|答え|文章|要約|翻訳|訳文|記事|一節|対話|随筆|小論|報告書|物語|原稿|手紙|討論|インタビュー"
    "|手順書|項目|用語集|年表|解説|台本|クイズ|ノート|教材|JSON"
)
_SURE = r"(?:sure|certainly|of course|okay|ok|absolutely|great|understood)"
_WORK_ENGLISH = (
    "translat|text|question|answer|task|exercise|summary|article|section|dialogue|conversation|essay|report|story"
    "|lecture|letter|page|faq|explanation|debate|interview|instructions|table|problem|entry|list|facts|glossary|timeline"
    "|script|quiz|notes|thread|comparison|lesson|version|json"
)
_ANNOUNCEMENT = re.compile(
    r"\A(?:"
    rf"{_OPENER}+\n"
    rf"|{_OPENER}*(?:以下|次)の(?:通り|とおり)です[。：:][^\S\n]*\n"
    rf"|{_OPENER}*(?:[^\n。]{{0,30}}、)?(?:以下|下記|こちらが|次の(?:通り|とおり))"
    rf"[^\n。]{{0,40}}(?:{_WORK}|{_MADE})[^\n。]{{0,30}}[。！!：:][^\S\n]*\n"
    rf"|{_OPENER}*[^\n。]{{0,40}}(?:{_WORK})[^\n。]{{0,9}}(?:{_MADE})[。！!：:][^\S\n]*\n"
    rf"|{_SURE}(?:[!.]|,? (?:here|i)\b[^\n]{{0,120}}[:.!]|[!.] (?:here|below|i)\b[^\n]{{0,120}}[:.!])[^\S\n]*\n"
    r"|(?:here(?:'s|’s| is| are)|below (?:is|are)|the following (?:is|are)) "
    rf"[^\n.]{{0,60}}(?:{_WORK_ENGLISH})[^\n.]{{0,60}}[:.][^\S\n]*\n"
    r")\s*",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\n\s*(?:以上(?:です|になります|となります|が)[^\n]{0,40}"
    r"|[^\n]{0,20}(?:ご不明|ご質問|お気軽に)[^\n]{0,60}(?:ください|下さい|ませ)[。！!]?"
    r"|(?:i hope (?:this|that|it)|let me know|feel free to)\b[^\n]{0,120})\s*\Z",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"[\s「『\"'(（]*(?:なし|該当なし|価値なし|none|nothing)[\s」』\"')）。.!]*", re.IGNORECASE)
_MARK = re.compile(r"\A(?:[・•]|[-*](?=\s)|\d{1,2}[.)．）、](?!\d))\s*")
_ASKS = re.compile(
    r"\A(?:explain|describe|list|name|compare|give|state|calculate|identify|outline)\b"
    r"|(?:[?？]|(?:か|ください|下さい|なさい|せよ)[。]?)[」』\"”’'*]*\Z",
    re.IGNORECASE,
)
_PAIRS = (("「", "」"), ("『", "』"), ('"', '"'), ("“", "”"), ("**", "**"), ("'", "'"))
LONGEST_QUESTION = 400
"""Greatest number of characters of a question."""


def bare_answer(text: str) -> str:
    """Return an answer without the thoughts and announcements before it, what is offered after it, and the fence or
    tags around it.

    Raises:
        Dropped: nothing is left, or special tokens of a tokenizer, or the teacher says that the text does not suit the
            request.
    """
    bare, before = text.strip(), ""
    while bare != before:
        before = bare
        bare = _CLOSING.sub("", _ANNOUNCEMENT.sub("", _THOUGHT.sub("", bare).strip())).strip()
        for around in (_FENCE, _TAGS):
            if (found := around.match(bare)) and "```" not in found[2]:
                bare = found[2].strip()
    if not bare:
        raise Dropped("answer without text")
    if _NOTHING.fullmatch(bare):
        raise Dropped("text does not suit the request")
    if has_special_tokens(bare):
        raise Dropped("answer with special tokens")
    return bare


def labelled_pair(text: str) -> tuple[str, str]:
    """Return question and answer of a text in which each has its label, such as "質問：" or "**Answer:**".

    Raises:
        Dropped: one of them is missing or empty, or there are several.
    """
    parts = _labelled(bare_answer(text))
    questions = [part for kind, part in parts if kind == "question"]
    answers = [part for kind, part in parts if kind == "answer"]
    if not questions:
        raise Dropped("answer without a question")
    if len(questions) > 1:
        raise Dropped("several questions")
    if len(answers) > 1:
        raise Dropped("several answers")
    if not answers or parts[0][0] == "answer":
        raise Dropped("question without an answer")
    if not questions[0] or not answers[0]:
        raise Dropped("empty question or answer")
    return questions[0], answers[0]


def one_question(text: str) -> str:
    """Return the only question of a text, without label, number and quotation marks.

    Raises:
        Dropped: there are several questions, or none, or it is too long.
    """
    bare = bare_answer(text)
    if parts := [part for kind, part in _labelled(bare) if kind == "question"]:
        if len(parts) > 1:
            raise Dropped("several questions")
        bare = parts[0]
    lines = [line.strip() for line in bare.split("\n") if line.strip()]
    marked, asking = sum(map(bool, map(_MARK.match, lines))), sum(map(bool, map(_ASKS.search, lines)))
    if marked > 1 or asking > 1 or bare.count("？") + bare.count("?") > 2:
        raise Dropped("several questions")
    question = without_marks(bare)
    if not _ASKS.search(question):
        raise Dropped("answer without a question")
    if len(question) > LONGEST_QUESTION:
        raise Dropped("question too long")
    return question


def json_pair(text: str) -> tuple[str, str]:
    """Return question and answer of a JSON object that has them.

    Raises:
        Dropped: it is no JSON, or one of them is missing or empty, or there are several.
    """
    bare = bare_answer(text)
    begin = min((place for place in (bare.find("{"), bare.find("[")) if place >= 0), default=-1)
    try:
        value, stop = json.JSONDecoder().raw_decode(bare, max(begin, 0))
    except (ValueError, RecursionError):
        raise Dropped("answer is not JSON") from None
    if "{" in bare[stop:] or (isinstance(value, list) and len(value) > 1):
        raise Dropped("several questions")
    [value] = value if isinstance(value, list) and value else [value]
    if not isinstance(value, Mapping):
        raise Dropped("answer is not a JSON object")
    pair = [value.get(name) for name in ("question", "answer")]
    question, answer = (
        str(part).strip() if isinstance(part, str | int | float) and not isinstance(part, bool) else "" for part in pair
    )
    if not question or not answer:
        raise Dropped("empty question or answer")
    return question, answer


def without_marks(text: str) -> str:
    """Return a text without a list's mark before it and without the quotation or emphasis that encloses it."""
    bare, before = text.strip(), ""
    while bare != before:
        before = bare
        bare = _MARK.sub("", bare) if "\n" not in bare else bare
        for first, last in _PAIRS:
            inside = bare[len(first) : -len(last)]
            if inside and bare.startswith(first) and bare.endswith(last) and first not in inside:
                bare = inside.strip()
    return bare


def _label_pattern(labels: tuple[str, ...]) -> str:
    return "|".join(sorted(labels, key=len, reverse=True))


_LABEL = re.compile(
    r"^[^\S\n]*(?:[-・>][^\S\n]+|\#+[^\S\n]*|\d{1,2}[.)．][^\S\n]*)?(?P<open>[*_]{1,2}|[【\[〔<＜])?[^\S\n]*"
    rf"(?:(?P<question>{_label_pattern(QUESTION)})|(?P<answer>{_label_pattern(ANSWER)}))"
    r"[^\S\n]*[0-9０-９]{0,2}[^\S\n]*"
    r"(?:[】\]〕>＞](?:[^\S\n]*[:：])?|[:：][^\S\n]*(?(open)[*_]{0,2})|[*_]{1,2}[^\S\n]*[:：]?"
    r"|(?<=\d)[.．]|(?<=[Qq])[.．]|[^\S\n]*(?=\n|\Z))",
    re.IGNORECASE | re.MULTILINE,
)


def _labelled(text: str) -> list[tuple[str, str]]:
    """Return kind ("question" or "answer") and content of each labelled part; what precedes the first label is no
    part."""
    found = list(_LABEL.finditer(text))
    stops = [match.start() for match in found[1:]] + [len(text)]
    return [
        ("question" if match["question"] else "answer", without_marks(text[match.end() : stop]))
        for match, stop in zip(found, stops, strict=False)
    ]
