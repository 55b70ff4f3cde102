"""Counts of facts, condition by condition, hit and missed by one character."""

import random
import re
from pathlib import Path

import pytest

from tanuki_jax.corpus.coverage.count_facts import Around, FactCounts
from tests.corpus.coverage.constructed_corpus import AROUND, documents, known_counts, known_facts, shown
from tests.corpus.coverage.scanned import counted, fact

NOBITA = fact("のび太|野比のび太", "特技|得意", "射撃|早撃ち", "昼寝", wrong=["料理"])
FILL = "。" * 70


def numbers(counts: FactCounts) -> list[tuple[int, int, int]]:
    return [(answer.documents, answer.near, answer.texts) for answer in counts.answers]


def test_documents_are_counted_once_and_occurrences_beside_them(tmp_path: Path) -> None:
    texts = ["野比のび太はのび太。特技は射撃、また射撃。", "のび太", "特技は昼寝", "のび太の特技"]
    [found] = counted(tmp_path, texts, NOBITA)
    assert (found.entity, found.entity_occurrences, found.related) == (3, 4, 2), "spellings that overlap count once"
    assert numbers(found) == [(1, 1, 1), (0, 0, 0), (0, 0, 0)]
    assert found.answers[0].near_occurrences == 2


@pytest.mark.parametrize(
    ("text", "around", "near"),
    [
        (f"特技のび太{FILL[:-2]}射撃", "entity", True),
        (f"特技のび太{FILL[:-1]}射撃", "entity", False),
        (f"射撃{FILL[:-2]}のび太特技", "entity", True),
        (f"射撃{FILL[:-1]}のび太特技", "entity", False),
        (f"特技のび太{FILL[:-1]}射撃", "relation", False),
        (f"のび太{FILL}{FILL}特技は射撃", "relation", True),
        (f"のび太{FILL}{FILL}特技は射撃", "both", False),
        (f"のび太{FILL}{FILL}特技は射撃", "entity", False),
        (f"のび太射撃{FILL[:-2]}特技", "both", True),
        (f"のび太射撃{FILL}特技", "both", False),
        (f"のび太射撃{FILL}射撃特技", "both", False),
    ],
)
def test_an_answer_is_near_to_the_last_character(text: str, around: Around, near: bool, tmp_path: Path) -> None:
    [found] = counted(tmp_path, [text], NOBITA, around=around)
    assert numbers(found)[0] == (1, int(near), int(near))


def test_characters_are_code_points_after_nfkc(tmp_path: Path) -> None:
    texts = [f"特技のび太{'ｶﾞ' * 68}射撃", f"特技のび太{'ｶﾞ' * 69}射撃", "ノビタ|特技|射撃"]
    [found] = counted(tmp_path, texts, NOBITA, around="entity")
    assert numbers(found)[0][1] == 1


def test_another_window_needs_no_second_scan(tmp_path: Path) -> None:
    text = f"のび太特技{FILL[:30]}射撃"
    for window, near in ((32, 1), (31, 0), (70, 1)):
        [found] = counted(tmp_path, [text], NOBITA, window=window, around="relation")
        assert numbers(found)[0][1] == near
    assert len([*(tmp_path / "out" / "postings").iterdir()]) == 1


def test_facts_share_words(tmp_path: Path) -> None:
    other = fact("ドラえもん", "特技|得意", "射撃|早撃ち")
    first, second = counted(tmp_path, ["のび太の特技は射撃", "ドラえもんの特技は昼寝"], NOBITA, other)
    assert (numbers(first)[0], numbers(second)[0]) == ((1, 1, 1), (0, 0, 0))
    assert (first.related, second.related) == (1, 1)


@pytest.fixture(scope="module")
def constructed(tmp_path_factory: pytest.TempPathFactory) -> dict[Around, list[dict[str, int]]]:
    """Return the counts of the constructed corpus, scanned once, in several parts."""
    folder, texts, facts = tmp_path_factory.mktemp("constructed"), documents(), known_facts()
    return {
        around: [*map(shown, counted(folder, texts, *facts, around=around, part_bytes=1 << 20))] for around in AROUND
    }


@pytest.mark.parametrize("around", AROUND)
def test_counts_are_those_of_the_construction(around: Around, constructed: dict[Around, list[dict[str, int]]]) -> None:
    pairs = [*enumerate(zip(constructed[around], known_counts(around), strict=True))]
    assert len(pairs) == 100 and all(found.keys() == known.keys() for _, (found, known) in pairs)
    different = {
        (number, name): (found[name], count)
        for number, (found, known) in pairs
        for name, count in known.items()
        if found[name] != count and name != "copied: texts"
    }
    assert not different


def test_copies_with_up_to_a_fifth_changed_are_merged(constructed: dict[Around, list[dict[str, int]]]) -> None:
    pairs = [
        (found["copied: texts"], known["copied: texts"], known["copied: documents"])
        for found, known in zip(constructed["both"], known_counts("both"), strict=True)
    ]
    groups, copies = sum(known for _, known, _ in pairs), sum(copies for *_, copies in pairs)
    assert (groups, copies) == (199, 6 * 199)
    assert sum(abs(found - known) for found, known, _ in pairs) <= 0.02 * groups


@pytest.mark.thorough
def test_counts_are_those_of_a_search_of_every_text(tmp_path: Path) -> None:
    draw = random.Random(0)
    names = ["狸山", "狐川", "兎野", "熊谷町", "谷町"]
    facts = [
        fact(f"{a}|{a}さん", f"{b}の里", "森田|森", "里の森", wrong=["森田村"]) for a in names for b in names if a != b
    ]
    pieces = [*names, "さん", "の里", "の森", "森田", "村", "。", "あいう", "かき" * 8]
    texts = ["".join(draw.choices(pieces, k=draw.randrange(40))) for _ in range(3000)]
    for around in ("entity", "relation", "both"):
        found = counted(tmp_path, texts, *facts, window=12, around=around, part_bytes=20_000)
        for each in found:
            entity, relation = (places(texts, word.spellings) for word in (each.fact.entity, each.fact.relation))
            assert each.entity == sum(map(bool, entity))
            assert each.related == sum(bool(a and b) for a, b in zip(entity, relation, strict=True))
            for answer in each.answers:
                spelled = places(texts, answer.word.spellings)
                rows = [row for row in zip(entity, relation, spelled, strict=True) if all(row)]
                assert answer.documents == len(rows)
                assert answer.near == sum(is_near(*row, around, 12) for row in rows)


def places(texts: list[str], spellings: tuple[str, ...]) -> list[list[tuple[int, int]]]:
    """Return, for each text, where one of the spellings stands, those that overlap as one."""
    found = []
    for text in texts:
        spans = sorted((m.start(), m.start() + len(s)) for s in spellings for m in re.finditer(f"(?={s})", text))
        merged: list[tuple[int, int]] = []
        for start, stop in spans:
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        found.append(merged)
    return found


def is_near(
    entity: list[tuple[int, int]],
    relation: list[tuple[int, int]],
    answer: list[tuple[int, int]],
    around: Around,
    window: int,
) -> bool:
    """Whether one of the places of an answer is near the others."""

    def within(place: tuple[int, int], words: list[tuple[int, int]]) -> bool:
        return any(place[0] >= start - window and place[1] <= stop + window for start, stop in words)

    wanted = [words for name, words in (("entity", entity), ("relation", relation)) if around in (name, "both")]
    return any(all(within(place, words) for words in wanted) for place in answer)
