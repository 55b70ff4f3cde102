"""Completions of any number of prompts, in batches of few shapes."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message
from tanuki_jax.inference.assistant import Assistant
from tanuki_jax.inference.decode import compiled_shape
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.prompts import PromptRow
from tanuki_jax.inference.text import Request, check_prompt, encode_text, rng_ids_of, stream
from tanuki_jax.inference.text_deltas import Completion, join_deltas


class EncodedPrompt(NamedTuple):
    """A text to continue or a conversation to answer, as ids."""

    record: Document | Conversation
    ids: list[int]
    answer_prefix: str
    """Text that the model generates before the answer proper; not part of the completion."""


class RejectedPrompt(NamedTuple):
    """A row that is malformed or too long."""

    location: str
    reason: str


def encode_prompts(
    loaded: LoadedModel, rows: Iterable[PromptRow], request: Request, system: str
) -> tuple[list[EncodedPrompt], list[RejectedPrompt]]:
    """Return the prompts that can be completed, and those that are malformed or too long.

    Args:
        loaded: the model.
        rows: prompts.
        request: options of the generation.
        system: system message for conversations without one; empty: the template's default, if it has one.

    Raises:
        InputError: there is a conversation, and no chat template beside the tokenizer.
    """
    prompts: list[EncodedPrompt] = []
    rejected: list[RejectedPrompt] = []
    assistant: Assistant | None = None
    for location, record in rows:
        if isinstance(record, Conversation):
            assistant = assistant or Assistant(loaded, request)
            if system and record.messages[0].role != "system":
                record = replace(record, messages=(Message("system", system), *record.messages))
        try:
            prompts.append(_encode(loaded, record, assistant))
        except InputError as error:
            rejected.append(RejectedPrompt(location, str(error)))
    return prompts, rejected


def _encode(
    loaded: LoadedModel, record: Document | Conversation | Malformed, assistant: Assistant | None
) -> EncodedPrompt:
    """Raise InputError with the reason if the record cannot be completed."""
    match record:
        case Document():
            prompt = EncodedPrompt(record, encode_text(loaded, record.text), "")
        case Conversation():
            assert assistant is not None
            ids = assistant.prompt(record.messages, record.tools)
            prompt = EncodedPrompt(record, ids, assistant.answer_prefix)
        case Malformed(reason):
            raise InputError(reason)
    check_prompt(loaded, prompt.ids)
    return prompt


def complete(
    loaded: LoadedModel,
    prompts: Sequence[EncodedPrompt],
    request: Request,
    batch_size: int,
    on_batch: Callable[[Sequence[Completion]], None],
) -> list[Completion]:
    """Return the completion of each prompt, in the order of the prompts.

    A completion depends on its prompt, the request and the number of equal prompts before it, not on what else is in
    its batch.

    Args:
        loaded: the model.
        prompts: what to complete.
        request: options of the generation.
        batch_size: prompts in a batch.
        on_batch: called with the completions of each finished batch.
    """
    rng_ids = rng_ids_of([prompt.ids for prompt in prompts])
    # A batch holds prompts of one compiled shape: the same program computes a prompt whatever else is in the batch.
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        groups[compiled_shape(len(prompt.ids), request.tokens, loaded.limit)].append(index)
    completions: dict[int, Completion] = {}
    for _, members in sorted(groups.items()):
        for batch in itertools.batched(members, batch_size):
            # The last batch of a group is filled with copies of its first prompt, to keep the shape.
            filled = [*batch, *[batch[0]] * (batch_size - len(batch))]
            batch_ids, batch_rng_ids = [prompts[index].ids for index in filled], [rng_ids[index] for index in filled]
            generated = join_deltas(stream(loaded, batch_ids, request, rng_ids=batch_rng_ids))
            new = {
                index: _without_prefix(completion, prompts[index].answer_prefix)
                for index, completion in zip(batch, generated, strict=False)
            }
            completions |= new
            on_batch([*new.values()])
    return [completions[index] for index in range(len(prompts))]


def _without_prefix(completion: Completion, prefix: str) -> Completion:
    return completion._replace(text=completion.text.removeprefix(prefix))
