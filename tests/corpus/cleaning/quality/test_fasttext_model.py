from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.fasttext_model import (
    MAGIC,
    Symbols,
    load_fasttext,
    spaced,
    train_fasttext,
)
from tanuki_jax.corpus.cleaning.quality.labelled import Labelled


def test_texts_are_one_line_of_symbols() -> None:
    assert spaced("Ａ猫 は\n寝た", "characters") == "a 猫 _ は _ 寝 た"
    assert spaced("猫が\n寝た。", "base_forms") == "猫 が 寝る た 。"
    assert spaced("a  cat\nsat", "text") == "a cat sat"


@pytest.mark.parametrize("symbols", ["characters", "base_forms"])
def test_a_trained_model_is_fasttexts_own(tmp_path: Path, labelled: list[Labelled], symbols: Symbols) -> None:
    path = tmp_path / "quality.bin"
    train_fasttext([one.text for one in labelled], [one.good for one in labelled], path, symbols)
    assert path.read_bytes()[:4] == MAGIC
    model = load_fasttext(path, symbols, "good")
    story, offer = "狐は森で友だちを待っていた。それは畑での話だ。", "布団が激安通販!送料無料 掃除機 最安値"
    assert model.score(story) > 0.8 > 0.2 > model.score(offer)
    assert load_fasttext(path, symbols, "__label__bad").score(offer) > 0.8


def test_unknown_labels_and_damaged_files_are_refused(tmp_path: Path, labelled: list[Labelled]) -> None:
    path = tmp_path / "quality.bin"
    train_fasttext([one.text for one in labelled], [one.good for one in labelled], path)
    with pytest.raises(InputError, match="fine"):
        load_fasttext(path, "characters", "fine")
    (tmp_path / "cut.bin").write_bytes(MAGIC + b"\0" * 4)
    with pytest.raises(InputError, match=r"cut\.bin"):
        load_fasttext(tmp_path / "cut.bin", "characters", "good")


def test_the_same_texts_give_the_same_model(tmp_path: Path, labelled: list[Labelled]) -> None:
    """In one process fastText would train on what others left in memory: its file differs, or it ends in NaN."""
    texts, good = [one.text for one in labelled], [one.good for one in labelled]
    for name in ("first.bin", "again.bin"):
        train_fasttext(texts, good, tmp_path / name)
    assert (tmp_path / "first.bin").read_bytes() == (tmp_path / "again.bin").read_bytes()
