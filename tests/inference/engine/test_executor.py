"""Sizes of batches: on this device a row has the same bits in all of them."""

from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.executor import Executor
from tanuki_jax.inference.load_model import LoadedModel


def test_every_power_of_two_up_to_the_rows_gives_equal_bits(engine: Engine) -> None:
    assert engine.batch_sizes == (1, 2, 4, 8)


def test_a_size_with_other_bits_is_left_out(loaded: LoadedModel) -> None:
    class Unequal(Executor):
        """A device whose products of two rows have other last bits."""

        def _checked(self, rows, size):  # type: ignore[no-untyped-def]
            return super()._checked(rows, size) + (1e-7 if size == 2 else 0)

    assert Unequal(loaded, rows=4, pages=9, page=64).sizes == [1, 4]
