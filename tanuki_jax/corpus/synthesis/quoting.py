"""Texts of others inside a prompt: they cannot end their quotation, speak for a role, or be special tokens."""

import re
import unicodedata

LONGEST_PLAIN = 300
"""Characters of a word of others that are shown inside a sentence."""
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Characters that some programs take for the end of a line."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_TOKENS = re.compile(
    r"<(?=[^<>\n]{0,60}[|｜][^<>\n]{0,60}>)"
    r"|<(?=/?[A-Za-z]{1,20}_[A-Za-z0-9_]{1,40}>)"
    r"|<(?=/?(?:s|bos|eos|eod|eot|pad|unk|mask|cls|sep|think|system|user|assistant)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|BOS|EOS|EOT|CLS|SEP|MASK|PAD|UNK)\])"
    r"|<(?=</?SYS>>)",
    re.IGNORECASE,
)
"""First characters of special tokens of common tokenizers, which some servers read in any text."""
_CERTAIN = re.compile(
    r"<[|｜][^<>\n]{1,60}[|｜]>|</?(?:s|bos|eos|eod|pad|unk|think|start_of_turn|end_of_turn)>|\[/?INST\]|<</?SYS>>",
    re.IGNORECASE,
)
"""Special tokens that no text has for another reason."""
_ROLES = (
    "user|assistant|system|developer|human|ai|bot|model|tool|function|observation|instruction|input|output|response"
    "|q|a|指示|入力|出力|応答|質問|回答|返答|ユーザー|アシスタント|システム"
)
_TURN = re.compile(rf"^([\s>*_#\-\[(【「\"']{{0,20}}(?:{_ROLES})[\s*_\])】」\"']{{0,10}}):", re.IGNORECASE)
_HEADING = re.compile(rf"^\s*#{{1,6}}\s*((?:{_ROLES})\s*)$", re.IGNORECASE)
"""Beginning of a line, after NFKC, that in some prompt format opens a turn."""


def quote(text: str, name: str = "text") -> str:
    """Return a text between tags that it does not contain, with all that could open a turn made harmless.

    Every end of a line is a line feed then, and characters that cannot be seen are gone.

    Args:
        text: any text.
        name: name of the tags, as in `<text>`.
    """
    visible = _INVISIBLE.sub("", _BREAKS.sub("\n", text))
    harmless = "\n".join(_without_role(line) for line in without_special_tokens(visible).split("\n"))
    # One space between words: a search that skips any white space would take quadratic time.
    tag, folded = name, " ".join(unicodedata.normalize("NFKC", harmless).casefold().split())
    tags = re.findall(rf"< ?/? ?{re.escape(name.casefold())}(?:-(\d{{1,9}}))?(?![\w-])", folded)
    if tags:
        tag = f"{name}-{max(int(number or 1) for number in tags) + 1}"
    return f"<{tag}>\n{harmless.strip()}\n</{tag}>"


def plain(text: str) -> str:
    """Return a word or a phrase of others for use inside a sentence between 「」 or quotation marks.

    It is one line of at most `LONGEST_PLAIN` characters, without special tokens, and quotation marks of its own are
    other ones.
    """
    line = " ".join(_INVISIBLE.sub("", _BREAKS.sub("\n", text)).split())
    swapped = line.replace("「", "『").replace("」", "』").replace('"', "'")
    return without_special_tokens(swapped[:LONGEST_PLAIN])


def without_special_tokens(text: str) -> str:
    """Return a text in which special tokens of tokenizers, such as <|im_end|>, are broken by a space."""
    return _TOKENS.sub(lambda match: f"{match[0]} ", text)


def has_special_tokens(text: str) -> bool:
    """Whether a text, such as an answer, has special tokens of a tokenizer, which stand in no text by intention."""
    return _CERTAIN.search(text) is not None


def _without_role(line: str) -> str:
    """Return a line that does not begin like a turn: its colon becomes a dot, and a heading loses its signs."""
    if ":" not in line and "：" not in line and "#" not in line and "＃" not in line:
        return line
    normal = unicodedata.normalize("NFKC", line)
    if found := _TURN.match(normal):
        return f"{found[1].replace('#', '').strip()} ・ {normal[found.end() :].lstrip()}"
    if found := _HEADING.match(normal):
        return found[1]
    return line
