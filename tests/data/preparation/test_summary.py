from pathlib import Path

from tanuki_jax.data.loader import Loader
from tanuki_jax.data.preparation.summary import epoch_steps
from tests.data.test_loader import data, mixture, write_store

SIZES = {"a": [5, 4, 9, 6, 3, 30, 7, 7, 4, 8] * 4, "b": [5, 5, 6, 3, 8, 8] * 5}


def test_an_epoch_ends_before_the_step_at_which_the_loader_repeats(tmp_path: Path) -> None:
    stores = {name: write_store(tmp_path / name, 0, sizes) for name, sizes in SIZES.items()}
    for weights in ({"a": 1.0, "b": 1.0}, {"a": 5.0, "b": 1.0}):
        loader = Loader(stores, mixture((0, weights)), data(), seed=3)
        steps = epoch_steps(stores, mixture((0, weights)), data(), seed=3)
        assert steps.keys() == {"a", "b"}
        for name, step in steps.items():
            assert loader.epochs(step - 1)[name] < 1 <= loader.epochs(step)[name]
    left = mixture((0, {"a": 1.0, "b": 1.0}), (1, {"b": 1.0}))
    assert epoch_steps(stores, left, data(), seed=3).keys() == {"b"}
