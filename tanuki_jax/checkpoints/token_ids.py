"""Ids that begin, end and fill the texts of a checkpoint's model."""

from pathlib import Path
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import ImportedIds, State
from tanuki_jax.corpus.chat import template_files
from tanuki_jax.data.tokenizer.chat_tokens import ends_of_turn
from tanuki_jax.data.tokenizer.load import Tokenizer, load


class TokenIds(NamedTuple):
    """Ids with a role in every text of a model."""

    bos: int | None
    ends: tuple[int, ...]
    """Ids that end a text, first the one with which the chat template ends an answer."""
    pad: int | None


def token_ids(state: State, tokenizer_path: Path | None) -> TokenIds:
    """Return the ids of a checkpoint: those of its tokenizer and chat template, and those that its weights came with
    from Hugging Face, if they are of the same tokenizer.

    Args:
        state: of the checkpoint.
        tokenizer_path: the checkpoint's tokenizer; None: it has none.
    """
    tokenizer = None if tokenizer_path is None else load(tokenizer_path)
    same = state.ids.tokenizer == ("" if tokenizer is None else tokenizer.fingerprint)
    came = state.ids if same else ImportedIds()
    if tokenizer is None or tokenizer_path is None:
        return TokenIds(_first(came.bos), came.eos, _first(came.pad))
    ends = tuple(dict.fromkeys([*_ends(tokenizer, tokenizer_path), *came.eos]))
    bos, pad = _first(came.bos), _first(came.pad)
    return TokenIds(tokenizer.bos if bos is None else bos, ends, tokenizer.pad if pad is None else pad)


def _first(ids: tuple[int, ...]) -> int | None:
    return ids[0] if ids else None


def _ends(tokenizer: Tokenizer, path: Path) -> tuple[int, ...]:
    """Return the ids that end an answer by the chat template, or, if no template fits the tokenizer, a document."""
    try:
        template = template_files.find(path)
        if template is not None:
            return ends_of_turn(tokenizer, template)
    except InputError:
        pass  # whoever needs the template is told
    return (tokenizer.eod,)
