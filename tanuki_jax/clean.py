"""Clean a corpus: pages become text, rules drop or change documents, copies are removed, and a report says so.

python -m tanuki_jax.clean --config=demo
python -m tanuki_jax.clean --config=japanese_web --out /scratch/web --workers 64
"""

import dataclasses
import os

from tanuki_jax.base.command import enter
from tanuki_jax.config.limits import NonNegativeInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Clean the inputs of a pipeline. Killed and started again, it goes on; what did not change is not done again."""

    out: str = ""
    """Folder of the run; empty: corpora/NAME."""
    workers: NonNegativeInt = 0
    """Number of processes at once; 0: one for each core."""


def main(words: list[str]) -> None:
    """Run the command with its arguments."""
    from pathlib import Path

    from tanuki_jax.config.command_line import parse_config
    from tanuki_jax.corpus.cleaning.pipelines import PIPELINES

    pipeline, options = parse_config(PIPELINES, "clean", words, Options)
    from tanuki_jax.corpus.cleaning.engines.engine import Local
    from tanuki_jax.corpus.cleaning.run_cleaning import clean

    folder = Path(options.out or f"corpora/{pipeline.name}")
    cleaned = clean(pipeline, folder, Local(options.workers or len(os.sched_getaffinity(0))))
    print(cleaned.cleaned.rows, cleaned.cleaned.kept, cleaned.written.kept, cleaned.written.characters)


if __name__ == "__main__":
    enter("clean", main)
