"""Two stores of made-up tokens, and a loader of both."""

import pytest

from tanuki_jax.data.loader import Loader
from tanuki_jax.data.store import Store
from tests.data.test_loader import SIZES, data, mixture, write_store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    folder = tmp_path_factory.mktemp("stores")
    return {name: write_store(folder / name, number, sizes) for number, (name, sizes) in enumerate(SIZES.items())}


@pytest.fixture
def loader(stores: dict[str, Store]) -> Loader:
    return Loader(stores, mixture((0, {"a": 2.0, "b": 1.0})), data(), seed=0)
