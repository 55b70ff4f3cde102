"""A reference's log-probabilities of all documents, computed once by the weights that a run starts from and kept beside
the stores."""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import find, read_state, weights_fingerprint
from tanuki_jax.checkpoints.parameters import base_of
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.store import Store
from tanuki_jax.lm.model.quantized_base import quantize_base
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.context import time_order
from tanuki_jax.lm.parallel.sharding import local_rows, place_batch, shardings
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.loss import make_reference_logps
from tanuki_jax.training.setup import TrainSetup
from tanuki_jax.training.start import load_start
from tanuki_jax.training.started_adapter import choose_started, load_adapter

_log = logging.getLogger("tanuki_jax.training")

type Totals = npt.NDArray[np.float32]


def check_records(setup: TrainSetup, loader: Loader) -> None:
    """Raise InputError if the objective does not learn from what the stores hold."""
    objective = setup.objective
    if loader.documents_per_record != objective.documents_per_record:
        name = type(setup.experiment.objective).__name__
        raise InputError(
            f"the objective {name} needs sources of the form {objective.form}, with {objective.documents_per_record} "
            f"document(s) a record; the mixture {setup.experiment.data.mixture} has {loader.documents_per_record}"
        )


def stored_reference(setup: TrainSetup, loader: Loader, stores: Mapping[str, Store]) -> dict[str, Totals] | None:
    """Return for every source float32[documents], sums over the targets that count; None if the objective has no stored
    reference.

    The reference is the model at the start of the run: the parameters of `start.checkpoint`, with its adapter merged
    or, if the run trains that further (`start.load` adapter), beside them as in the first step.

    They are kept in the store's folder, `reference/KEY.npy`, where the key is that of the weights and, if they are
    frozen, of how they are kept, of the model and of the type of activations. All processes have to call it, inside
    `jax.set_mesh`.

    InputError if there is no good checkpoint where the run starts.
    """
    experiment = setup.experiment
    if not experiment.objective.stores_reference:
        return None
    checkpoint = Path(agree(lambda: str(find(experiment.start.checkpoint))))
    state = read_state(checkpoint)
    parts = [weights_fingerprint(state), repr(experiment.model), experiment.layout.compute_dtype]
    if experiment.lora.rank:
        parts.append(experiment.lora.base)
    if experiment.start.load == "adapter":
        name = choose_started(checkpoint, state, experiment.lora).name
        parts += [name, f"{experiment.lora.scale}", experiment.layout.parameter_dtype, state.base_fingerprint]
    key = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
    paths = {name: store.folder / "reference" / f"{key}.npy" for name, store in stores.items()}
    missing = agree(lambda: " ".join(name for name, path in paths.items() if not path.is_file())).split()
    documents = {name: stores[name].documents for name in missing}
    computed = _computed(setup, loader, checkpoint, documents) if missing else {}
    for name, totals in computed.items():
        if jax.process_index() == 0:
            paths[name].parent.mkdir(exist_ok=True)
            with replacing(paths[name]) as partial, partial.open("wb") as file:
                np.save(file, totals)
    return computed | {name: np.load(path) for name, path in paths.items() if name not in computed}


def _parameters(setup: TrainSetup, checkpoint: Path) -> Params:
    """Return the parameters of the forward pass at the start of the run, as it keeps them."""
    experiment, mesh = setup.experiment, setup.mesh
    if experiment.start.load != "adapter":
        return _kept(setup, load_start(experiment, mesh, checkpoint))
    state = read_state(checkpoint)
    started = choose_started(checkpoint, state, experiment.lora)
    frozen = _kept(setup, load_start(experiment, mesh, base_of(checkpoint, state)))
    adapter = load_adapter(experiment, mesh, checkpoint, state, started.name)
    return setup.with_adapters(frozen, adapter)


def _kept(setup: TrainSetup, params: Params) -> Params:
    """Return parameters as the run keeps them, quantized if it does; they are donated."""
    experiment, mesh = setup.experiment, setup.mesh
    if not experiment.lora.rank:
        return params

    def kept(params: Params) -> Params:
        return quantize_base(experiment.model, params, experiment.lora)

    placed = shardings(mesh, experiment.model, jax.eval_shape(kept, params))
    frozen: Params = jax.jit(kept, donate_argnums=0, out_shardings=placed)(params)
    return frozen


def _computed(setup: TrainSetup, loader: Loader, checkpoint: Path, documents: Mapping[str, int]) -> dict[str, Totals]:
    """Compute the sums of sources with so many documents each."""
    layout, data, mesh = setup.experiment.layout, setup.experiment.data, setup.mesh
    params = _parameters(setup, checkpoint)
    shape = (layout.accumulation, data.batch_rows // layout.accumulation, data.sequence_length)
    local, logps = local_rows(mesh, shape), make_reference_logps(setup)
    times = (
        time_order(layout.context, data.sequence_length) if layout.context > 1 else slice(None)
    )  # as rows are placed

    def of_batch(params: Params, batch: Batch[jax.Array]) -> jax.Array:
        used = setup.gather(params)
        found: jax.Array = jax.lax.map(lambda micro: logps(used, micro), batch)
        return found

    on_all_devices: Any = jax.jit(of_batch, out_shardings=NamedSharding(mesh, P()))
    totals = {}
    for name, count in documents.items():
        _log.info(
            "computing the reference's log-probabilities of the %d documents of %s by %s", count, name, checkpoint
        )
        sums = np.zeros(count)
        for split in ("train", "held_out"):
            for batch, numbers in loader.all_documents(name, split, slice(None)):
                placed = place_batch(mesh, jax.tree.map(lambda array: array[local], batch), local, shape)
                of_tokens = np.asarray(on_all_devices(params, placed)).reshape(numbers.shape)
                real = numbers[:, times] >= 0
                np.add.at(sums, numbers[:, times][real], of_tokens[real].astype(np.float64))
        totals[name] = sums.astype(np.float32)
    return totals
