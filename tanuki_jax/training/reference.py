"""A reference's log-probabilities of all documents, computed once by the weights that a run starts from and kept beside the stores."""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import find, read_state, weights_fingerprint
from tanuki_jax.config.experiment import Experiment, Preference
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.store import Store
from tanuki_jax.lm.model.quantized_base import freeze
from tanuki_jax.lm.model.transformer import Params
from tanuki_jax.lm.parallel.context import time_order
from tanuki_jax.lm.parallel.sharding import local_rows, make_gather, place_batch, shardings
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.loss import make_reference_logps
from tanuki_jax.training.start import loaded

_log = logging.getLogger("tanuki_jax.train")

type Totals = npt.NDArray[np.float32]


def check_records(experiment: Experiment, loader: Loader) -> None:
    """InputError if the objective is not one for what the stores hold."""
    objective, documents = experiment.objective, loader.documents_per_record
    mixture = experiment.data.mixture
    if not isinstance(objective, Preference):
        if documents > 1:
            raise InputError(
                f"the mixture {mixture} has pairs, from which the objective NextToken does not learn; a Preference does"
            )
        return
    wanted, form = (3, "kto") if objective.loss == "kto" else (2, "preference")
    if documents != wanted:
        raise InputError(
            f"objective.loss {objective.loss} needs sources of the form {form}; the mixture {mixture} has others"
        )


def stored_reference(
    experiment: Experiment, mesh: Mesh, loader: Loader, stores: Mapping[str, Store]
) -> dict[str, Totals] | None:
    """For every source float32[documents], the sums over the targets that count; None if the objective has no stored reference.

    They are kept in the store's folder, `reference/KEY.npy`, where the key is that of the weights and, if they are frozen, how they are
    kept, of the model and of the type of activations.
    All processes have to call it, inside `jax.set_mesh`.

    InputError if there is no good checkpoint where the run starts.
    """
    objective = experiment.objective
    if not isinstance(objective, Preference) or not objective.stores_reference:
        return None
    checkpoint = Path(agree(lambda: str(find(experiment.start.checkpoint))))
    base = [experiment.lora.base] if experiment.lora.rank else []
    parts = [
        weights_fingerprint(read_state(checkpoint)),
        repr(experiment.model),
        experiment.layout.compute_dtype,
        *base,
    ]
    key = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
    paths = {name: store.folder / "reference" / f"{key}.npy" for name, store in stores.items()}
    missing = agree(lambda: " ".join(name for name, path in paths.items() if not path.is_file())).split()
    found = (
        _computed(experiment, mesh, loader, checkpoint, {name: stores[name].documents for name in missing})
        if missing
        else {}
    )
    for name, totals in found.items():
        if jax.process_index() == 0:
            paths[name].parent.mkdir(exist_ok=True)
            with replacing(paths[name]) as partial, partial.open("wb") as file:
                np.save(file, totals)
    return found | {name: np.load(path) for name, path in paths.items() if name not in found}


def _parameters(experiment: Experiment, mesh: Mesh, checkpoint: Path) -> Params:
    """Those that the run starts from, as it keeps them."""
    lora = experiment.lora
    parameters = loaded(experiment, mesh, checkpoint)
    if not lora.rank:
        return parameters

    def kept(parameters: Params) -> Params:
        return freeze(parameters, lora)

    frozen: Params = jax.jit(kept, donate_argnums=0, out_shardings=shardings(mesh, jax.eval_shape(kept, parameters)))(
        parameters
    )
    return frozen


def _computed(
    experiment: Experiment, mesh: Mesh, loader: Loader, checkpoint: Path, documents: Mapping[str, int]
) -> dict[str, Totals]:
    """Of sources with so many documents each."""
    layout, data = experiment.layout, experiment.data
    parameters = _parameters(experiment, mesh, checkpoint)
    shape = (layout.accumulation, data.batch_rows // layout.accumulation, data.sequence_length)
    mine, logps, gather = local_rows(mesh, shape), make_reference_logps(experiment, mesh), make_gather(mesh, layout)
    times = (
        time_order(layout.context, data.sequence_length) if layout.context > 1 else slice(None)
    )  # as rows are placed

    def of_batch(parameters: Params, batch: Batch[jax.Array]) -> jax.Array:
        used = gather(parameters)
        found: jax.Array = jax.lax.map(lambda micro: logps(used, micro), batch)
        return found

    everywhere: Any = jax.jit(of_batch, out_shardings=NamedSharding(mesh, P()))
    totals = {}
    for name, count in documents.items():
        _log.info("the reference %s gives log-probabilities to the %d documents of %s", checkpoint, count, name)
        sums = np.zeros(count)
        for split in ("train", "held_out"):
            for batch, numbers in loader.all_documents(name, split, slice(None)):
                placed = place_batch(mesh, jax.tree.map(lambda array: array[mine], batch), mine, shape)
                of_tokens = np.asarray(everywhere(parameters, placed)).reshape(numbers.shape)
                there = numbers[:, times] >= 0
                np.add.at(sums, numbers[:, times][there], of_tokens[there].astype(np.float64))
        totals[name] = sums.astype(np.float32)
    return totals
