import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.corpus.cleaning.duplicates.array_file import write_arrays
from tanuki_jax.corpus.cleaning.duplicates.clusters import FATES
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes
from tanuki_jax.corpus.cleaning.repeats.count_repeats import count_repeats, read_repeats, select_repeats
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.repeats.repeated_lines import line_settings, list_lines, remove_repeated
from tests.corpus.cleaning.duplicates.planted import prose

SETTINGS = Repeats(documents=5)
LINE = "【ＰＲ】今だけ送料無料のお得なセールを開催中です"
PARAGRAPH = "会社案内の頁\n採用の情報\n問い合わせ"


def repeated_in(
    texts: list[str], folder: Path, settings: Repeats = SETTINGS, fates: Path | None = None, hosts: int = 1
) -> Hashes:
    urls = [f"https://host{number % hosts}.example/{number}" for number in range(len(texts))]
    pq.write_table(pa.table({"id": urls, "url": urls, "text": texts}), folder / "part.parquet")
    list_lines(folder / "part.parquet", folder / "units", settings, fates=fates, url="url")
    wanted = line_settings(settings)
    counted = [folder / f"count{index}" for index in range(2)]
    for index, out in enumerate(counted):
        count_repeats(index, 2, [folder / "units"], out, wanted, documents=settings.documents, hosts=settings.hosts)
    select_repeats(folder / "units", counted, folder / "repeats", wanted)
    return read_repeats(folder / "repeats", wanted)[0]


def pages(rng: random.Random, repeats: int) -> list[str]:
    """Return pages of three paragraphs, of which some have the line, and some the paragraph of short lines."""
    texts = []
    for number in range(20):
        parts = [prose(rng, 80).replace("\n", "") for _ in range(3)]
        if number < repeats:
            parts[1] += "\n" + LINE.replace("PR", "ＰＲ" if number % 2 else "pr")
        elif number < 2 * repeats:
            parts[1] = PARAGRAPH
        texts.append("\n\n".join(parts))
    return texts


def test_lines_and_paragraphs_of_enough_documents_go_and_nothing_else(tmp_path: Path) -> None:
    texts = pages(random.Random(0), 6)
    repeated = repeated_in(texts, tmp_path)
    assert len(repeated) == 2
    for number, text in enumerate(texts):
        first, middle, last = text.split("\n\n")
        expected = [first, middle.split("\n")[0], last] if number < 6 else [first, last] if number < 12 else None
        assert remove_repeated(text, repeated, SETTINGS) == ("\n\n".join(expected) if expected else text)


def test_fewer_documents_or_hosts_are_not_enough(tmp_path: Path) -> None:
    assert len(repeated_in(pages(random.Random(0), 4), tmp_path)) == 0
    texts = pages(random.Random(0), 6)
    assert len(repeated_in(texts, tmp_path, Repeats(documents=5, hosts=3), hosts=2)) == 0
    assert len(repeated_in(texts, tmp_path, Repeats(documents=5, hosts=3), hosts=3)) == 2


def test_a_line_twice_in_one_document_is_one_document(tmp_path: Path) -> None:
    texts = [prose(random.Random(n), 50) + ("\n" + LINE) * 3 for n in range(4)]
    assert len(repeated_in(texts, tmp_path)) == 0


def test_dropped_documents_do_not_count(tmp_path: Path) -> None:
    texts = pages(random.Random(0), 6)
    for dropped, expected in ((1, 2), (2, 1)):
        kept = np.arange(len(texts)) >= dropped
        write_arrays(tmp_path / "fates", FATES, {}, {"kept": kept})
        assert len(repeated_in(texts, tmp_path, fates=tmp_path / "fates")) == expected


@pytest.mark.parametrize("text", ["", "\n\n\n", "一行だけの文章です", "末尾に改行\n\n", "あ\n\n\n\nい\n"])
def test_a_text_without_repeats_stays_as_it_is(text: str) -> None:
    assert remove_repeated(text, np.array([1, 2], np.uint64), SETTINGS) == text
    assert remove_repeated(text, np.empty(0, np.uint64), SETTINGS) == text
