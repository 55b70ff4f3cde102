"""Upcycling (Komatsuzaki et al. 2022): a mixture whose experts begin as the dense model's SwiGLU, and whose routers are
fresh."""

import dataclasses
import functools
import math
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.convert_options import ExpertOptions
from tanuki_jax.checkpoints.format import find, finish, read_state
from tanuki_jax.checkpoints.hugging_face import import_model as from_hugging_face
from tanuki_jax.checkpoints.hugging_face.configuration import read_configuration
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.checkpoints.tokenizer_copy import carry_tokenizer
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.limits import check_fields
from tanuki_jax.config.model import Model
from tanuki_jax.config.options import spell
from tanuki_jax.config.validate import validate
from tanuki_jax.lm.model.weights import count_parameters, shapes
from tanuki_jax.lm.optimizers.make_optimizer import make_optimizer

_MAY_DIFFER = {
    "experts",
    "experts_per_token",
    "router_logits",
    "rope_theta",
    "rope_scaling",
    "norm_epsilon",
    "initial_std",
}
"""Fields of a model in which a mixture may differ from the dense model that it is made of."""
_FROM_DENSE = {"expert_gate": "gate", "expert_up": "up", "expert_down": "down"}
"""Weight of the experts -> weight of the dense model that each expert begins as."""
_RANDOM = ("router", "units", "expert_gate", "expert_up", "expert_down")
"""Purposes of random numbers; the position of each is part of their seed."""

type Float32s = npt.NDArray[np.float32]

type Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""(title, total) -> a context whose value is `advance(n)`."""

type Expert = Callable[[ExpertOptions, Float32s, str, int, int], Float32s]
"""(options, dense matrix, name of the expert's weight, layer, expert) -> the expert's matrix, not in place."""


def write(
    source: Path, out: Path, experiment: Experiment, options: ExpertOptions, progress: Progress
) -> tuple[Path, Model]:
    """Write the checkpoint `out` in the type of the source, and return the source (a checkpoint or a Hugging Face
    folder) and its model.

    At most two of the dense model's matrices are held in float32, and the copies of one that are being written.

    Args:
        source: a checkpoint, a run folder, whose newest good checkpoint is taken, or a model folder of Hugging Face's.
            Of the last, a checkpoint lies in the unfinished `out` meanwhile.
        out: a folder that does not exist yet; it appears when it is complete.
        experiment: its model is the mixture to make.
        options: how.
        progress: called for each stage of the work.

    Raises:
        InputError: `out` exists, the source is not dense, has other dims or no optimizer state to copy, or an option is
            out of range.
    """
    _check(options, experiment)
    ours = any(
        (source / name).exists() for name in ("events.jsonl", "checkpoints")
    )  # a run folder has a config.json too
    foreign = (source / "config.json").is_file() and not ours
    source = source if foreign else find(str(source))
    dense, model = read_configuration(source).model if foreign else read_state(source).model, experiment.model
    _check_dense(source, dense, experiment)
    if options.optimizer == "copied" and not (source / "optimizer").is_dir():
        raise InputError(f"{source} has no optimizer state to copy; take --optimizer fresh")
    if options.optimizer == "copied" and (had := read_state(source).optimizer) != type(experiment.optimizer).__name__:
        raise InputError(
            f"{source} has the optimizer state of {had}, and the experiment {experiment.name!r} has "
            f"{type(experiment.optimizer).__name__}; take --optimizer fresh"
        )
    with new_folder(out) as draft:
        checkpoint = source
        if foreign:
            checkpoint = draft / "dense"
            with progress("reading the dense model", count_parameters(dense)) as done:
                from_hugging_face.write(source, checkpoint, done)
        _write_arrays(checkpoint, draft, experiment, options, progress)
        state = read_state(checkpoint)
        converted = dataclasses.replace(state, step=0, tokens=0, skipped=(), model=model, data="")
        converted = carry_tokenizer(checkpoint, state, draft, converted)
        if foreign:
            shutil.rmtree(checkpoint)
        finish(draft, converted)
    return source, dense


def _check(options: ExpertOptions, experiment: Experiment) -> None:
    validate(experiment)
    check_fields(options, spell)
    if not experiment.model.experts:
        raise InputError(
            f"the experiment {experiment.name!r} has no experts (its model.experts is 0); name one of a mixture, as "
            "'8x8b'"
        )


def _check_dense(source: Path, dense: Model, experiment: Experiment) -> None:
    if dense.experts:
        raise InputError(f"{source} has {dense.experts} experts already; a mixture is made of a dense model")
    for field in (field.name for field in dataclasses.fields(Model) if field.name not in _MAY_DIFFER):
        have, wanted = getattr(dense, field), getattr(experiment.model, field)
        if have != wanted:
            raise InputError(
                f"{source} has {field} {have}, and the experiment {experiment.name!r} {wanted}; they must be the same"
            )


def _write_arrays(
    checkpoint: Path, draft: Path, experiment: Experiment, options: ExpertOptions, progress: Progress
) -> None:
    model = experiment.model
    dtype = Parameters(checkpoint).read("norm").dtype

    def write_item(item: str, what: str, tree: Any, router: Callable[[int], Float32s], expert: Expert) -> None:
        with progress(what, sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))) as done:
            stream.write(
                draft,
                model,
                tree,
                _reader(Parameters(checkpoint, item), router, functools.partial(expert, options), dtype, done),
                item,
            )

    def router(layer: int) -> Float32s:
        return model.initial_std * _generator(options, "router", layer, 0).standard_normal(
            (model.width, model.experts), np.float32
        )

    def no_moments(layer: int) -> Float32s:
        return np.zeros((model.width, model.experts), np.float32)

    parameters = shapes(model, dtype.name)
    write_item("base", "writing parameters", parameters, router, _weights)
    if options.optimizer == "copied":
        moments = jax.eval_shape(make_optimizer(experiment.optimizer, model).init, parameters)
        tree = {"moments": moments, "accepted": jax.ShapeDtypeStruct((), np.int32)}
        write_item("optimizer", "writing the optimizer's state", tree, no_moments, _moments)


def _reader(
    dense: Parameters,
    router: Callable[[int], Float32s],
    expert: Callable[[Float32s, str, int, int], Float32s],
    dtype: np.dtype[Any],
    advance: Callable[[int], None],
) -> stream.Read:
    """Return a reader of routers and experts in `dtype`, and of all other arrays as the dense model has them."""

    @functools.lru_cache(maxsize=1)  # the experts of a layer are read one after the other
    def matrix(name: str, layer: int) -> Float32s:
        return dense.read(name, layer).astype(np.float32)

    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        path, _, key = name.rpartition(".")
        if key == "router":
            assert isinstance(part[0], int)
            values = router(part[0]).astype(dtype)
        elif key in _FROM_DENSE:
            layer, number = part
            assert isinstance(layer, int) and isinstance(number, int)
            dense_matrix = matrix(f"{path}.{_FROM_DENSE[key]}", layer)
            values = expert(dense_matrix, key, layer, number).astype(dtype, copy=False)
        else:
            values = dense.read(name, *part)
        advance(values.size)
        return values

    return read


def _weights(options: ExpertOptions, dense: Float32s, key: str, layer: int, expert: int) -> Float32s:
    """Return one matrix of an expert."""
    random = _generator(options, key, layer, expert)
    if options.initialisation == "noise":
        noisy = random.standard_normal(dense.shape, np.float32)
        noisy *= options.noise * (dense.std() if options.noise_scale == "relative" else 1)
        noisy += dense
        return noisy
    anew = _drawn_anew(options, dense.shape, key, layer, expert)
    replaced = dense[anew]
    if not replaced.size:
        return dense
    partly = dense.copy()
    partly[anew] = replaced.mean() + replaced.std() * random.standard_normal(replaced.shape, np.float32)
    return partly


def _moments(options: ExpertOptions, dense: Float32s, key: str, layer: int, expert: int) -> Float32s:
    """Return the moments of one matrix of an expert."""
    kept = dense.copy()
    kept[_drawn_anew(options, dense.shape, key, layer, expert)] = 0
    return kept


def _drawn_anew(
    options: ExpertOptions, shape: tuple[int, ...], key: str, layer: int, expert: int
) -> tuple[slice | npt.NDArray[np.int64], ...]:
    """Return the index of an expert's hidden units that are drawn anew, into a matrix: the same units in its three
    matrices."""
    rows = key == "expert_down"
    hidden = shape[0 if rows else 1]
    count = math.floor(options.share * hidden) if options.initialisation == "drop" else 0
    units = _generator(options, "units", layer, expert).choice(hidden, count, replace=False)
    return (units,) if rows else (slice(None), units)


def _generator(options: ExpertOptions, purpose: str, layer: int, expert: int) -> np.random.Generator:
    """Return random numbers that depend on the arguments alone."""
    return np.random.default_rng(
        np.random.SeedSequence(options.seed, spawn_key=(_RANDOM.index(purpose), layer, expert))
    )
