import random
from collections import defaultdict
from pathlib import Path

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.exact_copies import KIND, find_copies
from tanuki_jax.corpus.cleaning.duplicates.signature_files import sign_part
from tests.corpus.cleaning.duplicates.planted import Page, write_parts

SETTINGS = Duplicates(bands=2)


def test_every_copy_is_found_at_its_address(tmp_path: Path) -> None:
    rng = random.Random(0)
    texts = [f"文章の番号は{rng.randrange(120)}である。" for _ in range(300)]
    parts = write_parts([Page(str(n), text) for n, text in enumerate(texts)], tmp_path / "parts", 3)
    files = [tmp_path / f"{index}.signatures" for index in range(3)]
    for part, file in zip(parts, files, strict=True):
        sign_part(part, file, SETTINGS)
    groups: dict[int, set[int]] = defaultdict(set)
    for index in range(5):
        find_copies(index, 5, files, tmp_path / "out", SETTINGS)
        copies = ArrayFile(tmp_path / "out", KIND, SETTINGS.of_signatures())
        for node, address in zip(copies["nodes"].tolist(), copies["addresses"].tolist(), strict=True):
            assert node * 5 >> 64 == index
            groups[node].add((address >> 32) * 100 + (address & 0xFFFFFFFF))
    expected = [{n for n, other in enumerate(texts) if other == text} for text in set(texts)]
    assert sorted(map(sorted, groups.values())) == sorted(sorted(rows) for rows in expected if len(rows) > 1)
