"""Show which documents a step of a run read, or what caused a loss spike.

python -m tanuki_jax.explain runs/tiny --step 120
python -m tanuki_jax.explain runs/tiny --spike 1
"""

import dataclasses
import math
from pathlib import Path

import tyro

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.config.limits import NonNegativeInt, PositiveInt

NAMED = 5
"""Number of documents that are named in the terminal."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Show which documents a step of a run read, one line for each fragment of a document, in the order of the batch.
    Or find the cause of a spike after which the run went back: its steps are replayed from the checkpoint, and the
    results are a page of HTML in the run's folder."""

    run: tyro.conf.Positional[str]
    """Folder of the run."""
    step: NonNegativeInt = 0
    """Number of the step, from 1, as in metrics.jsonl."""
    spike: NonNegativeInt = 0
    """Number of the spike, from 1, as in the folder spikes/."""
    replay: PositiveInt = 64
    """Largest number of steps from the checkpoint to the spike that are trained again, and of the spike's own steps."""


def main(words: list[str]) -> None:
    options = parse_options("explain", words, Options)
    if (options.step == 0) == (options.spike == 0):
        raise InputError("explain takes one of --step N and --spike N, numbers from 1")
    if options.step:
        _explain_step(Path(options.run), options.step)
    else:
        _explain_spike(Path(options.run), options.spike, options.replay)


def _explain_step(run: Path, step: int) -> None:
    from tanuki_jax.training.explain.step_documents import explain

    explained = explain(run, step)
    fragments = explained.fragments
    tokens, rows = sum(each.fragment.length for each in fragments), len({each.row for each in fragments})
    print(f"step {step} of {run} (data step {explained.data_step}): {tokens:,} tokens in {rows} rows")
    widths = max(len(each.location) for each in fragments), max(len(each.used) for each in fragments)
    for each in fragments:
        words = each.learned_words or each.first_words
        print(f"row {each.row:<5} {each.location:<{widths[0]}}  {each.used:<{widths[1]}}  {words}")


def _explain_spike(run: Path, number: int, replay: int) -> None:
    from tanuki_jax.training.explain.autopsy import autopsy
    from tanuki_jax.training.explain.suspects import STANDS_OUT

    result = autopsy(run, number, replay)
    print(result.record.path)
    if result.suspects[0].document.suspicion < STANDS_OUT:
        print("no document stands out; the most suspicious are")
    for each in result.suspects[:NAMED]:
        document, location = each.document, each.explained.location
        share = ""
        if document.share is not None and math.isfinite(document.share):
            share = f", {document.share:.0%} of its step's gradient"
        words = each.explained.first_words[:60]
        print(f"step {document.step}  {location}  loss {document.before.mean:.3f}{share}  {words}")


if __name__ == "__main__":
    enter("explain", main)
