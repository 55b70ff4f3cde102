"""Texts of others inside a prompt: they cannot end their quotation, speak for a role, or be special tokens."""

import re
import unicodedata

_TOKENS = re.compile(
    r"<(?=[|｜][^<>\n]{1,60}[|｜]>)"
    r"|<(?=/?(?:s|bos|eos|eod|pad|unk|mask|cls|sep|start_of_turn|end_of_turn|think)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\])"
    r"|<(?=</?SYS>>)",
    re.IGNORECASE,
)
"""First characters of special tokens of common tokenizers, which some servers read in any text."""
_ROLES = re.compile(
    r"^([^\S\n]*(?:#+[^\S\n]*)?\**(?:user|assistant|system|human|ai|tool|instruction|input|response"
    r"|指示|入力|応答|質問|回答|ユーザー|アシスタント|システム)\**)[^\S\n]*[:：]",
    re.IGNORECASE | re.MULTILINE,
)
"""Beginning of a line that in some prompt format opens a turn."""
_JOINED = " ・ "


def quote(text: str, name: str = "text") -> str:
    """Return a text between tags that it does not contain, with all that could open a turn made harmless.

    Args:
        text: any text.
        name: name of the tags, as in `<text>`.
    """
    harmless, tag = _without_roles(without_special_tokens(text)), name
    folded, number = unicodedata.normalize("NFKC", harmless).casefold(), 1
    while re.search(rf"<\s*/?\s*{re.escape(tag.casefold())}(?![\w-])", folded):
        number += 1
        tag = f"{name}-{number}"
    return f"<{tag}>\n{harmless.strip()}\n</{tag}>"


def without_special_tokens(text: str) -> str:
    """Return a text in which special tokens of tokenizers, such as <|im_end|>, are broken by a space."""
    return _TOKENS.sub(lambda match: f"{match[0]} ", text)


def _without_roles(text: str) -> str:
    """Return a text in which no line begins like a turn: the colon becomes a dot in its middle."""
    return _ROLES.sub(lambda match: f"{match[1]}{_JOINED}", text)
