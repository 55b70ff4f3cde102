"""Choose the chat template that renders the chats and preferences of an experiment."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import experiment
from tanuki_jax.config.experiment import Data
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.data.preparation.chat_documents import Rendering
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.tokenizer.chat_tokens import require_trainable
from tanuki_jax.data.tokenizer.load import Tokenizer

_log = logging.getLogger("tanuki_jax.data")


def configured_template(config: experiment.Tokenizer) -> Template | None:
    """Return the template that `chat_template` names; None if it is empty. InputError if there is no such template."""
    return builtin.find(config.chat_template) if config.chat_template else None


def with_renderings(
    inventories: Sequence[Inventory], data: Data, tokenizer: Tokenizer, configured: Template | None
) -> list[Inventory]:
    """Set the rendering of chats and preferences, by the template in the tokenizer's folder or else the configured one.

    InputError if the two templates differ, or if there are chats or preferences and no template that can be trained
    with.
    """
    path = Path(data.tokenizer.path)
    existing = template_files.find(path)
    if existing is not None and configured is not None and not builtin.is_version_of(existing, configured):
        raise InputError(
            f"data.tokenizer.chat_template is {configured.name}, but the tokenizer {path} has another chat template, "
            f"{existing.name}: leave data.tokenizer.chat_template empty to use that one, or delete it from the folder"
        )
    if all(inventory.source.form == "text" for inventory in inventories):
        return [*inventories]
    template = existing or configured or template_files.read(path)
    require_trainable(tokenizer, template)
    if template.reads_clock:
        _log.warning(
            "the chat template %s writes the present time (strftime_now): prepared data depend on when they are made",
            template.name,
        )
    return [_with_rendering(inventory, template, data) for inventory in inventories]


def _with_rendering(inventory: Inventory, template: Template, data: Data) -> Inventory:
    source = inventory.source
    if source.form == "text":
        return inventory
    rendering = Rendering(source.form, template, data.sequence_length, data.learn, source.too_long)
    return dataclasses.replace(inventory, rendering=rendering)
