import importlib.util
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.engines.ray_cluster import RayCluster
from tests.corpus.cleaning.engines.test_datatrove_step import Files


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pip install 'ray"):
        RayCluster("auto", 2).run(Files(tmp_path), [0], lambda: None)
