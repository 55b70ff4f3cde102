"""Make a tokenizer and token stores of documents; existing ones are used.

python -m tanuki_jax.prepare --config=tiny
python -m tanuki_jax.prepare --config=8b --data.stores /scratch/stores --workers 64
srun --nodes=8 --ntasks-per-node=1 python -m tanuki_jax.prepare --config=8b --join
python -m tanuki_jax.prepare --config=8b_sft --preview 3
"""

import dataclasses

from tanuki_jax.base.command import enter
from tanuki_jax.base.cores import usable_cores
from tanuki_jax.config.limits import NonNegativeInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Train the tokenizer of an experiment and make the token stores of its mixture; existing ones are used."""

    workers: NonNegativeInt = 0
    """Number of processes that encode; 0: one for each core."""
    join: bool = False
    """Share the work with other processes that prepare the same stores, on this host or on others."""
    preview: NonNegativeInt = 0
    """Print this many records of each source of chats or preferences, the learned text in colour, and write no file."""


def main(words: list[str]) -> None:
    # Worker processes import this file too, and need nothing of the command line.
    from tanuki_jax.config import registry
    from tanuki_jax.config.command_line import parse

    experiment, options = parse("prepare", words, Options)
    from tanuki_jax.base.tables import show  # after the words are understood: the tokenizers take a second
    from tanuki_jax.data.preparation import summary
    from tanuki_jax.data.preparation.prepare_data import prepare
    from tanuki_jax.data.preparation.preview import preview

    mixture = registry.mixture.find(experiment.data.mixture)
    if options.preview:
        for text in preview(experiment.data, mixture, options.preview):
            show(text)
        return
    prepared = prepare(experiment.data, mixture, options.workers or usable_cores(), join=options.join)
    show(summary.table(prepared))
    if any(entry.store.has_learned for entry in prepared):
        show(summary.epoch_line(experiment, mixture, prepared))


if __name__ == "__main__":
    enter("prepare", main)
