from pathlib import Path

from tanuki_jax.data.epoch_steps import steps_of_a_pass
from tanuki_jax.data.loader import Loader
from tests.data.test_loader import data, mixture, write_store

SIZES = {"a": [5, 4, 9, 6, 3, 30, 7, 7, 4, 8] * 4, "b": [5, 5, 6, 3, 8, 8] * 5}


def test_a_pass_ends_at_the_step_before_which_the_loader_has_read_a_source_once(tmp_path: Path) -> None:
    stores = {name: write_store(tmp_path / name, 0, sizes) for name, sizes in SIZES.items()}
    for weights in ({"a": 1.0, "b": 1.0}, {"a": 5.0, "b": 1.0}):
        loader = Loader(stores, mixture((0, weights)), data(), seed=3)
        steps = steps_of_a_pass(stores, mixture((0, weights)), data(), seed=3)
        assert steps.keys() == {"a", "b"}
        for name, step in steps.items():
            assert loader.epochs(step - 1)[name] < 1 <= loader.epochs(step)[name]
    left = mixture((0, {"a": 1.0, "b": 1.0}), (1, {"b": 1.0}))
    assert steps_of_a_pass(stores, left, data(), seed=3).keys() == {"b"}
