"""The autopsy of a spike: read, replayed, written down."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jax

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.data.loader import Loader, open_stores
from tanuki_jax.data.store import Store
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.lm.objectives.registry import make_objective
from tanuki_jax.training.explain.autopsy_page import CHARACTERS, Autopsy, Suspect, render
from tanuki_jax.training.explain.replay import make_plan, replay
from tanuki_jax.training.explain.run_setup import setup_on_this_machine
from tanuki_jax.training.explain.spike_record import read_spike
from tanuki_jax.training.explain.step_documents import check_data, located, read_run, with_saved_tokenizer
from tanuki_jax.training.explain.suspects import ALONE_BEFORE, ALONE_IN, Document


def autopsy(run: Path, number: int, most: int) -> Autopsy:
    """Replays the spike `number`, from 1, of the run in folder `run`, and writes what it shows to `spikes/NNN.html`.

    At most `most` steps before the spike are trained again, and at most so many of its own.

    InputError if there is no such run or spike, its checkpoint is gone or damaged, or the data changed since; or if the run learns from
    pairs.
    """
    experiment, mixture = read_run(run)
    if make_objective(experiment.objective).documents_per_record > 1:
        raise InputError(
            f"{run} learns from pairs, whose losses explain cannot part among documents; --step shows what its steps saw"
        )
    told = read_spike(run, number)
    experiment = with_saved_tokenizer(experiment, told.checkpoint, told.state)
    stores = open_stores(experiment.data, mixture)
    loader = Loader(stores, mixture, experiment.data, experiment.seed)
    check_data(run, experiment, loader, told.state)
    setup = setup_on_this_machine(experiment)
    replayed = replay(setup, loader, told, make_plan(told, most))
    listed = _suspects(replayed.documents[: ALONE_IN + ALONE_BEFORE], stores, load(experiment.data.tokenizer.path))
    devices = f"{setup.mesh.size} x {jax.devices()[0].device_kind}"
    found = Autopsy(told, replayed, listed, devices)
    replace_text(told.path, render(found))
    return found


def _suspects(documents: Sequence[Document], stores: Mapping[str, Store], tokenizer: Tokenizer) -> list[Suspect]:
    places = located([(document.row, document.piece) for document in documents], stores, tokenizer, CHARACTERS)
    suspects = []
    for document, explained in zip(documents, places, strict=True):
        worst = document.at_step or document.before
        suspects.append(Suspect(document, explained, tokenizer.decode([worst.token])))
    return suspects
