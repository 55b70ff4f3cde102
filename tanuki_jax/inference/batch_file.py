"""Completions of the prompts in files, written as JSON lines."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.corpus.records.fields import turns_of
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.inference.encoded_prompts import EncodedPrompt, RejectedPrompt, encode_prompts
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.engine.run_jobs import engine_for, run_jobs
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.prompts import read_prompts
from tanuki_jax.inference.text import jobs_for
from tanuki_jax.inference.text_deltas import Completion

REPORTED = 20
"""Most rejected lines that are reported one by one."""


def complete_file(loaded: LoadedModel, pattern: str, out: Path, sampling: Sampling, *, rows: int, system: str) -> str:
    """Write a line for each prompt, in the order of the prompts; the file appears when all are done.

    A line has the prompt's `id`, its `prompt` or `messages`, `tools` and `metadata` if there are any, `completion`, and
    `finish_reason`: `eos_token`, `stop_sequence` or `length`. Rejected prompts are reported on stderr.

    Args:
        loaded: the model.
        pattern: path or glob, as for `read_prompts`.
        out: file to write.
        sampling: options of the generation.
        rows: most prompts that are worked on at once.
        system: system message for conversations without one.

    Returns:
        One sentence with the numbers of prompts and tokens, and the speed.

    Raises:
        InputError: no prompt can be used, a file cannot be read, there are conversations and no chat template, or `out`
            cannot be made.
    """
    _make_parent(out)
    prompts, rejected = encode_prompts(loaded, read_prompts(pattern), system)
    for location, reason in rejected[:REPORTED]:
        print(f"skipped {location}: {reason}", file=sys.stderr)
    if not prompts:
        raise InputError(
            f"{pattern} has no prompt that can be used"
            + (f": all {len(rejected):,} are malformed or too long" if rejected else "")
        )
    jobs = jobs_for(loaded, [prompt.ids for prompt in prompts], sampling)
    start, tokens = time.monotonic(), 0
    with (
        replacing(out) as partial,
        partial.open("w", encoding="utf-8") as file,
        progress("generating", len(prompts), "prompt") as advance,
    ):

        def count(completion: Completion) -> None:
            nonlocal tokens
            tokens += completion.tokens
            advance(1, status=f"{tokens / (time.monotonic() - start):,.0f} tokens/s")

        completions = run_jobs(engine_for(loaded, jobs, rows=min(rows, len(jobs))), jobs, count)
        file.writelines(_line(prompt, completion) for prompt, completion in zip(prompts, completions, strict=True))
    return _summary(out, completions, time.monotonic() - start, rejected)


def _make_parent(out: Path) -> None:
    """Make the folder of a file to be written. Raise InputError if a file or folder is in the way."""
    if out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"--out {out} cannot be made, because {out.parent} is a file or inside one") from None


def _line(prompt: EncodedPrompt, completion: Completion) -> str:
    record = prompt.record
    fields: dict[str, object] = {"id": record.id}
    if isinstance(record, Document):
        fields["prompt"] = record.text
    else:
        fields |= {"messages": turns_of(record.messages)} | ({"tools": record.tools} if record.tools else {})
    if record.metadata:
        fields["metadata"] = dict(record.metadata)
    fields |= {
        "completion": completion.text.removeprefix(prompt.answer_prefix),
        "finish_reason": completion.finish_reason,
    }
    return json.dumps(fields, ensure_ascii=False, default=str) + "\n"


def _summary(out: Path, completions: Sequence[Completion], seconds: float, rejected: Sequence[RejectedPrompt]) -> str:
    prompts, tokens = len(completions), sum(completion.tokens for completion in completions)
    summary = f"{out}: {prompts:,} prompts, {tokens:,} tokens generated in {seconds:,.1f} s, compilation included: "
    summary += f"{tokens / seconds:,.0f} tokens/s, {prompts / seconds:,.1f} prompts/s"
    if rejected:
        summary += f"; {len(rejected):,} of {prompts + len(rejected):,} lines cannot be used"
    return summary
