import random
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import within
from tanuki_jax.corpus.cleaning.repeats.copied_passages import (
    cut_copied,
    fingerprints,
    list_fingerprints,
    passage_settings,
)
from tanuki_jax.corpus.cleaning.repeats.count_repeats import count_repeats, read_repeats, select_repeats
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tests.corpus.cleaning.duplicates.planted import prose

SETTINGS = Repeats()


def cut_all(texts: list[str], folder: Path) -> list[str]:
    pq.write_table(pa.table({"text": texts}), folder / "part")
    list_fingerprints(folder / "part", folder / "units", SETTINGS)
    wanted = passage_settings(SETTINGS)
    count_repeats(0, 1, [folder / "units"], folder / "count", wanted, documents=2, hosts=0)
    select_repeats(folder / "units", [folder / "count"], folder / "copied", wanted)
    return [cut_copied(text, *read_repeats(folder / "copied", wanted), SETTINGS) for text in texts]


def sentences(rng: random.Random, characters: int) -> str:
    return prose(rng, characters - 1) + "。"


@pytest.mark.parametrize("seed", range(6))
def test_a_passage_stays_in_one_document(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    passage = sentences(rng, 200 + 100 * seed)
    texts = [sentences(rng, 300) + passage + sentences(rng, 300) for _ in range(3)]
    cut = cut_all(texts, tmp_path)
    middle = passage[60:-60]
    assert sum(middle in text for text in cut) == 1
    for before, after in zip(texts, cut, strict=True):
        assert after == before or (after.startswith(before[:250]) and after.endswith(before[-250:]))
        assert after == before or len(before) - len(after) <= len(passage) + 2 * SETTINGS.window
        assert after == before or len(after) <= 600 + 2 * 30  # the cut ends at sentences, so a few may stay


def test_a_cut_ends_at_sentences(tmp_path: Path) -> None:
    rng = random.Random(9)
    passage = "".join(sentences(rng, 25) for _ in range(20))
    own = ["".join(sentences(rng, 25) for _ in range(12)) for _ in range(4)]
    texts = [own[0] + passage + own[1], own[2] + passage + own[3]]
    cut = cut_all(texts, tmp_path)
    assert sorted([cut[0] == texts[0], cut[1] == texts[1]]) == [False, True]
    changed, rest = (cut[0], own[0] + own[1]) if cut[1] == texts[1] else (cut[1], own[2] + own[3])
    assert changed.endswith("。") and all(part in texts[0] + texts[1] for part in re.split("[。！？\n]", changed))
    assert abs(len(changed) - len(rest)) <= 2 * 2 * 25


def test_short_copies_and_unrelated_texts_stay(tmp_path: Path) -> None:
    rng = random.Random(2)
    phrase = sentences(rng, 100)
    texts = [sentences(rng, 300) + phrase + sentences(rng, 300) for _ in range(4)] + ["短い文。", ""]
    assert cut_all(texts, tmp_path) == texts


def test_white_space_and_width_do_not_hide_a_copy(tmp_path: Path) -> None:
    rng = random.Random(3)
    passage = sentences(rng, 600) + "ＡＢＣ１２３。"
    spaced = "\n".join(passage[start : start + 30] for start in range(0, 606, 30)).replace("ＡＢＣ", "abc")
    texts = [sentences(rng, 300) + passage, sentences(rng, 300) + spaced]
    cut = cut_all(texts, tmp_path)
    assert sorted(len(after) < len(before) - 400 for before, after in zip(texts, cut, strict=True)) == [False, True]


def test_ranges_of_fingerprints_are_of_one_size() -> None:
    """Otherwise one task would count most of the corpus."""
    units = fingerprints(prose(random.Random(4), 200_000), SETTINGS)[1]
    sizes = [len(units[within(np.sort(units), index, 8)]) for index in range(8)]
    assert max(sizes) < 1.1 * len(units) / 8


def test_every_window_has_a_fingerprint_and_they_are_sparse() -> None:
    """The two properties of winnowing (Schleimer, Wilkerson, Aiken 2003, section 3): a gap is at most the window, and
    the density is 2 / (window + 1)."""
    text = "".join(random.Random(0).choices([chr(code) for code in range(0x4E00, 0x5E00)], k=50_000))
    places, _ = fingerprints(text, SETTINGS)
    assert np.diff(places).max() <= SETTINGS.window
    assert len(places) / 50_000 == pytest.approx(2 / (SETTINGS.window + 1), rel=0.05)
    inside, _ = fingerprints(text[1000:2000], SETTINGS)
    both = {int(place) for place in places if 1050 <= place < 1900} ^ {int(p) + 1000 for p in inside if 50 <= p < 900}
    assert both == set()


def test_one_letter_again_and_again_has_few_fingerprints() -> None:
    places, hashes = fingerprints("あ" * 1000, SETTINGS)
    assert len(set(hashes.tolist())) == 1 and len(places) <= 1000
