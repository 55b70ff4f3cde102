"""Answers that are lists: what is right in them, what is missing, and what is invented."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tanuki_jax.evaluation.graders.answer_words import REFUSAL
from tanuki_jax.evaluation.graders.final_answer import after_thinking

_BULLET = re.compile(r"^[ \t]*(?:[-*+•・●○■◆▪][ \t]*(?![-*])|\(?\d{1,2}[.)．）][ \t]*|[①-⑳❶-❿][ \t]*)(?=\S)")
_MARKUP = re.compile(r"\*\*|__|`+|^[ \t]*#{1,6}[ \t]*", re.MULTILINE)
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^】]*】")
_DENIED = re.compile(
    r"苦手|不得意|下手|嫌い|(?:得意|上手|うま[いく]|好き)?(?:では?|じゃ)(?:な[いく]|ありません)|できません|できな|得意でな"
    r"|含まれ(?:ません|ない)|ありません|\bnot\b|n't\b",
    re.IGNORECASE,
)
_SKILL = re.compile(r"得意|上手|特技|名人|名手|達人|天才|うまい|長け|優れ|\bgood at\b|\bskill", re.IGNORECASE)
_CLAUSES = re.compile(r"(?<=[すたいだん])(?:が|けど|けれど|けれども)、|。|[!?\n]|(?<=[a-z])\.\s")
_TOPIC = re.compile(
    r"^.{0,40}?(?<!で)(?<!(?<!こ)と)は(?![しがぎ])、?|^[^、。]{0,40}[:：]\s*"
    r"|^.{0,40}?(?:といえば|といったら|としては|というと)、?|^.{0,40}\b(?:is|are|at|include|includes)\b:?\s*"
)
_SEPARATOR = re.compile(
    r"[、,・/／;；]|\band\b|\bor\b|(?<=[\ue000-\uf8ff])(?:と|や)(?![ていしはかなも呼言])"
    r"|(?<=[一-龥々ァ-ヺー」』\ue000-\uf8ffa-zA-Z])(?:と|や|とか|および|及び|または)(?=[一-龥ァ-ヺ「『\ue000-\uf8ff])"
)
_INSIDE_NAME = re.compile(r"(?<=[ァ-ヺー])[・/／](?=[ァ-ヺ])")
"""Signs that separate elements in some lists, and belong to a name where another sign separates: ジャン・バルジャン."""
_CONJUNCTION = re.compile(
    r"^(?:そして|また|さらに|および|及び|それから|あとは?|加えて|ほかに|他に|特に|例えば|たとえば|つまり|まず|次に|最後に|主に|and\b|or\b|also\b)[、\s]*"
)
_PREDICATE = re.compile(
    r"(?:が|も|を|に|で|の)(?:とても|非常に|特に|大変|かなり|一番)?(?:得意|上手|うま|優れ|長け|名手|名人|達人|天才|好き|強|囲ま|面し|含ま|なり|なっ|あり|ある|挙げ"
    r"|あげ|知られ|有名|分け|分か|でき|\d+(?:つ|個|種|色)|[一二三四五六七八九]つ|ほか|他|順|みっつ|よっつ).*$"
    r"|(?:です|でした|だ|である|でございます|など|といった|という|とか|ということ|になり|となり|だと思|と思|ですね|ですよ|でしょう)[^、]*$"
)
_PROSE = re.compile(
    r"ます|ません|ました|(?:する|した|いる|れる|られ|こと|とき|ため|ので|から|ながら|して|って|く|い)$|^(?:その|この|それ|これ|彼|彼女)"
)
_SENTENCE = re.compile(r"ます|ません|ました|です|(?:する|した|ている|ていた|こと|とき)$")
_ADVERBIAL = re.compile(r"(?:に|では?|から|より|まで|として)$")
_IN_OTHER_WORDS = re.compile(r"^(?:つまり|すなわち|要するに|言い換え)")
_LONGEST = 16
"""Most characters of a list's element."""
_ACCEPTED, _NEUTRAL = 0xE000, 0xF000
_DOT = "\0"
"""Sign in place of a middle dot that belongs to a name."""


