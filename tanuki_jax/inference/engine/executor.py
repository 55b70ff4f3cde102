"""A model on its devices with a cache, and the sizes of batches that give a row the same bits."""

import functools
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.config.model import Model
from tanuki_jax.inference.engine import programs
from tanuki_jax.inference.engine.paged_forward import PagedCache, empty_cache
from tanuki_jax.inference.engine.programs import Arrays, Row, Scores
from tanuki_jax.inference.load_model import LoadedModel

MOST_ROWS_ON_CPU = 16
"""Rows of a CPU's largest program: more at once are no faster there."""
_READING = (8, 16, 32)
"""Tokens of the programs that read less than a page."""
_CHECK_STEPS, _CHECKS = 3, 4

_log = logging.getLogger(__name__)


class _Compiled(NamedTuple):
    """Programs of a model; each is compiled when it is first called with arrays of new shapes."""

    read: Callable[..., Any]
    decode: Callable[..., Any]
    decode_detailed: Callable[..., Any]
    noise: Callable[..., Any]


@functools.cache
def _compiled(model: Model, vocabulary: int, end_ids: tuple[int, ...], mesh: Mesh) -> _Compiled:
    """Return the programs, the same ones for equal models on the same devices."""
    split, copied = NamedSharding(mesh, P(None, None, "tensor")), NamedSharding(mesh, P())
    compiled, outputs = partial(jax.jit, donate_argnames="cache"), (split, copied, copied)
    decode = partial(programs.decode, model=model, vocabulary=vocabulary, end_ids=end_ids)
    detailed = partial(programs.decode_detailed, model=model, vocabulary=vocabulary)
    return _Compiled(
        read=compiled(partial(programs.read, model=model), out_shardings=(split, copied)),
        decode=compiled(decode, out_shardings=outputs),
        decode_detailed=compiled(detailed, out_shardings=outputs),
        noise=compiled(_noise, out_shardings=split, keep_unused=True),
    )


