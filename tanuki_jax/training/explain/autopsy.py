"""Autopsy of a spike: read, replayed and written to a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jax

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.data.loader import Loader, data_step_of
from tanuki_jax.data.open_stores import open_stores
from tanuki_jax.data.store import Store
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.lm.objectives.make_objective import make_objective
from tanuki_jax.training.explain.autopsy_page import CHARACTERS, Autopsy, Suspect, render
from tanuki_jax.training.explain.replay import make_plan, replay
from tanuki_jax.training.explain.run_setup import setup_on_this_machine, with_batch_rows
from tanuki_jax.training.explain.spike_record import SpikeRecord, read_spike
from tanuki_jax.training.explain.step_documents import (
    check_data,
    located,
    newest_checkpoint,
    read_run,
    with_saved_tokenizer,
)
from tanuki_jax.training.explain.suspects import ALONE_BEFORE, ALONE_IN, Document
from tanuki_jax.training.read_on import recorded_reading


def autopsy(run: Path, number: int, most: int) -> Autopsy:
    """Replay a spike, and write the results to `spikes/NNN.html` in the run's folder.

    Args:
        run: the run's folder.
        number: of the spike, from 1.
        most: number of steps before the spike that are trained again at most, and number of its own steps.

    Raises:
        InputError: there is no such run or spike, its checkpoint is missing or damaged, the data changed since, or the
            run learns from pairs.
    """
    experiment, mixture = read_run(run)
    if make_objective(experiment.objective).documents_per_record > 1:
        raise InputError(
            f"{run} learns from pairs, whose losses cannot be divided among documents; --step shows what a step read"
        )
    record = read_spike(run, number)
    experiment = with_saved_tokenizer(experiment, record.checkpoint, record.state)
    stores = open_stores(experiment.data, mixture)
    loader = Loader(stores, mixture, experiment.data, experiment.seed)
    newest = newest_checkpoint(run)
    loader.set_reading(recorded_reading(run, experiment, read_state(newest) if newest else None))
    check_data(run, experiment, loader, record.state)
    rows = loader.batch_rows(data_step_of(record.spike.first - 1, record.skipped))
    setup = setup_on_this_machine(with_batch_rows(experiment, rows))
    replayed = replay(setup, loader, record, make_plan(record, most, _first_step_of_size(record, loader, rows)))
    listed = _suspects(replayed.documents[: ALONE_IN + ALONE_BEFORE], stores, load(experiment.data.tokenizer.path))
    devices = f"{setup.mesh.size} x {jax.devices()[0].device_kind}"
    result = Autopsy(record, replayed, listed, devices)
    replace_text(record.path, render(result))
    return result


def _first_step_of_size(record: SpikeRecord, loader: Loader, rows: int) -> int:
    """Return the first step from which on all batches up to the spike have so many rows."""
    before = range(1, record.spike.first)
    other = (step for step in before if loader.batch_rows(data_step_of(step - 1, record.skipped)) != rows)
    return max(other, default=0) + 1


def _suspects(documents: Sequence[Document], stores: Mapping[str, Store], tokenizer: Tokenizer) -> list[Suspect]:
    fragments = located([(document.row, document.fragment) for document in documents], stores, tokenizer, CHARACTERS)
    suspects = []
    for document, explained in zip(documents, fragments, strict=True):
        worst = document.at_step or document.before
        suspects.append(Suspect(document, explained, tokenizer.decode([worst.token])))
    return suspects
