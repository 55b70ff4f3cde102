"""The template by which the chats and preferences of an experiment are written."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import experiment
from tanuki_jax.config.experiment import Data
from tanuki_jax.corpus.chat import builtin as named
from tanuki_jax.corpus.chat import template_files as folder
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.data.preparation.chat_documents import Rendering
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.tokenizer.chat_tokens import require_trainable
from tanuki_jax.data.tokenizer.load import Tokenizer


def template_of_config(config: experiment.Tokenizer) -> Template | None:
    """What `chat_template` names; None if it is empty. InputError if there is no such template."""
    return named.find(config.chat_template) if config.chat_template else None


def rendered(
    inventories: Sequence[Inventory], data: Data, tokenizer: Tokenizer, wanted: Template | None
) -> list[Inventory]:
    """The sources, those of chats and preferences with how they become documents: by the template beside the tokenizer, or `wanted`.

    InputError if these are different ones, or if there are such sources and neither template, or one that nothing can be learned with.
    """
    path = Path(data.tokenizer.path)
    there = folder.find(path)
    if wanted is not None and there is not None and wanted.fingerprint != there.fingerprint:
        raise InputError(
            f"data.tokenizer.chat_template is {wanted.name}, but the tokenizer {path} comes with another, the chat template {there.name}: "
            "leave data.tokenizer.chat_template empty to take that one, or take it away there"
        )
    if all(inventory.source.form == "text" for inventory in inventories):
        return [*inventories]
    template = wanted or folder.read(path)
    require_trainable(tokenizer, template)
    return [_with_rendering(inventory, template, data.sequence_length) for inventory in inventories]


def _with_rendering(inventory: Inventory, template: Template, sequence_length: int) -> Inventory:
    form = inventory.source.form
    return (
        inventory
        if form == "text"
        else dataclasses.replace(inventory, rendering=Rendering(form, template, sequence_length))
    )
