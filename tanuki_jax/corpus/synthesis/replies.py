"""Reading of a teacher's replies: a question, an answer, or parts, without what is around them."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from tanuki_jax.corpus.synthesis.quoting import has_special_tokens
from tanuki_jax.corpus.synthesis.recipe import Dropped

_ASKED = r"質問|問い|問題|指示|依頼|メッセージ|発言|ユーザー|question|message|prompt|instruction|request|user"
_ANSWERED = r"回答|応答|返答|アシスタント|answer|response|reply|assistant"


def _opening(words: str) -> re.Pattern[str]:
    """Return the pattern of a label before a text, such as "質問:", "**Question:**", "### 質問" or "【質問】"."""
    return re.compile(
        rf"[\s#*＃]*(?:[【\[](?:{words})[】\]]\**\s*[:：]?|(?:{words})\s*\**\s*[:：]\**"
        rf"|(?<=#)\s+(?:{words})\**[ \t]*$)\s*",
        re.IGNORECASE | re.MULTILINE,
    )


_QUESTION_LABEL, _ANSWER_LABEL = _opening(_ASKED), _opening(_ANSWERED)
_ANSWER_TURN = re.compile(rf"^[ \t#*]*(?:{_ANSWERED})\**\s*[:：]", re.IGNORECASE | re.MULTILINE)
_USER_TURN = re.compile(
    r"^[ \t#*]*(?:ユーザー|user|human)\**\s*[:：]|^#+\s*(?:指示|instruction)\s*[:：]", re.IGNORECASE | re.MULTILINE
)
_FENCE = re.compile(r"```[\w+-]*\n(.*?)\n?```", re.DOTALL)
_QUOTES = (("「", "」"), ("『", "』"), ("“", "”"), ('"', '"'))
_FINAL = re.compile(
    r"^[ \t#*>]*(?:最終的な)?(?:答え|答|解答|(?:the\s+)?(?:final\s+)?answer)(?:は)?\s*\**\s*[:：]\s*\**\s*(\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSING = re.compile(r"(?:です|となります|になります)?[\s。．.!！]*$")


def parse_question(text: str) -> str:
    """Return the message of a user that a teacher wrote, without a label, a tag or quotation marks around it.

    Raises:
        Dropped: it is empty, comes with an answer, or holds special tokens of a tokenizer.
    """
    question = _unwrapped(_without_label(text, _QUESTION_LABEL))
    if not question:
        raise Dropped("the question is empty")
    if _ANSWER_TURN.search(question):
        raise Dropped("the question comes with an answer")
    return parse_verbatim(question)


def parse_answer(text: str) -> str:
    """Return an answer, without a label before it.

    Raises:
        Dropped: it is empty, speaks for the user too, or holds special tokens of a tokenizer.
    """
    answer = _without_label(text, _ANSWER_LABEL)
    if not answer:
        raise Dropped("the answer is empty")
    if _USER_TURN.search(answer):
        raise Dropped("the answer speaks for the user")
    return parse_verbatim(answer)


def parse_verbatim(text: str) -> str:
    """Return a reply as it is, without the white space around it.

    Raises:
        Dropped: it is empty, or holds special tokens of a tokenizer.
    """
    if not text.strip():
        raise Dropped("the reply is empty")
    if has_special_tokens(text):
        raise Dropped("the reply holds special tokens")
    return text.strip()


def parse_parts(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the texts between tags of these names, each of which must occur once and hold something.

    Raises:
        Dropped: they do not, or they hold special tokens of a tokenizer.
    """
    parts = []
    for name in names:
        found = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        if len(found) != 1 or not found[0].strip():
            raise Dropped("the reply lacks a part")
        parts.append(parse_verbatim(found[0]))
    return tuple(parts)


def parse_object(text: str, names: Sequence[str]) -> Mapping[str, Any]:
    """Return a JSON object with exactly these fields. A code fence around it is allowed.

    Raises:
        Dropped: it is none.
    """
    fenced = _FENCE.fullmatch(text.strip())
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        raise Dropped("the reply is no JSON") from None
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        raise Dropped("the reply has other fields")
    return value


def parse_code(text: str) -> str:
    """Return the code of a text that is one code fence, or that has no fence at all.

    Raises:
        Dropped: there are several fences, or words beside one.
    """
    if "```" not in text:
        return text.strip("\n")
    if (fenced := _FENCE.fullmatch(text.strip())) is None or "```" in fenced[1]:
        raise Dropped("the code is not in one block")
    return fenced[1]


def final_answer(text: str) -> str:
    """Return what follows the last "答え:" or "Answer:", in a form in which equal answers are equal.

    Width, case, white space, quotation marks, bold face, dollar signs, commas in numbers and the end of the sentence do
    not count.

    Raises:
        Dropped: there is none.
    """
    found = _FINAL.findall(text)
    if not found:
        raise Dropped("the reply names no final answer")
    answer = re.sub(r"\\boxed\{([^{}]*)\}", r"\1", unicodedata.normalize("NFKC", found[-1]).casefold())
    answer = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", re.sub(r"[*$`「」『』'\"\s]", "", answer))
    return _CLOSING.sub("", answer)


def _without_label(text: str, label: re.Pattern[str]) -> str:
    found = label.match(text)
    return text[found.end() if found else 0 :].strip()


def _unwrapped(text: str) -> str:
    """Return a text without the tag, the fence or the quotation marks that are around the whole of it."""
    if tagged := re.fullmatch(r"<([a-z_-]+)>(.*)</\1>", text, re.DOTALL | re.IGNORECASE):
        text = tagged[2].strip()
    if (fenced := _FENCE.fullmatch(text)) and "```" not in fenced[1]:
        text = fenced[1].strip()
    for opening, closing in _QUOTES:
        inner = text[len(opening) : -len(closing)]
        if len(text) > 1 and text.startswith(opening) and text.endswith(closing) and closing not in inner:
            return inner.strip()
    return text
