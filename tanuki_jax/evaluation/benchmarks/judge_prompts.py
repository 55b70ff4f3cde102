"""Prompts for judges, from the templates in `prompts/`, each of which says where it comes from.

Special tokens of tokenizers in questions and answers are broken by a space, because some servers read them in any text:
an answer could else end the user's turn and speak for the judge.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipe import Ask as Filled

FOLDER = Path(__file__).parent / "prompts"


def judge_messages(template: str, **values: Sequence[str]) -> list[dict[str, str]]:
    """Return the messages that ask a judge.

    Args:
        template: file in `prompts/`, without its suffix.
        values: texts that the template uses.
    """
    messages = _prompts().messages(Filled(f"{template}.jinja", values))
    return [{"role": str(each["role"]), "content": str(each["content"])} for each in messages]


@functools.cache
def _prompts() -> Prompts:
    return Prompts(FOLDER)
