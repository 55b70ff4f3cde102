"""Documents that a step of a run read: each fragment with the location it came from."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import format as folder
from tanuki_jax.checkpoints.format import State
from tanuki_jax.checkpoints.tokenizer_copy import tokenizer_path
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.config.serialize import read_json
from tanuki_jax.data.batch import SIDES
from tanuki_jax.data.loader import Fragment, Loader, data_step_of
from tanuki_jax.data.open_stores import open_stores
from tanuki_jax.data.store import Origin, Store
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.training.read_on import recorded_reading

TOKENS_SHOWN = 24
"""Number of tokens of a fragment whose text is shown."""


@dataclasses.dataclass(frozen=True)
class Explained:
    """Fragment of a document in a row of a batch, with its location and text."""

    row: int
    fragment: Fragment
    origin: Origin
    document_tokens: int
    """Number of tokens of the full document, its end included."""
    first_words: str
    """Text of the fragment's first tokens, on one line."""
    side: str = ""
    """Side of a preference, chosen or rejected; else empty."""
    learned: int | None = None
    """Number of targets that are learned; None: all, as in texts."""
    learned_words: str = ""
    """Text of the first learned targets, on one line, if not all are learned."""

    @property
    def location(self) -> str:
        """Return source, file and row."""
        return f"{self.fragment.source}  {self.origin.path}:{self.origin.row}"

    @property
    def used(self) -> str:
        """Return which part of the document the fragment is, and how much of it is learned."""
        fragment = self.fragment
        tokens = f"tokens {fragment.start + 1}-{fragment.start + fragment.length} of {self.document_tokens}"
        part = f"{tokens}, epoch {fragment.epoch + 1}"
        return ", ".join(
            [
                part,
                *([self.side] if self.side else []),
                *([f"{self.learned} learned"] if self.learned is not None else []),
            ]
        )


@dataclasses.dataclass(frozen=True)
class Step:
    """Documents of a step of a run."""

    data_step: int
    fragments: Sequence[Explained]


def explain(run: Path, step: int) -> Step:
    """Return the documents that step `step`, from 1, of the run in folder `run` read, row after row.

    InputError if there is no such run or step, or if the data are not those that the run was trained on.
    """
    experiment, mixture = read_run(run)
    if not 1 <= step <= experiment.steps:
        raise InputError(f"{run} has the steps 1 to {experiment.steps}, but no step {step}")
    newest = newest_checkpoint(run)
    state = folder.read_state(newest) if newest else None
    if newest and state:
        experiment = with_saved_tokenizer(experiment, newest, state)
    stores = open_stores(experiment.data, mixture)
    loader = Loader(stores, mixture, experiment.data, experiment.seed)
    loader.set_reading(recorded_reading(run, experiment, state))
    skipped: tuple[int, ...] = ()
    if state:
        check_data(run, experiment, loader, state)
        skipped = state.skipped
    data_step = data_step_of(step - 1, skipped)
    fragments = [(row, fragment) for row, fragments in enumerate(loader.trace(data_step)) for fragment in fragments]
    return Step(data_step, located(fragments, stores, load(experiment.data.tokenizer.path)))


def read_run(run: Path) -> tuple[Experiment, Mixture]:
    """Return config and mixture of the run in a folder; the path of the stores is valid in any working directory.

    InputError if it is no run folder.
    """
    experiment, mixture = _read(run / "config.json", Experiment), _read(run / "mixture.json", Mixture)
    # `runs` and `stores` are relative to the folder where training ran, so the run's own location tells which folder
    # that was.
    folder, location = run.resolve(), Path(experiment.runs) / experiment.name
    for parent in folder.parents:
        stores = parent / experiment.data.stores
        if not location.is_absolute() and parent / location == folder and stores.is_dir():
            experiment = dataclasses.replace(experiment, data=dataclasses.replace(experiment.data, stores=str(stores)))
    return experiment, mixture


def newest_checkpoint(run: Path) -> Path | None:
    """Return the newest finished checkpoint of the run in a folder, unverified; None if it has none."""
    saved = folder.steps(run / "checkpoints")
    return folder.step_folder(run / "checkpoints", saved[-1]) if saved else None


def with_saved_tokenizer(experiment: Experiment, checkpoint: Path, state: State) -> Experiment:
    """Return the experiment with the tokenizer that one of its checkpoints holds; unchanged if the checkpoint has none.

    InputError as `tokenizer_path`.
    """
    if not state.tokenizer:
        return experiment
    data = experiment.data
    tokenizer = dataclasses.replace(data.tokenizer, path=str(tokenizer_path(checkpoint, state)))
    return dataclasses.replace(experiment, data=dataclasses.replace(data, tokenizer=tokenizer))


def check_data(run: Path, experiment: Experiment, loader: Loader, state: State) -> None:
    """Raise InputError if the data are not those that a checkpoint of the run was trained on."""
    if not loader.has_made(state.data, data_step_of(state.step, state.skipped)):
        raise InputError(f"the stores in {experiment.data.stores} are no longer those that {run} was trained on")


def _read[Config](path: Path, kind: type[Config]) -> Config:
    if not path.is_file():
        raise InputError(f"{path.parent} is not a run folder: it has no {path.name}")
    return read_json(path, kind)


def located(
    fragments: Sequence[tuple[int, Fragment]],
    stores: Mapping[str, Store],
    tokenizer: Tokenizer,
    tokens: int = TOKENS_SHOWN,
) -> list[Explained]:
    """Return fragments (row, fragment) with their locations and the text of their first `tokens` tokens."""
    explained = []
    for row, fragment in fragments:
        store = stores[fragment.source]
        begin, end = store.offsets[fragment.document : fragment.document + 2]
        start = np.array([begin + fragment.start])
        words = _words(store, start, np.array([min(fragment.length, tokens)]), tokenizer)
        described = Explained(row, fragment, store.origin(fragment.document), int(end - begin), words)
        if store.has_learned:
            targets = np.flatnonzero(store.read_learned(start + 1, np.array([fragment.length])))
            side = SIDES[fragment.document % store.documents_per_record] if store.documents_per_record > 1 else ""
            learned_words = _words(
                store, start + 1 + targets[:tokens], np.ones(len(targets[:tokens]), np.int64), tokenizer
            )
            described = dataclasses.replace(described, side=side, learned=len(targets), learned_words=learned_words)
        explained.append(described)
    return explained


def _words(store: Store, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], tokenizer: Tokenizer) -> str:
    """Return the text of some spans, on one line."""
    return " ".join(tokenizer.decode(store.read(starts, lengths).tolist()).split())
