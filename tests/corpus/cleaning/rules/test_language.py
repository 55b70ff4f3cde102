from pathlib import Path

import fasttext
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.language import Language

JAPANESE = "川の水は、山に降った雨がゆっくりと地面にしみこんだものである。\n"
ENGLISH = "The water of the river is rain that has fallen on the hills and comes out of the ground.\n"


def test_documents_of_other_languages_are_dropped() -> None:
    draft = Draft("a", JAPANESE, {"language": "jpn,eng"})
    assert Language().apply(draft) == ""
    assert draft.metadata["language"] == "ja"
    assert draft.scores["language"] == 1.0
    assert Language().apply(Draft("b", ENGLISH, {"language": "ja"})) == "another language"
    assert Language(wanted=("ja", "en")).apply(Draft("b", ENGLISH)) == ""


def test_a_mixture_needs_a_share_of_its_language() -> None:
    mixed = Draft("a", JAPANESE + ENGLISH[:40])
    assert Language(least_share=0.5).apply(mixed) == ""
    assert Language(least_share=0.9).apply(mixed) == "mixed languages"


def test_a_model_of_fasttext_may_decide(tmp_path: Path) -> None:
    data = tmp_path / "train.txt"
    data.write_text(f"__label__ja {JAPANESE}__label__en {ENGLISH}" * 50, "utf-8")
    model = fasttext.train_supervised(str(data), minn=1, maxn=2, dim=8, epoch=30, verbose=0)
    model.save_model(str(tmp_path / "lid.bin"))
    rule = Language(model=str(tmp_path / "lid.bin"))
    assert rule.apply(Draft("a", JAPANESE)) == ""
    assert rule.apply(Draft("b", ENGLISH)) == "another language"


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the model of languages .*none\.bin cannot be read"):
        Language(model=str(tmp_path / "none.bin")).apply(Draft("a", JAPANESE))