@dataclass(frozen=True, slots=True)
class ListGrade:
    """Comparison of a list with the accepted items."""

    found: tuple[str, ...]
    """Accepted items that the response names, by their first spelling, in the order of the accepted items."""
    missing: int
    """Number of accepted items that it does not name."""
    invented: tuple[str, ...]
    """Elements of the response's list that are neither accepted nor neutral, each once."""

    @property
    def precision(self) -> float:
        """Share of the elements that are accepted; 0 for an empty list."""
        return len(self.found) / max(len(self.found) + len(self.invented), 1)

    @property
    def recall(self) -> float:
        """Share of the accepted items that are found."""
        return len(self.found) / max(len(self.found) + self.missing, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 if both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def grade_list(response: str, accepted: Sequence[Sequence[str]], neutral: Sequence[str] = ()) -> ListGrade:
    """Compare the list that a response gives with the accepted items.

    The list may be bullets, numbered lines, or nouns in a sentence. Explanations in brackets, after a colon and in
    further sentences are no elements, and what the response denies is not named.

    Args:
        response: free text; thinking before it is left out.
        accepted: items, each with all its spellings.
        neutral: spellings of what may be named but does not count, such as 得意なこと.
    """
    marked = _marked(after_thinking(response).text, accepted, neutral)
    found: set[int] = set()
    invented: dict[str, None] = {}
    lines = marked.splitlines()
    bullets, heading = list[tuple[str, str]](), ""
    for line in lines:
        if _BULLET.match(line):
            bullets.append((line, heading))
        elif line.strip():
            heading = line
    prose = "\n".join(line for line in lines if not _BULLET.match(line))
    for element in _from_prose(prose):
        found |= _accepted(element)
        if not bullets:
            _add(invented, element)
    for line, above in bullets:
        if not _DENIED.search(above):
            for element in _from_bullet(_BULLET.sub("", line)):
                found |= _accepted(element)
                _add(invented, element)
    names = tuple(spellings[0] for index, spellings in enumerate(accepted) if index in found)
    return ListGrade(names, len(accepted) - len(names), tuple(invented))


def _marked(text: str, accepted: Sequence[Sequence[str]], neutral: Sequence[str]) -> str:
    """Return the text in NFKC with one sign for every accepted or neutral spelling, the longest first."""
    text = re.sub("(?<=[^ \t\n])[ \t]*(?=[①-⑳❶-❿])", "\n", text)
    circled = re.sub("[①-⑳❶-❿]", lambda match: f"{match[0]} ", text)
    lines = [(line[: _head(line)], line[_head(line) :]) for line in circled.splitlines()]
    plain = "\n".join(head + unicodedata.normalize("NFKC", _MARKUP.sub("", rest)) for head, rest in lines)
    spellings = [
        (unicodedata.normalize("NFKC", spelling), base + index)
        for base, group in ((_ACCEPTED, accepted), (_NEUTRAL, [[each] for each in neutral]))
        for index, each in enumerate(group)
        for spelling in each
    ]
    for spelling, sign in sorted(spellings, key=lambda pair: -len(pair[0])):
        edge = r"(?<![一-龥]){}(?![一-龥])" if len(spelling) == 1 else r"(?<![A-Za-z]){}(?![A-Za-z])"
        plain = re.sub(edge.format(re.escape(spelling)), chr(sign), plain, flags=re.IGNORECASE)
    return plain


def _head(line: str) -> int:
    """Return where the text of a line begins behind its bullet, which Unicode NFKC would change."""
    match = _BULLET.match(_MARKUP.sub("", line)) if line.lstrip()[:1] in tuple("①②③④⑤⑥⑦⑧⑨⑩❶❷❸❹❺") else None
    return match.end() if match else 0


def _accepted(element: str) -> set[int]:
    return {ord(sign) - _ACCEPTED for sign in element if _ACCEPTED <= ord(sign) < _NEUTRAL}


def _add(invented: dict[str, None], element: str) -> None:
    """Add an element that has no accepted or neutral spelling."""
    if element and not any(_ACCEPTED <= ord(sign) <= 0xF8FF for sign in element):
        invented[element] = None


def _without_brackets(text: str) -> str:
    """Return a text without brackets, but with an accepted spelling in them that explains another word: R(赤)."""
    return _BRACKETS.sub(lambda match: "".join(chr(_ACCEPTED + each) for each in sorted(_accepted(match[0]))), text)


def _from_bullet(line: str) -> Iterator[str]:
    """Yield the elements of a line of a list: what stands before its explanation."""
    bare = _without_brackets(line)
    head, _, rest = (
        bare.partition(":") if ":" in bare else re.split(r"\s[-—–]\s|。|$", bare, maxsplit=1)[0].partition("\0")
    )
    if rest and re.search(r"得意|特技|答え|回答|一覧|もの|こと$", head) and not _accepted(head):
        head = rest
    if _DENIED.search(head):
        return
    head = re.split(r"。|\s[-—–→]\s", head)[0]
    pieces = _pieces(_TOPIC.sub("", head, count=1) if "は" in head else head, whole_names=True)
    named = [piece for piece in pieces if not _SENTENCE.search(piece)]
    yield from (
        named if all(len(piece) <= _LONGEST for piece in named) else [piece for piece in named if _accepted(piece)]
    )
    yield from (piece for piece in pieces if piece not in named and _accepted(piece))


def _from_prose(text: str) -> Iterator[str]:
    """Yield the elements of lists inside sentences."""
    clauses = [clause for clause in _CLAUSES.split(text) if clause and clause.strip()]
    for number, clause in enumerate(clauses):
        if REFUSAL.search(clause) or _DENIED.search(clause):
            continue
        bare = _without_brackets(clause).strip()
        body = _TOPIC.sub("", _CONJUNCTION.sub("", bare), count=1)
        raw = _pieces(body)
        pieces = [piece for piece in raw if not _PROSE.search(piece) and len(piece) <= _LONGEST]
        pieces = [piece for piece in pieces if "の" not in piece or _accepted(piece)]
        yield from (piece for piece in _pieces(bare) if _accepted(piece))
        lists = len(pieces) > 1 and len(pieces) == len(raw)
        if any(map(_accepted, raw)) or lists or _SKILL.search(bare) or (number == 0 and len(clauses) == 1):
            yield from pieces


def _pieces(text: str, *, whole_names: bool = False) -> list[str]:
    """Return the nouns of a list, without conjunctions before and predicates behind them.

    Args:
        text: a list.
        whole_names: whether a middle dot between katakana belongs to a name, also if no comma separates the nouns.
    """
    found: list[str] = []
    dots = _INSIDE_NAME.sub(_DOT, text) if whole_names or re.search("[、,]", text) else text
    for part in (part.replace(_DOT, "・") for part in _SEPARATOR.split(dots)):
        if _IN_OTHER_WORDS.match(part.strip()):
            found.clear()
        piece = _CONJUNCTION.sub("", part.strip(" 「」『』\"'.。:"))
        piece = _PREDICATE.sub("", piece).strip(" 「」『』\"'.。:")
        if piece and (_accepted(piece) or not _ADVERBIAL.search(piece)):
            found.append(piece)
    return found
