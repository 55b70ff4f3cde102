from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.labelled import Labelled
from tanuki_jax.corpus.cleaning.quality.linear_model import BLOCKS, load_model, read_text
from tanuki_jax.corpus.cleaning.quality.training import train
from tanuki_jax.corpus.cleaning.quality.views import BUCKETS


def test_a_model_comes_back_from_its_file(tmp_path: Path, labelled: list[Labelled]) -> None:
    model = train([one.text for one in labelled[:60]], [one.good for one in labelled[:60]])
    path = tmp_path / "quality.npz"
    model.save(path)
    again = load_model(path)
    for text in ("狐は森で歌を聞いていた。", "", "\ud800", "送料無料 " * 2000):
        assert again.score(text) == pytest.approx(model.score(text), rel=1e-6)
    assert path.stat().st_size < 2_000_000


def test_each_block_of_features_has_the_same_length(labelled: list[Labelled]) -> None:
    model = train([one.text for one in labelled[:60]], [one.good for one in labelled[:60]])
    indices, values = model.scales.features(read_text(labelled[0].text))
    assert len(set(indices.tolist())) == len(indices)
    for block in range(BLOCKS - 1):
        inside = (indices >= block * BUCKETS) & (indices < (block + 1) * BUCKETS)
        assert float((values[inside] ** 2).sum()) == pytest.approx(1 / BLOCKS, rel=1e-4)
    # Random Fourier features have it in the mean of the directions alone.
    assert float((values[indices >= (BLOCKS - 1) * BUCKETS][:-1] ** 2).sum()) == pytest.approx(1 / BLOCKS, rel=0.15)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY"])
def test_a_file_without_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "quality.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"quality\.npz"):
        load_model(path)


def test_an_array_of_others_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", format=np.array("other 1"))
    with pytest.raises(InputError, match="other 1"):
        load_model(tmp_path / "other.npz")