class Executor:
    """Runs the programs of one model.

    Attributes:
        page: tokens of a page, and most tokens of a prompt that are read at once.
        table: pages of a row that is as long as the model allows.
        sizes: numbers of rows of the programs that decode, rising. A row's results have the same bits in all of them.
    """

    def __init__(self, loaded: LoadedModel, *, rows: int, pages: int, page: int, ready: bool) -> None:
        """
        Args:
            loaded: model and tokenizer.
            rows: most rows that are decoded at once.
            pages: pages of the cache, the spare one included.
            page: tokens of a page, a power of two.
            ready: whether to compile all programs now, also for fewer rows; else one number of rows is used, and each
                program is compiled when it is first needed.
        """
        self._loaded, self.page = loaded, page
        self.table = -(-loaded.limit // page)
        ends = tuple(sorted(loaded.end_ids))
        self._compiled = _compiled(loaded.model, loaded.tokenizer.vocabulary, ends, loaded.mesh)
        dtype = loaded.parameters["embedding"].dtype.name
        most = 1 << (rows - 1).bit_length()
        if jax.default_backend() == "cpu":
            most = min(most, MOST_ROWS_ON_CPU)
        if ready:
            pages = max(pages, most + 1)  # each row of the check below writes a page of its own
        empty, split = partial(empty_cache, loaded.model, pages, page, dtype), P(None, None, "tensor")
        self._cache = jax.jit(empty, out_shardings=NamedSharding(loaded.mesh, split))()
        self._reading = [size for size in _READING if size < page] + [page]
        self._no_ids: dict[int, jax.Array] = {}
        self.sizes = [most]
        if ready:
            random = np.random.default_rng(0)
            rows_of_check = [self._random_row(random, number, most) for number in range(most)]
            self.sizes = sizes_of_equal_bits(rows_of_check, self._bits)
            self._warm_up()

    def _warm_up(self) -> None:
        """Compile the programs that are not compiled yet: one that is first needed later would stop all rows."""
        table = np.zeros(self.table, np.int32)
        for size in self._reading:
            states_td = self.read([0] * size, 0, table)
            self.score(states_td, [0])
            self.sum(states_td, 1)

    def read(self, tokens: Sequence[int], start: int, table: npt.NDArray[np.int32]) -> jax.Array:
        """Put up to a page of tokens into the cache, and return their states, [T, D], T at least their number.

        Args:
            tokens: ids.
            start: position of the first one, at which a page begins.
            table: int32[P], pages of the row.
        """
        padded = np.zeros(next(size for size in self._reading if size >= len(tokens)), np.int32)
        padded[: len(tokens)] = tokens
        length, place = np.int32(len(tokens)), np.int32(start)
        self._cache, states = self._compiled.read(self._loaded.parameters, self._cache, padded, length, place, table)
        return states

    def score(self, states_td: jax.Array, following: Sequence[int]) -> Scores:
        """Return the scores of the tokens that follow the first states, as arrays of numpy."""
        padded = np.zeros(len(states_td), np.int32)
        padded[: len(following)] = following
        vocabulary = self._loaded.tokenizer.vocabulary
        scores = jax.device_get(programs.score(self._loaded.parameters, states_td, padded, vocabulary=vocabulary))
        return Scores(*(part[: len(following)] for part in scores))

    def sum(self, states_td: jax.Array, length: int) -> npt.NDArray[np.float32]:
        """Return the sum of the first states, float32[D]."""
        return np.asarray(programs.sum_states(states_td, np.int32(length)))

    def _size(self, rows: int) -> int:
        return next(size for size in self.sizes if size >= rows)

    def decode(self, rows: Sequence[Row], steps: int) -> list[list[int]]:
        """Return up to `steps` new tokens of each row, at most the largest of `sizes` rows.

        A row gets fewer if it ends, or has fewer left; its end is among them.
        """
        size = self._size(len(rows))
        added_bs = jax.device_get(self._run(rows, steps, size)[0])
        return [line[line >= 0].tolist() for line in added_bs[: len(rows)]]

    def _run(self, rows: Sequence[Row], steps: int, size: int) -> tuple[jax.Array, jax.Array]:
        self._cache, added_bs, logits_bv = self._compiled.decode(
            self._loaded.parameters, self._cache, *self._arrays(rows, size), np.int32(steps)
        )
        return added_bs, logits_bv

    def _arrays(self, rows: Sequence[Row], size: int) -> tuple[npt.NDArray[Any] | jax.Array, ...]:
        """Return rows as arrays; without penalties one of them, which may be large, stays on the device."""
        ints, floats, ids = Arrays.of(rows, size, self._loaded.limit)
        if ids is not None:
            return ints, floats, ids
        if size not in self._no_ids:
            self._no_ids[size] = jnp.full((size, self._loaded.limit), programs.NOTHING, jnp.int32)
        return ints, floats, self._no_ids[size]

    def decode_detailed(self, rows: Sequence[Row], bias_bv: npt.NDArray[np.float32]) -> tuple[list[int], Scores]:
        """Return one new token of each row, at most the largest of `sizes` rows, and its scores, as arrays of numpy.

        Args:
            rows: rows.
            bias_bv: float32[B, V], as for `programs.decode_detailed`.
        """
        chosen_b, scores = self._run_detailed(rows, bias_bv, self._size(len(rows)))
        return chosen_b[: len(rows)].tolist(), Scores(*(part[: len(rows)] for part in scores))

    def _run_detailed(
        self, rows: Sequence[Row], bias_bv: npt.NDArray[np.float32], size: int
    ) -> tuple[npt.NDArray[np.int32], Scores]:
        padded_bv = np.pad(bias_bv, ((0, size - len(rows)), (0, 0)))
        self._cache, chosen_b, scores = self._compiled.decode_detailed(
            self._loaded.parameters, self._cache, *self._arrays(rows, size), padded_bv
        )
        chosen, on_host = jax.device_get((chosen_b, scores))
        return chosen, on_host

    def _random_row(self, random: np.random.Generator, number: int, most: int) -> Row:
        """Return a row somewhere in its own share of the cache's pages."""
        pages = min((self._cache.k.shape[1] - 1) // most, self.table)
        table = np.zeros(self.table, np.int32)
        table[:pages] = 1 + number * pages + np.arange(pages)
        token = int(random.integers(self._loaded.tokenizer.vocabulary))
        position = int(random.integers(max(1, min(pages * self.page, self._loaded.limit) - _CHECK_STEPS)))
        return Row(token, position, _CHECK_STEPS, 0, 0, 0, 0.0, 1.0, 0.0, table)

    def _bits(self, rows: Sequence[Row]) -> list[bytes]:
        """Return, for each row, the bits of its logits and scores by the programs for so many rows."""
        bias_bv = np.ones((len(rows), self._loaded.model.vocabulary), np.float32)
        parts: list[npt.NDArray[Any]] = []
        for seed in range(_CHECKS):
            self._cache = self._compiled.noise(self._cache, np.uint32(seed))
            parts.append(np.asarray(self._run(rows, _CHECK_STEPS, len(rows))[1]))
            parts += map(np.asarray, self._run_detailed(rows, bias_bv, len(rows))[1])
        return [b"".join(part[row].tobytes() for part in parts) for row in range(len(rows))]


def sizes_of_equal_bits(rows: Sequence[Row], bits: Callable[[Sequence[Row]], list[bytes]]) -> list[int]:
    """Return the number of the rows, a power of two, and those smaller ones at which a row has the same bits.

    A library of matrix products is free to add numbers in another order for another number of rows; a size for which
    this device does so is left out.

    Args:
        rows: random ones.
        bits: rows -> bits of the results of each.
    """
    expected = bits(rows)
    if bits(rows[::-1]) != expected[::-1]:
        _log.warning("on this device the last bits of an answer may depend on what else is being answered")
    sizes = (1 << power for power in range((len(rows) - 1).bit_length()))
    return [*(size for size in sizes if bits(rows[:size]) == expected[:size]), len(rows)]


def _noise(cache: PagedCache, seed: jax.Array) -> PagedCache:
    """Return a cache of random numbers, made layer by layer to need little memory."""

    def layer(key: jax.Array) -> jax.Array:
        return jax.random.normal(key, cache.k.shape[1:], cache.k.dtype)

    keys_l = jax.random.split(jax.random.key(seed), 2 * len(cache.k))
    return PagedCache(*(jax.lax.map(layer, part) for part in (keys_l[: len(cache.k)], keys_l[len(cache.k) :])))
