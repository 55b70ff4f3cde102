import random
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.clusters import FATES
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tests.corpus.cleaning.duplicates.deduplicate_here import deduplicate
from tests.corpus.cleaning.duplicates.fates import clusters_of, fates_of
from tests.corpus.cleaning.duplicates.planted import Page, prose, replace_span, scatter, write_parts

FORMS: tuple[Callable[[str], str], ...] = (str, lambda text: f" {text} ", lambda text: f"{text}末尾の文。")


def jaccard(one: str, other: str) -> float:
    a, b = ({text[n : n + 5] for n in range(len(text) - 4)} for text in map("".join, (one.split(), other.split())))
    return len(a & b) / len(a | b)


def test_a_chain_does_not_drop_what_shares_little_with_the_kept_text(tmp_path: Path) -> None:
    """Pages that scroll over one long text: neighbours share two thirds of all shingles, distant ones nothing."""
    long = "".join(prose(random.Random(1), 9000).split())
    pages = [Page(f"at{start}", long[start : start + 900]) for start in range(0, 8000, 180)]
    texts = {page.id: page.text for page in pages}
    fates = fates_of(pages, tmp_path)
    clusters = clusters_of(fates)
    assert 44 / 7 <= len(clusters) <= 44 / 3
    for kept, *dropped in clusters:
        assert fates[kept][0] and not any(fates[id][0] for id in dropped)
        assert all(jaccard(texts[kept], texts[id]) >= 0.38 for id in dropped)
        assert all(fates[id][3] == len(dropped) + 1 for id in (kept, *dropped))


def test_a_page_of_template_alone_does_not_join_the_pages_with_it(tmp_path: Path) -> None:
    rng = random.Random(6)
    frame = prose(rng, 400)
    pages = [Page(f"page{n}", frame + prose(rng, 400)) for n in range(60)]
    pages += [Page(f"copy{n}", replace_span(pages[n].text, 0.1, rng)) for n in range(20)]
    bare = [Page(f"bare{n}", frame + prose(rng, 60)) for n in range(3)]
    assert jaccard(bare[0].text, pages[0].text) > Duplicates().similarity
    fates = fates_of(pages + bare, tmp_path)
    assert sum(fates[page.id][0] for page in pages) == 60
    assert all(fates[f"page{n}"][2] == fates[f"copy{n}"][2] for n in range(20))
    assert not any(fates[page.id][0] for page in bare)


def test_a_shortened_page_of_a_template_is_dropped_for_its_source(tmp_path: Path) -> None:
    rng = random.Random(8)
    frame = prose(rng, 400)
    pages = [Page(f"page{n}", frame + prose(rng, 400)) for n in range(30)]
    copies = [Page(f"copy{n}", page.text[:520], page.id) for n, page in enumerate(pages[:10])]
    assert jaccard(copies[0].text, pages[20].text) > Duplicates().similarity
    fates = fates_of(pages + copies, tmp_path)
    assert [fates[copy.id][2] == fates[copy.source][2] for copy in copies] == [True] * 10
    assert all(fates[page.id][0] for page in pages)


def test_all_edits_of_one_text_are_one_cluster(tmp_path: Path) -> None:
    rng = random.Random(2)
    source = prose(rng, 900)
    pages = [Page("source", source)]
    pages += [Page(f"replaced{n}", replace_span(source, 0.3, rng)) for n in range(10)]
    pages += [Page(f"scattered{n}", scatter(source, 0.08, rng)) for n in range(10)]
    fates = fates_of(pages, tmp_path)
    assert len(clusters_of(fates)) == 1


def test_the_longest_then_the_least_hash_of_text_and_id_is_kept(tmp_path: Path) -> None:
    text = prose(random.Random(3), 500)
    pages = [Page(f"copy{n}", text) for n in range(20)] + [Page("spaced", text[:100] + " \n " + text[100:])]
    fates = fates_of(pages, tmp_path / "one")
    assert [id for id, fate in fates.items() if fate[0]] == ["spaced"]
    assert all(exact and size == 21 for _, exact, _, size in fates.values())
    kept = set()
    for seed in range(3):
        random.Random(seed).shuffle(pages)
        equal = [page for page in pages if page.id != "spaced"]
        fates = fates_of(equal, tmp_path / str(seed), parts=seed + 1)
        kept |= {id for id, fate in fates.items() if fate[0]}
    assert len(kept) == 1


def test_the_highest_score_is_kept_before_the_longest(tmp_path: Path) -> None:
    rng = random.Random(4)
    sources = [prose(rng, 500) for _ in range(10)]
    pages = [Page(f"{n}", text + "末尾" * n) for n in range(3) for text in sources]
    (part,) = write_parts(pages, tmp_path, 1)
    table = pq.read_table(part)
    pq.write_table(table.append_column("quality", [[0.2] * 10 + [0.9] * 10 + [-1.0] * 10]), part)
    result = deduplicate([part], tmp_path / "signatures", tmp_path / "work", Duplicates(), score="quality", tasks=2)
    kept = ArrayFile(result.fates[0], FATES, {})["kept"].tolist()
    assert kept == [False] * 10 + [True] * 10 + [False] * 10


def test_the_part_of_the_highest_priority_is_kept_before_the_best_score(tmp_path: Path) -> None:
    rng = random.Random(6)
    sources = [prose(rng, 500) for _ in range(4)]
    # Of each text there is an exact copy, which is longer, in another part, and a near copy in a third.
    pages = [Page(f"{n}", form(text)) for n, form in enumerate(FORMS) for text in sources]
    parts = write_parts(pages, tmp_path, 3)
    for part, score in zip(parts, (0.1, 0.9, 0.5), strict=True):
        table = pq.read_table(part)
        pq.write_table(table.append_column("quality", [[score] * 4]), part)
    for preferred in range(3):
        priorities = [-1 if part != preferred else 0 for part in range(3)]
        work = tmp_path / f"work{preferred}"
        found = deduplicate(
            parts, tmp_path / "signatures", work, Duplicates(), score="quality", tasks=2, priorities=priorities
        )
        kept = [all(ArrayFile(path, FATES, {})["kept"].tolist()) for path in found.fates]
        assert kept == [part == preferred for part in range(3)]
        assert found.kept == 4


def test_the_largest_clusters_are_listed_with_their_sizes(tmp_path: Path) -> None:
    rng = random.Random(5)
    pages = []
    for size in range(1, 14):
        source = prose(rng, 400)
        pages += [Page(f"{size} {n}", source if n % 2 else replace_span(source, 0.1, rng)) for n in range(size)]
    files = write_parts(pages, tmp_path / "parts", 2)
    result = deduplicate(files, tmp_path / "signatures", tmp_path / "work", Duplicates(), tasks=4)
    assert [row[0] for row in result.largest] == list(range(13, 3, -1))
    assert [row[1] for row in result.largest] == [(size + 1) // 2 + 1 for size in range(13, 3, -1)]
    assert (result.kept, result.documents) == (13, 91)
