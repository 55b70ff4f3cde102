"""Completions of the prompts in files, as JSON lines."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.inference.batches import Refused, Task, complete, tasks
from tanuki_jax.inference.prompts import prompts
from tanuki_jax.inference.text import Completion, Loaded, Request

NAMED = 20
"""Most lines that are named where they cannot be used."""


def complete_file(loaded: Loaded, pattern: str, out: Path, request: Request, *, batch: int, system: str) -> str:
    """Writes a line for each prompt, in their order; the file appears when all are done.

    A line has the prompt's `id`, its `prompt` or `messages`, its `metadata` if there is any, `completion`, and `finish_reason`:
    `eos_token`, `stop_sequence` or `length`.

    Args:
        loaded: the model.
        pattern: as for `prompts.prompts`.
        out: file to write.
        request: how texts go on.
        batch: prompts in a batch.
        system: system message of conversations that have none.

    Returns:
        What was done and how fast, in a sentence; prompts that cannot be used are named on stderr.

    Raises:
        InputError: no prompt can be used, a file cannot be read, there are conversations and no chat template, or `out` cannot be made.
    """
    _require_place(out)
    found, refused = tasks(loaded, prompts(pattern), request, system)
    _name(refused)
    if not found:
        raise InputError(
            f"{pattern} has no prompt that can be used"
            + (f": all {len(refused):,} are malformed or too long" if refused else "")
        )
    began, tokens = time.monotonic(), 0
    with (
        replacing(out) as partial,
        partial.open("w", encoding="utf-8") as file,
        progress("generating", len(found), "prompt") as advance,
    ):

        def done(completions: Sequence[Completion]) -> None:
            nonlocal tokens
            tokens += sum(completion.tokens for completion in completions)
            advance(len(completions), status=f"{tokens / (time.monotonic() - began):,.0f} tokens/s")

        completions = complete(loaded, found, request, batch, done)
        file.writelines(_line(task, completion) for task, completion in zip(found, completions, strict=True))
    return _summary(out, completions, time.monotonic() - began, len(refused))


def _require_place(out: Path) -> None:
    """Makes the folder of a file to be written. InputError if that is none, or there is a folder in the file's place."""
    if out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"--out {out} is in no folder: {out.parent} is a file, or in one") from None


def _name(refused: Sequence[Refused]) -> None:
    for place, reason in refused[:NAMED]:
        print(f"skipped {place}: {reason}", file=sys.stderr)


def _line(task: Task, completion: Completion) -> str:
    record = task.record
    if isinstance(record, Document):
        given: dict[str, object] = {"id": record.id, "prompt": record.text}
    else:
        given = {
            "id": record.id,
            "messages": [{"role": message.role, "content": message.content} for message in record.messages],
        }
    if record.metadata:
        given["metadata"] = dict(record.metadata)
    written = {"completion": completion.text, "finish_reason": completion.finish_reason}
    return json.dumps(given | written, ensure_ascii=False, default=str) + "\n"


def _summary(out: Path, completions: Sequence[Completion], seconds: float, refused: int) -> str:
    prompts, tokens = len(completions), sum(completion.tokens for completion in completions)
    said = f"{out}: {prompts:,} prompts, {tokens:,} tokens written in {seconds:,.1f} s with compiling: "
    said += f"{tokens / seconds:,.0f} tokens/s, {prompts / seconds:,.1f} prompts/s"
    return said + (f"; {refused:,} of {prompts + refused:,} lines cannot be used" if refused else "")
