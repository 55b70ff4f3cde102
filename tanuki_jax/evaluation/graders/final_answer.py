"""The answer of a model that thinks aloud: the text after its thinking."""

import re
from dataclasses import dataclass

_NAMES = "think|thinking|thought|thoughts|reasoning"
_OPENED = re.compile(rf"<({_NAMES})>", re.IGNORECASE)
_CLOSED = re.compile(rf"</(?:{_NAMES})>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Final:
    """Answer without the thinking before it."""

    text: str
    """Text after the thinking, without white space around it; empty if the thinking was cut."""
    cut: bool
    """Whether the thinking did not end, so that there is no answer."""


def after_thinking(text: str) -> Final:
    """Return the text after the last thinking of a response.

    Thinking stands between `<think>` and `</think>` (or thinking, thought, reasoning). A chat template may have opened
    it in the prompt, so that only its end appears. A tag that is opened in the middle of a sentence is a mention of it.
    """
    closed = list(_CLOSED.finditer(text))
    answer = text[closed[-1].end() :] if closed else text
    opened = next((match for match in _OPENED.finditer(answer) if _begins_line(answer, match.start())), None)
    if opened is None:
        return Final(answer.strip(), False)
    return Final("", True)


def _begins_line(text: str, position: int) -> bool:
    return not text[:position].rpartition("\n")[2].strip()
