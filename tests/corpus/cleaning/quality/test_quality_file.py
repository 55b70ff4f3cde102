from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.fasttext_model import FastTextModel, train_fasttext
from tanuki_jax.corpus.cleaning.quality.labelled import Labelled
from tanuki_jax.corpus.cleaning.quality.linear_model import QualityModel
from tanuki_jax.corpus.cleaning.quality.quality_file import scorer
from tanuki_jax.corpus.cleaning.quality.training import train


def test_the_first_bytes_tell_the_kind_of_model(tmp_path: Path, labelled: list[Labelled]) -> None:
    texts, good = [one.text for one in labelled], [one.good for one in labelled]
    train(texts[:60], good[:60]).save(tmp_path / "linear")
    train_fasttext(texts, good, tmp_path / "fasttext")
    assert isinstance(scorer(str(tmp_path / "linear"), "characters", "good"), QualityModel)
    assert isinstance(scorer(str(tmp_path / "fasttext"), "characters", "good"), FastTextModel)
    with pytest.raises(InputError, match="nowhere"):
        scorer(str(tmp_path / "nowhere"), "characters", "good")
